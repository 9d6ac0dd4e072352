"""Text files, also compressed with gzip, read line by line; what goes wrong is one sentence."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import numpy as np

from aofl.errors import StoreError
from aofl.records import FloatArray
from aofl.store.atomic import cannot

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([EeDd][+-]?\d+)?")
_FORTRAN = re.compile(r"(?<=\d|\.)[Dd](?=[+-]\d)")


class Lines:
    """The lines of a text file, counted from 1.

    Attributes
    ----------
    number
        Of the line that was read last.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._waiting: list[str] = []
        self.number = 0

    def next(self) -> str:
        """Return the next line with its end, or an empty text at the end of the file."""
        line = self.peek()
        self._waiting.clear()
        self.number += bool(line)
        return line

    def take(self, n: int) -> list[str]:
        """Return the next `n` lines; fewer where the file ends before."""
        lines: list[str] = []
        while len(lines) < n and (line := self.next()):
            lines.append(line)
        return lines

    def peek(self) -> str:
        """Return the next line and leave it to be read."""
        if not self._waiting:
            # files that were joined have byte-order marks within
            self._waiting.append(self._file.readline().removeprefix("\ufeff"))
        return self._waiting[-1]


@contextmanager
def text_file(path: Path, kind: str) -> Iterator[TextIO]:
    """Open a text file, `.gz` or plain, for reading; a byte-order mark is passed over.

    Parameters
    ----------
    kind
        What the file should be, for the error message.

    Raises
    ------
    StoreError
        While reading, too: if the file cannot be read, is not text, or is not whole gzip.
    """
    try:
        with _opened(path) as file:
            yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise StoreError(
            f"{path} is not whole gzip ({error}): the file was damaged or cut short; copy it again"
        ) from error
    except UnicodeDecodeError as error:
        raise StoreError(f"{path} is not {kind}: {_encoding_of(error)}") from error
    except OSError as error:
        raise cannot("read", path, error) from error


def numbers_of(rows: Sequence[Sequence[str]], where: Callable[[int], str]) -> FloatArray:
    """Return rows of words as numbers, shape (n_rows, n_columns).

    Parameters
    ----------
    where
        Says where row k is, for the error message.

    Raises
    ------
    StoreError
        If a word is no number.
    """
    try:
        return np.array(rows, dtype=np.float64)
    except ValueError:
        return np.array([[number_of(word, where(k)) for word in row] for k, row in enumerate(rows)])


def number_of(word: str, where: str) -> float:
    """Return a word as a number, also with the exponent `D` of Fortran.

    Raises
    ------
    StoreError
        If it is none.
    """
    try:
        return float(with_exponents(word))
    except ValueError:
        raise StoreError(
            f"{where} has {word[:40]!r} where a number should be{_why(word)}"
        ) from None


def with_exponents(text: str) -> str:
    """Return a text with the exponents `D` of Fortran written as `E`."""
    return _FORTRAN.sub("E", text) if "D" in text or "d" in text else text


def _why(word: str) -> str:
    if _DECIMAL_COMMA.fullmatch(word):
        return ": write decimals with a point, not with a comma"
    if word.startswith("*"):
        return ": it did not fit into its columns and is lost; leave this frame out"
    return ""


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="\n")
    return path.open(encoding="utf-8-sig", newline="\n")


def _encoding_of(error: UnicodeDecodeError) -> str:
    if error.object.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "it is UTF-16, as some editors of Windows write it; save it as UTF-8"
    return f"{error}; save it as UTF-8"
