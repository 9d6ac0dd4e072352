"""Labels of others: faults are named by label, and what comes again counts once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from aofl.records import Label, LabelledStructure
from aofl.reference.quality import LabelLimits
from aofl.reference.screening import faults, repeats

LIMITS = LabelLimits()


def labelled(atoms: Atoms) -> LabelledStructure:
    atoms.calc = EMT()
    label = Label(energy=atoms.get_potential_energy(), forces=atoms.get_forces())
    return LabelledStructure(
        numbers=atoms.numbers.astype(np.int64),
        positions=atoms.positions.copy(),
        cell=atoms.cell.array.copy(),
        pbc=atoms.pbc.copy(),
        label=label,
        provenance={"source": "data.extxyz", "frame": 7},
    )


def shaken(seed: int, scale: float = 0.1) -> Atoms:
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True) * (2, 1, 1)
    atoms.rattle(scale, rng=np.random.default_rng(seed))
    return atoms


ENTRIES = [labelled(shaken(seed)) for seed in range(6)]


def spoiled(**changes: object) -> list[LabelledStructure]:
    """Return labels of which number 3 is changed."""
    entries = list(ENTRIES)
    entries[3] = replace(entries[3], label=replace(entries[3].label, **changes))
    return entries


def test_good_labels_have_no_faults() -> None:
    assert faults(ENTRIES, LIMITS) == {}


NAN = ENTRIES[3].label.forces.copy()
NAN[2, 1] = np.nan
DRIFT = ENTRIES[3].label.forces + np.array([0.2, 0.0, 0.0])
FIXED = ENTRIES[3].label.forces * np.array([[0.0]] * 3 + [[1.0]] * 5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"energy": np.nan}, "energy of the reference are not finite"),
        ({"forces": NAN}, "forces of the reference are not finite"),
        ({"stress": np.array([np.nan, 0, 0, 0, 0, 0])}, "stress of the reference are not finite"),
        ({"forces": DRIFT}, "the net force is 1.6 eV/Å"),
        ({"forces": FIXED}, "3 atoms have a force of exactly 0, as where fixed atoms lose theirs"),
        ({"energy": 0.0}, "its energy is exactly 0"),
    ],
)
def test_the_faulty_label_is_the_one_that_is_named(changes: dict[str, object], words: str) -> None:
    found = faults(spoiled(**changes), LIMITS)
    assert list(found) == [3]
    assert words in found[3]


def test_periodic_without_a_cell_is_a_fault() -> None:
    entries = [ENTRIES[0], replace(ENTRIES[1], cell=np.diag([3.0, 3.0, 0.0]))]
    assert "periodic along a cell vector that has no length" in faults(entries, LIMITS)[1]


def test_two_labels_of_one_structure_that_differ_are_both_left_out() -> None:
    other = replace(ENTRIES[2], label=replace(ENTRIES[2].label, energy=1.0))
    found = faults([*ENTRIES, other], LIMITS)
    assert set(found) == {2, 6}
    assert "the other is that of frame 7 of data.extxyz" in found[2]
    assert faults([*ENTRIES, ENTRIES[2]], LIMITS) == {}


def moved(atoms: Atoms) -> Atoms:
    atoms.positions += [1.0, 2.0, 3.0]
    atoms.wrap()
    return atoms


def turned(atoms: Atoms) -> Atoms:
    atoms.rotate(40.0, (1, 2, 3), rotate_cell=True)
    return atoms


def mirrored(atoms: Atoms) -> Atoms:
    atoms.positions[:, 0] *= -1
    atoms.cell[:, 0] *= -1
    return atoms


@pytest.mark.parametrize(
    "change",
    [
        lambda atoms: atoms,
        moved,
        turned,
        mirrored,
        lambda atoms: atoms[np.random.default_rng(1).permutation(len(atoms))],
        lambda atoms: Atoms(atoms.numbers, atoms.positions.round(4), cell=atoms.cell, pbc=True),
    ],
    ids=["same", "moved and wrapped", "turned", "mirrored", "reordered", "rounded"],
)
def test_a_structure_that_comes_again_counts_once(change) -> None:
    again = [labelled(change(shaken(seed))) for seed in range(6)]
    assert repeats([*ENTRIES, *again], {}) == {6 + k: k for k in range(6)}


def test_frames_of_a_trajectory_are_no_repetitions() -> None:
    """Steps of 0.02 Å, as a hydrogen atom makes in a femtosecond, are different frames."""
    start = shaken(0)
    direction = np.random.default_rng(1).normal(size=(8, 3))
    frames = []
    for k in range(5):
        atoms = start.copy()
        atoms.positions += 0.02 * k * direction / np.abs(direction).max()
        frames.append(labelled(atoms))
    assert repeats(frames, {}) == {}


def test_cells_at_rest_differ_by_their_volume() -> None:
    crystals = [labelled(bulk("Cu", "fcc", a=a, cubic=True)) for a in (3.59, 3.60, 3.61, 3.60)]
    assert repeats([*ENTRIES, *crystals], {}) == {9: 7}


def test_a_faulty_label_is_not_the_first_of_its_kind() -> None:
    assert repeats([ENTRIES[0], ENTRIES[0], ENTRIES[0]], {0: "faulty"}) == {2: 1}
