"""The tables of `docs/run-directory.md` hold the keys of the schema, all and in their order."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

from pydantic import TypeAdapter

from aofl.records import THERMO_COLUMNS, Event, LedgerLine, rule_names

PAGE = (Path(__file__).parents[2] / "docs" / "run-directory.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    """Return the text under a heading."""
    return PAGE.split(f"### `{name}`\n")[1].split("\n### ")[0]


def rows(name: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its head."""
    lines = [line for line in section(name).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_the_keys_of_the_ledger_are_documented() -> None:
    keys = [quoted(row[0])[0] for row in rows("ledger.jsonl")]
    assert keys == [field.name for field in fields(LedgerLine)]


def test_the_keys_of_each_kind_of_event_are_documented() -> None:
    documented = {quoted(row[0])[0]: quoted(row[1]) for row in rows("events.jsonl")}
    union, _ = get_args(Event)
    schema = {}
    for kind in get_args(union):
        (event,) = (field for field in fields(kind) if field.name == "event")
        schema[event.default] = list(TypeAdapter(kind).json_schema()["properties"])
    assert documented == schema


def test_the_columns_of_the_thermo_table_are_documented() -> None:
    assert [quoted(row[0])[0] for row in rows("thermo.csv")] == list(THERMO_COLUMNS)


def test_the_names_of_the_rules_are_documented() -> None:
    names = {v for k, v in vars(rule_names).items() if k.isupper() and isinstance(v, str)}
    told = section("ledger.jsonl").split("Rules: ")[1]
    assert names == set(quoted(told))
