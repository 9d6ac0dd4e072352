"""The quarantine keeps a structure, the reason and the files of the code."""

import json

import pytest
from ase import Atoms

from aofl.errors import StoreError
from aofl.store import keep_in_quarantine, read_atoms

ATOMS = Atoms("Na2", [[0, 0, 0], [3, 0, 0]], cell=[9, 9, 9], pbc=True)


def test_everything_is_there_and_cases_do_not_mix(tmp_path):
    kept = tmp_path / "run" / "quarantine"
    evidence = {"attempt-1-cp2k.out": "SCF run NOT converged\n"}
    first = keep_in_quarantine(kept, ATOMS, {"step": 7, "reason": "no SCF"}, evidence)
    second = keep_in_quarantine(kept, ATOMS, {"step": 8, "reason": "again"}, {})
    assert first != second
    assert read_atoms(first / "structure.extxyz") == ATOMS
    assert json.loads((first / "reason.json").read_text()) == {"step": 7, "reason": "no SCF"}
    assert (first / "attempt-1-cp2k.out").read_text() == "SCF run NOT converged\n"


def test_names_cannot_leave_the_directory(tmp_path):
    case = keep_in_quarantine(tmp_path / "q", ATOMS, {}, {"../../evil": "x", "...": "y"})
    assert not (tmp_path / "evil").exists()
    assert {p.name for p in case.iterdir()} == {
        "_.._evil", "file", "structure.extxyz", "reason.json",
    }  # fmt: skip


def test_a_disk_that_refuses_is_one_sentence(tmp_path):
    (tmp_path / "q").write_text("")
    with pytest.raises(StoreError, match="cannot make a directory in"):
        keep_in_quarantine(tmp_path / "q", ATOMS, {}, {})
