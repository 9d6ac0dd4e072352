"""VASP XDATCAR files: fixed cells with one header, changing cells with one before each frame.

ASE's reader (3.29) cannot stand behind this one: it holds all frames in memory, takes a negative
scale for a length where VASP means the volume, drops the step numbers, fails on a torn last frame,
and ends without a word at the first header that it cannot read, whatever follows.

A header is told by its second line, a single number, and not by its title, which may be anything.
VASP writes fixed columns: where two numbers touch, as in `0.12345678-0.87654321`, the sign or the
eight decimals tell where one ends. A row that cannot be read is an error, wherever more follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ase import Atoms

from aofl.errors import StoreError
from aofl.records import FloatArray
from aofl.store.elements import Named, elements_of_names
from aofl.store.reading import Reading
from aofl.store.text_file import Lines, numbers_of, text_file

_TOUCHING_SIGN = re.compile(r"(?<=[0-9.])-")
_EIGHT_DECIMALS = re.compile(r"\s*([+-]?\d*\.\d{8})" * 3 + r"\s*")
_FRAME = re.compile(r"\s*(direct|konfig|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """Cell (Å, rows) and elements."""

    cell: FloatArray
    named: Named


def iterate_xdatcar(path: Path, reading: Reading) -> Iterator[Atoms]:
    """Yield the whole frames of an XDATCAR; a torn last one is passed over.

    Parameters
    ----------
    reading
        The element of each kind, for files of VASP 4, which do not name them.

    Raises
    ------
    StoreError
        If the file cannot be read or a frame is damaged.
    """
    with text_file(path, "an XDATCAR") as file:
        lines, index = Lines(file), 0
        header: _Header | None = None
        while line := lines.next():
            where = f"{path} frame {index} line {lines.number}"
            try:
                if header is None or _is_title(line, lines):
                    header = _next_header(lines, reading, f"{path} frame {index}")
                    continue
                if not _FRAME.match(line):
                    if not lines.peek().endswith("\n"):
                        raise _TornError
                    raise ValueError("expected `Direct configuration=` or a header")
                if not line.strip() and _FRAME.match(lines.peek()):
                    continue  # more blank lines, or the line that starts the frame
                atoms = _next_frame(lines, header, line, f"{path} frame {index}")
            except _TornError:
                if index == 0:
                    raise StoreError(f"{path} has no whole frame: it is cut short") from None
                reading.say(f"frame {index} is cut short at the end of the file and was left out")
                return
            except (ValueError, IndexError) as error:
                raise StoreError(
                    f"{where} is no XDATCAR frame near {line.strip()[:50]!r}: {error}"
                ) from error
            yield atoms
            index += 1


class _TornError(Exception):
    """The file ends within a header or a frame."""


def _is_title(line: str, lines: Lines) -> bool:
    """Tell whether a header begins here: what follows is a scale, and no row of positions."""
    if re.match(r"\s*direct configuration", line, re.IGNORECASE):
        return False
    words = lines.peek().split()
    return len(words) == 1 and re.fullmatch(r"[+-]?[0-9.]+([EeDd][+-]?\d+)?", words[0]) is not None


def _next_header(lines: Lines, reading: Reading, where: str) -> _Header:
    """Read the header after its title."""
    first = lines.number + 1
    rows = lines.take(5)
    rows += [] if _is_counts(rows) else lines.take(1)
    if len(rows) < 5 or (len(rows) < 6 and not _is_counts(rows)) or not rows[-1].endswith("\n"):
        raise _TornError
    return _header(rows, reading, where, first)


def _next_frame(lines: Lines, header: _Header, line: str, where: str) -> Atoms:
    """Read the positions after the line that starts a frame."""
    first, n_atoms = lines.number + 1, len(header.named.numbers)
    rows = lines.take(n_atoms)
    if len(rows) < n_atoms or (rows and not rows[-1].endswith("\n") and _is_shorter(rows)):
        for k, row in enumerate(rows[:-1]):  # else more than a torn end is missing
            _three(row, f"{where} line {first + k}")
        raise _TornError
    scaled = numbers_of(
        [_three(row, f"{where} line {first + k}") for k, row in enumerate(rows)],
        lambda k: f"{where} line {first + k}",
    ).reshape(-1, 3)
    return Atoms(
        numbers=header.named.numbers, masses=header.named.masses, positions=scaled @ header.cell,
        cell=header.cell, pbc=True, info=_step(line),
    )  # fmt: skip


def _is_shorter(rows: Sequence[str]) -> bool:
    """Tell whether the last row is shorter than the one before: cut within a number."""
    return len(rows[-1].split()) < 3 or (len(rows) > 1 and len(rows[-1]) < len(rows[-2].rstrip()))


def _three(row: str, where: str) -> Sequence[str]:
    """Return the three numbers of a row, also where they touch."""
    words = _TOUCHING_SIGN.sub(" -", row).split()
    if len(words) >= 3 and all(word.count(".") <= 1 for word in words):
        return words[:3]
    fixed = _EIGHT_DECIMALS.fullmatch(row.rstrip())
    if fixed:
        return fixed.groups()
    raise StoreError(
        f"{where} has {row.strip()[:50]!r} where three numbers should be: correct it by hand, or "
        "leave this frame out"
    )


def _step(line: str) -> dict[str, int]:
    found = re.search(r"=\s*(\d{1,15})", line)
    return {"step": int(found.group(1))} if found else {}


def _is_counts(rows: Sequence[str]) -> bool:
    """Tell whether the fifth line has counts, as in VASP 4, and not elements."""
    return len(rows) == 5 and rows[4].split()[:1] != [] and rows[4].split()[0].isdigit()


def _header(rows: Sequence[str], reading: Reading, where: str, first: int) -> _Header:
    """Read scale, cell, elements and counts: the five or six lines after the title."""

    def at(k: int) -> str:
        return f"{where} line {first + k}"

    scale = float(numbers_of([rows[0].split()], at)[0, 0])
    cell = numbers_of([_three(rows[k], at(k)) for k in (1, 2, 3)], lambda k: at(k + 1))
    if not np.isfinite(cell).all() or abs(np.linalg.det(cell)) < 1e-6 or scale == 0:
        raise ValueError("the cell has no volume")
    cell *= scale if scale > 0 else (-scale / abs(np.linalg.det(cell))) ** (1 / 3)
    if _is_counts(rows):
        symbols = list(reading.elements.of_types)
        if not symbols:
            raise StoreError(
                f"{where} does not name its elements: give them with `--elements Na,O,H`"
            )
    else:
        symbols = [word.split("_")[0].split("/")[0] for word in rows[4].split()]
    counts = [int(word) for word in rows[-1].split()]
    if len(counts) != len(symbols):
        raise ValueError(f"{len(symbols)} elements but {len(counts)} counts")
    names = [s for s, n in zip(symbols, counts, strict=True) for _ in range(n)]
    return _Header(cell=cell, named=_elements(names, rows, reading, where))


def _elements(names: list[str], rows: Sequence[str], reading: Reading, where: str) -> Named:
    given = reading.elements
    if _is_counts(rows):
        return elements_of_names(names, replace(given, of_types=()), where, reading.say)
    return elements_of_names(names, given, where, reading.say)
