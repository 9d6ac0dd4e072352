"""The one kind of file that grows during a run: bytes are appended, nothing else.

A record is in the file as a whole or, after a kill, as a torn tail that the next reader
recognises. A checkpoint remembers the offset; a resumed run cuts the file back to it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aofl.durable import synchronise, synchronise_path
from aofl.errors import StoreError
from aofl.store.atomic import cannot, write_all
from aofl.store.closing import Closing

_BLOCK = 65536


class AppendOnlyFile(Closing):
    """A file open for appending; kinds of records add their own `append` and override nothing.

    Parameters
    ----------
    path
        The file; it is made where it does not exist.
    is_durable
        Whether each append waits for the disk, and so survives a power failure. Without it an
        append survives the end of the process.
    """

    def __init__(self, path: Path, *, is_durable: bool = False) -> None:
        self.path = path
        self._is_durable = is_durable
        try:
            self._file = path.open("ab", buffering=0)
            synchronise_path(path.parent)
            self._offset = path.stat().st_size
        except OSError as error:
            raise cannot("open", path, error) from error

    @property
    def offset(self) -> int:
        """The size of the file in bytes: where the next record begins."""
        return self._offset

    def append_bytes(self, data: bytes) -> None:
        """Append one whole record.

        Raises
        ------
        StoreError
            If the disk refuses; the part that was written is taken back.
        """
        try:
            write_all(self._file.fileno(), data)
            if self._is_durable:
                synchronise(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file.fileno(), self._offset)
            raise cannot("append to", self.path, error) from error
        self._offset += len(data)

    def truncate(self, offset: int) -> None:
        """Drop everything from `offset` (bytes) on, for good.

        Raises
        ------
        StoreError
            If the file is shorter than that: records that a checkpoint counts on are gone.
        """
        if not 0 <= offset <= self._offset:
            raise StoreError(
                f"{self.path} has {self._offset} bytes where the checkpoint expects at least "
                f"{offset}: it was cut or replaced; restore it from a copy"
            )
        try:
            os.ftruncate(self._file.fileno(), offset)
            synchronise(self._file.fileno())
        except OSError as error:
            raise cannot("truncate", self.path, error) from error
        self._offset = offset

    def sync(self) -> None:
        """Wait until all appended records are on the disk; call it before a checkpoint."""
        try:
            synchronise(self._file.fileno())
        except OSError as error:
            raise cannot("write", self.path, error) from error

    def close(self) -> None:
        """Close the file; appending afterwards is an error."""
        self._file.close()


@contextmanager
def closed_on_error(file: AppendOnlyFile) -> Iterator[None]:
    """Close a file if what follows its opening fails."""
    try:
        yield
    except BaseException:
        file.close()
        raise


def iterate_whole_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file, but not the torn one that a kill may have left.

    Raises
    ------
    StoreError
        If the file cannot be read or is not text.
    """
    try:
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line[:-1].decode()
    except OSError as error:
        raise cannot("read", path, error) from error
    except UnicodeDecodeError as error:
        raise StoreError(f"{path} is not a text file: {error}") from error


def drop_torn_line(file: AppendOnlyFile) -> None:
    """Cut a file of lines back to its last newline."""
    end = file.offset
    try:
        with file.path.open("rb") as reader:
            while end > 0:
                start = max(0, end - _BLOCK)
                reader.seek(start)
                found = reader.read(end - start).rfind(b"\n")
                if found >= 0:
                    end = start + found + 1
                    break
                end = start
    except OSError as error:
        raise cannot("read", file.path, error) from error
    if end < file.offset:
        file.truncate(end)


def last_whole_lines(path: Path, most_bytes: int = _BLOCK) -> list[str]:
    """Return the whole lines among the last bytes of a file, the newest last.

    A torn last line is passed over, and so is a first one of which the beginning is further up. A
    file that is not there yet has none.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            begins = max(0, file.seek(0, os.SEEK_END) - most_bytes)
            file.seek(begins)
            data = file.read(most_bytes)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise cannot("read", path, error) from error
    whole = data[: data.rfind(b"\n") + 1].decode(errors="replace").splitlines()
    return whole[1:] if begins else whole
