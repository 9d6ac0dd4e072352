"""Append-only records of one line each: the JSON lines of ledger and events, and tables.

Numbers that are not finite never reach a file: they are written as null, or left empty.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aofl.errors import StoreError
from aofl.store.append_only import (
    AppendOnlyFile,
    closed_on_error,
    drop_torn_line,
    iterate_whole_lines,
)
from aofl.store.atomic import cannot


def jsonable(value: Any) -> Any:
    """Return the value with numpy types made plain and numbers that are not finite made None."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return value


class Journal(AppendOnlyFile):
    """A file of JSON objects, one a line; a torn last line is dropped when it is opened."""

    def __init__(self, path: Path, *, is_durable: bool = False) -> None:
        super().__init__(path, is_durable=is_durable)
        with closed_on_error(self):
            drop_torn_line(self)

    def append(self, record: Mapping[str, Any]) -> None:
        """Append one record; numpy numbers are welcome.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        self.append_bytes(json.dumps(jsonable(record), allow_nan=False).encode() + b"\n")


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Return the records of a journal; a torn last line is passed over.

    Raises
    ------
    StoreError
        If the file cannot be read or any other line is not a JSON object.
    """
    return list(iterate_journal(path))


def iterate_journal(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a journal one by one, as `read_journal` returns them."""
    for i, line in enumerate(iterate_whole_lines(path), 1):
        yield _parse(line, f"{path} line {i}")


class Table(AppendOnlyFile):
    """A CSV file with a header; a torn last line is dropped when it is opened.

    Parameters
    ----------
    columns
        The names of the columns, units included. A file that was begun with the first of them
        keeps to these: later versions add columns at the end.

    Attributes
    ----------
    start
        The offset of the first row.

    Raises
    ------
    StoreError
        If the file has other columns.
    """

    def __init__(self, path: Path, columns: Sequence[str], *, is_durable: bool = False) -> None:
        super().__init__(path, is_durable=is_durable)
        self._columns = tuple(columns)
        with closed_on_error(self):
            drop_torn_line(self)
            if self.offset == 0:
                self.append_bytes(_csv_line(self._columns))
            self._written = self._columns_of(path)
        self.start = len(_csv_line(self._written))

    def append(self, row: Mapping[str, float | int | str | None]) -> None:
        """Append one row: a value for each column, None where it was not evaluated.

        Raises
        ------
        StoreError
            If the names of the row are not the columns, or the disk refuses.
        """
        if set(row) != set(self._columns):
            different = ", ".join(sorted(set(row) ^ set(self._columns)))
            raise StoreError(f"a row of {self.path} has missing or unknown columns: {different}")
        self.append_bytes(_csv_line([jsonable(row[column]) for column in self._written]))

    def _columns_of(self, path: Path) -> tuple[str, ...]:
        """Return the columns of the file: all that are known, or the first of them."""
        whole = _csv_line(self._columns)
        header = _first_bytes(path, len(whole)).partition(b"\n")[0].decode(errors="replace")
        found = tuple(header.split(","))
        if found != self._columns[: len(found)]:
            wanted = ", ".join(self._columns)
            raise StoreError(f"{path} has other columns than {wanted}: move it away")
        return found


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table as text, empty where nothing was evaluated.

    A torn last line is passed over.

    Raises
    ------
    StoreError
        If the file cannot be read or is no table.
    """
    try:
        return list(csv.DictReader(iterate_whole_lines(path)))
    except csv.Error as error:
        raise StoreError(f"{path} is not a table: {error}; restore it from a copy") from error


def _csv_line(values: Sequence[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode()


def _first_bytes(path: Path, n: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(n)
    except OSError as error:
        raise cannot("read", path, error) from error


def _parse(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{where} is not JSON: the file was damaged ({error})") from error
    if not isinstance(record, dict):
        raise StoreError(f"{where} is not a JSON object: {line[:40]!r}")
    return record
