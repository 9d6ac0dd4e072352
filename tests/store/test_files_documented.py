"""`docs/files.md` names every format and unit that is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from aofl.store.frames import FORMATS
from aofl.store.units import LAMMPS_STYLES, LENGTHS, TIMES

TEXT = (Path(__file__).parents[2] / "docs" / "files.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*FORMATS, *LAMMPS_STYLES])
def test_it_is_named(name: str):
    assert f"`{name}`" in TEXT


def test_every_unit_of_h5md_is_named():
    lengths = {name for name in LENGTHS if f"`{name}`" in TEXT}
    times = {name for name in TIMES if f"`{name}`" in TEXT}
    assert {LENGTHS[name] for name in lengths} == set(LENGTHS.values())
    assert {TIMES[name] for name in times} == set(TIMES.values())
