"""Numbered, compressed parts of one long record: names, order, and members read within bounds.

Part k of `trajectory.extxyz` is `trajectory.000k.extxyz.gz`. A part is a row of whole gzip members,
which any gzip reader sees as one stream; the last one may be torn by a kill. A plain
`trajectory.extxyz`, as older versions wrote it, counts as part 0.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from aofl.errors import StoreError
from aofl.store.atomic import cannot

LEVEL = 6
GZIP = 31  # zlib's `wbits` for a gzip header and trailer

_BLOCK = 1 << 20
# Text of floats packs about 2:1, all zeros 100:1; what claims more is no record but a bomb.
_LARGEST_RATIO = 400
_SMALLEST_BOUND = 1 << 20
# Magic, deflate, no flags, no time: what `pack` writes first, and finds in a damaged member.
_HEADER = b"\x1f\x8b\x08" + bytes(5)


def part_path(base: Path, number: int) -> Path:
    """Return where part `number` (1, 2, ...) of a record is kept."""
    return base.with_name(f"{base.stem}.{number:04d}{base.suffix}.gz")


def part_number(base: Path, path: Path) -> int:
    """Return the number of a part, 0 for the plain file."""
    return 0 if path == base else int(path.name.removeprefix(f"{base.stem}.").split(".")[0])


def parts(base: Path) -> list[Path]:
    """Return the parts that exist, in order.

    Raises
    ------
    StoreError
        If a part in the middle is missing.
    """
    pattern = re.compile(rf"{re.escape(base.stem)}\.(\d{{4,}}){re.escape(base.suffix)}\.gz")
    try:
        names = [path.name for path in base.parent.iterdir()]
    except OSError as error:
        raise cannot("read", base.parent, error) from error
    found = sorted(int(match[1]) for name in names if (match := pattern.fullmatch(name)))
    for expected, number in enumerate(found, 1):
        if number != expected:
            missing = part_path(base, expected).name
            raise StoreError(f"{base.parent / missing} is missing: restore it from a copy")
    plain = [base] if base.exists() else []
    return [*plain, *(part_path(base, number) for number in found)]


def pack(data: bytes) -> bytes:
    """Return the bytes as one gzip member; equal bytes give equal members."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    return packer.compress(data) + packer.flush()


def iterate_members(path: Path) -> Iterator[bytes]:
    """Yield the content of each whole gzip member; a torn last one is passed over.

    No member may unpack to more than a fixed multiple of its packed size.

    Raises
    ------
    StoreError
        If the file cannot be read, is not gzip, or is damaged before its last member.
    """
    try:
        with path.open("rb") as file:
            rest = b""
            while rest or (rest := file.read(_BLOCK)):
                member = _Member(path)
                while not member.is_whole:
                    if not rest and not (rest := file.read(_BLOCK)):
                        member.check_is_torn()
                        return
                    rest = member.feed(rest)
                yield bytes(member.content)
    except OSError as error:
        raise cannot("read", path, error) from error


class _Member:
    """One gzip member while it is unpacked."""

    def __init__(self, path: Path) -> None:
        self.content = bytearray()
        self._path = path
        self._unpacker = zlib.decompressobj(GZIP)
        self._packed = 0
        self._holds_header = False

    @property
    def is_whole(self) -> bool:
        return self._unpacker.eof

    def feed(self, data: bytes) -> bytes:
        """Unpack; return what belongs to the next member."""
        # The own header is at byte 0; a second one inside means that this member never ended.
        start = 1 if self._packed == 0 else 0
        self._holds_header = self._holds_header or data.find(_HEADER, start) >= 0
        self._packed += len(data)
        bound = max(_SMALLEST_BOUND, _LARGEST_RATIO * self._packed)
        try:
            self.content += self._unpacker.decompress(data, bound - len(self.content) + 1)
        except zlib.error as error:
            raise StoreError(
                f"{self._path} is damaged ({error}): restore it from a copy"
            ) from error
        if len(self.content) > bound:
            raise StoreError(
                f"{self._path} unpacks to more than {_LARGEST_RATIO} times its size: it is no "
                "record of a run; restore it from a copy"
            )
        return self._unpacker.unused_data

    def check_is_torn(self) -> None:
        """Refuse a member that did not end although another one begins after it."""
        if self._holds_header:
            raise StoreError(f"{self._path} is damaged before its end: restore it from a copy")
