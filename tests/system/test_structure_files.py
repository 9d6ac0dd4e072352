"""A start structure is the last frame of its file, and no other."""

from __future__ import annotations

from pathlib import Path

import ase.io
import pytest
from ase.build import bulk

from aofl.errors import StructureError
from aofl.system.files import read_structure


def written(path: Path, blanks: list[int]) -> Path:
    ase.io.write(path, [bulk("Cu", cubic=True), bulk("Al", cubic=True)], format="extxyz")
    lines = path.read_text().splitlines(keepends=True)
    for line in reversed(blanks):
        lines.insert(line, "\n")
    path.write_text("".join(lines))
    return path


@pytest.mark.parametrize("blanks", [[], [12], [12, 12]])
def test_the_last_frame_is_read(tmp_path: Path, blanks: list[int]) -> None:
    atoms = read_structure(written(tmp_path / "start.xyz", blanks))
    assert atoms.get_chemical_formula() == "Al4"


@pytest.mark.parametrize("blanks", [[0], [6], [6, 6]])
def test_the_frame_before_a_blank_line_is_not_taken_for_the_last(
    tmp_path: Path, blanks: list[int]
) -> None:
    path = written(tmp_path / "start.extxyz", blanks)
    with pytest.raises(StructureError, match="frames behind a blank line"):
        read_structure(path)
