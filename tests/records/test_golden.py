"""What the schema writes is what runs wrote before there was one, byte by byte, and reads back.

The files in `golden/` were written by version 0.1.0; they are never written again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from record_cases import EVENTS, LEDGER, THERMO

from aofl.plain import to_plain
from aofl.records import THERMO_COLUMNS, Event
from aofl.store import Journal, Table, read_events, read_ledger

GOLDEN = Path(__file__).parent / "golden"


def written(path: Path, records: tuple[Any, ...]) -> bytes:
    with Journal(path) as journal:
        for record in records:
            journal.append(to_plain(record))
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "records"), [("ledger.jsonl", LEDGER), ("events.jsonl", EVENTS)], ids=str
)
def test_lines_have_their_old_bytes(name: str, records: tuple[Any, ...], tmp_path: Path) -> None:
    assert written(tmp_path / name, records) == (GOLDEN / name).read_bytes()


def test_thermo_rows_have_their_old_bytes(tmp_path: Path) -> None:
    golden = (GOLDEN / "thermo.csv").read_bytes()
    (tmp_path / "thermo.csv").write_bytes(golden[: golden.index(b"\n") + 1])
    with Table(tmp_path / "thermo.csv", THERMO_COLUMNS) as table:
        for row in THERMO:
            table.append(to_plain(row))
    assert (tmp_path / "thermo.csv").read_bytes() == golden


def test_old_lines_read_back_as_they_were() -> None:
    assert read_ledger(GOLDEN / "ledger.jsonl") == list(LEDGER)
    assert read_events(GOLDEN / "events.jsonl") == list(EVENTS)


def test_every_kind_of_event_has_its_golden_line() -> None:
    union, _ = get_args(Event)
    lines = (GOLDEN / "events.jsonl").read_text().splitlines()
    assert {type(event) for event in EVENTS} == set(get_args(union))
    assert [json.loads(line)["event"] for line in lines] == [event.event for event in EVENTS]
