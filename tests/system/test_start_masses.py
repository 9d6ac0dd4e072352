"""What a start file says of its atoms arrives."""

from __future__ import annotations

from pathlib import Path

import pytest

from aofl.system.files import read_structure


@pytest.mark.parametrize("column", ["mass", "masses"])
def test_masses_of_a_start_file(column: str, tmp_path: Path):
    path = tmp_path / "start.extxyz"
    path.write_text(f"1\nProperties=species:S:1:pos:R:3:{column}:R:1\nH 0 0 0 2.014\n")
    assert read_structure(path).get_masses() == pytest.approx([2.014])
