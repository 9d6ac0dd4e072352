"""Each equation names a function that exists, each measurement a script that exists."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
HELPERS = {"snap_peer.py", "sleeping.py"}  # no measurement of their own


def named_in_equations() -> list[str]:
    table = (DOCS / "method.md").read_text().partition("| equation | computed by |\n|---|---|\n")[2]
    rows = table.partition("\n\n")[0].splitlines()
    return [name for row in rows for name in re.findall(r"`(aofl\.[\w.]+)`", row.split(" | ")[-1])]


@pytest.mark.parametrize("name", named_in_equations())
def test_the_function_of_an_equation_exists_and_says_what_it_does(name: str) -> None:
    parts = name.split(".")
    depth = max(k for k in range(1, len(parts)) if is_module(".".join(parts[:k])))
    found: object = importlib.import_module(".".join(parts[:depth]))
    for part in parts[depth:]:
        found = getattr(found, part)
    assert callable(found)
    assert found.__doc__


def is_module(name: str) -> bool:
    path = ROOT / "src" / Path(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def test_the_table_and_the_modules_beside_it_are_there() -> None:
    names = named_in_equations()
    assert len(names) > 20
    others = set(re.findall(r"`(aofl(?:\.\w+)+)`", (DOCS / "method.md").read_text())) - set(names)
    assert not [name for name in others if not is_module(name) and not is_module(parent(name))]


def parent(name: str) -> str:
    return name.rpartition(".")[0]


def scripts_named(text: str) -> set[str]:
    return set(re.findall(r"benchmarks/(\w+\.py)", text))


def test_every_benchmark_is_in_the_table_of_measurements() -> None:
    table, _, rest = (DOCS / "measurements.md").read_text().partition("A date is missing")
    there = {path.name for path in (ROOT / "benchmarks").glob("*.py")} - HELPERS
    assert scripts_named(table) == there
    assert all(f"`{name}`" in rest for name in HELPERS)
    quoted = {name for page in DOCS.glob("*.md") for name in scripts_named(page.read_text())}
    assert quoted <= there
