"""The ledger and the events of a run, read as records.

Lines of older versions are read with the defaults of what they lack; a kind of event that this
version does not know comes as `OtherEvent`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from aofl.errors import StoreError
from aofl.records import Event, LedgerLine, OtherEvent
from aofl.records.events import event_from_json
from aofl.records.ledger_line import ledger_line_from_json
from aofl.store.append_only import iterate_whole_lines

T = TypeVar("T")


def iterate_ledger(path: Path) -> Iterator[LedgerLine]:
    """Yield the lines of a ledger one by one; a torn last line is passed over.

    Raises
    ------
    StoreError
        If the file cannot be read, or any other line is no decision.
    """
    return _iterate(path, ledger_line_from_json, "decision")


def read_ledger(path: Path) -> list[LedgerLine]:
    """Return the lines of a ledger, as `iterate_ledger` yields them."""
    return list(iterate_ledger(path))


def iterate_events(path: Path) -> Iterator[Event | OtherEvent]:
    """Yield the events of a run one by one; a torn last line is passed over.

    Raises
    ------
    StoreError
        If the file cannot be read, or any other line is no event.
    """
    return _iterate(path, event_from_json, "event")


def read_events(path: Path) -> list[Event | OtherEvent]:
    """Return the events of a run, as `iterate_events` yields them."""
    return list(iterate_events(path))


def _iterate(path: Path, parse: Callable[[str], T], what: str) -> Iterator[T]:
    for i, line in enumerate(iterate_whole_lines(path), 1):
        try:
            yield parse(line)
        except TypeError as error:
            raise StoreError(
                f"{path} line {i} is no {what} ({error}): the file was damaged; restore it from a "
                "copy"
            ) from error
