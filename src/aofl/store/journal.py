"""Append-only records of one line each: the JSON lines of ledger and events, and tables.

Numbers that are not finite never reach a file: they are written as null, or left empty.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aofl.errors import StoreError
from aofl.store.append_only import AppendOnlyFile, length_of_whole_lines, read_whole_lines
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
        _drop_torn_line(self)

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
    return [_parse(line, f"{path} line {i}") for i, line in enumerate(read_whole_lines(path), 1)]


class Table(AppendOnlyFile):
    """A CSV file with a header; a torn last line is dropped when it is opened.

    Parameters
    ----------
    columns
        The names of the columns, units included.

    Raises
    ------
    StoreError
        If the file has other columns.
    """

    def __init__(self, path: Path, columns: Sequence[str], *, is_durable: bool = False) -> None:
        super().__init__(path, is_durable=is_durable)
        _drop_torn_line(self)
        self._columns = tuple(columns)
        header = _csv_line(self._columns)
        if self.offset == 0:
            self.append_bytes(header)
        elif not path.read_bytes().startswith(header):
            self.close()
            raise StoreError(f"{path} has other columns than {', '.join(columns)}: move it away")

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
        self.append_bytes(_csv_line([jsonable(row[column]) for column in self._columns]))


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table as text, empty where nothing was evaluated.

    A torn last line is passed over.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    return list(csv.DictReader(read_whole_lines(path)))


def _csv_line(values: Sequence[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode()


def _parse(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{where} is not JSON: the file was damaged ({error})") from error
    if not isinstance(record, dict):
        raise StoreError(f"{where} is not a JSON object: {line[:40]!r}")
    return record


def _drop_torn_line(file: AppendOnlyFile) -> None:
    try:
        data = file.path.read_bytes()
    except OSError as error:
        raise cannot("read", file.path, error) from error
    file.truncate(length_of_whole_lines(data))
