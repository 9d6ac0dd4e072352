"""A look at the chemistry of one structure: bonds, molecules, contacts, and what changed."""

from __future__ import annotations

from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from ase.data import atomic_numbers, covalent_radii

from aofl.chemistry.snapshot import chemistry_snapshot
from aofl.structure import Structure


def periodic(symbols: list[str], positions: np.ndarray, cell: np.ndarray, pbc=True) -> Structure:
    numbers = np.array([atomic_numbers[symbol] for symbol in symbols])
    return Structure(
        numbers=numbers,
        positions=np.array(positions, dtype=float),
        cell=cell,
        pbc=np.broadcast_to(pbc, 3).astype(bool),
    )


def water(stretch: float = 0.0, shift: tuple[float, float, float] = (0, 0, 0)) -> Structure:
    """Water beside a sodium atom, one of its O-H bonds stretched by some Å; atoms wrapped."""
    positions = np.array([[0, 0, 0], [-0.24, 0.93, 0], [0.97 + stretch, 0, 0], [0, -2.2, 0]])
    if any(shift):
        positions = (positions + shift) % 9.0
    return periodic(["O", "H", "H", "Na"], positions, 9.0 * np.eye(3))


def test_the_first_look_has_no_changes_and_names_what_is_there() -> None:
    seen = chemistry_snapshot(water(), None, since=None, with_species=True)
    assert seen.changes == ()
    assert [key.partition(":")[0] for key in seen.species] == ["H2O"]
    assert seen.contacts == {"H-O", "Na-O", "H-Na"}
    assert seen.bonded.tolist() == [[0, 1], [0, 2]]


def test_a_vibration_is_no_change_and_a_broken_bond_is_one() -> None:
    bonded = chemistry_snapshot(water(), None, since=None, with_species=False).bonded
    swing = chemistry_snapshot(water(0.3), bonded, since=bonded, with_species=False)
    assert (swing.changes, swing.species) == ((), frozenset())
    broken = chemistry_snapshot(water(1.5), swing.bonded, since=swing.bonded, with_species=False)
    assert broken.changes == ("H-O broken",)
    assert broken.atom == 0
    assert {key.partition(":")[0] for key in broken.species} == {"HO", "H"}


@pytest.mark.parametrize("seed", range(6))
def test_contacts_are_those_of_a_plain_count_without_the_known_ones(seed: int) -> None:
    """All pairs and images one by one, in triclinic cells with any mix of boundaries."""
    rng = np.random.default_rng(seed)
    pbc, cell = rng.random(3) < 0.7, 7.5 * np.eye(3) + rng.uniform(-1, 1, (3, 3))
    symbols = ["Na"] * 6 + ["O"] * 4 + ["H"] * 4 + ["C"] * 3 + ["F"] * 2 + ["P", "Li", "K"]
    at = periodic(symbols, rng.uniform(0, 7.5, (22, 3)), cell, pbc)
    images = [range(-2, 3) if flag else (0,) for flag in pbc]
    everything = set()
    for i, j in combinations_with_replacement(range(len(at)), 2):
        shortest = 1.3 * covalent_radii[at.numbers[[i, j]]].sum()
        for image in product(*images):
            vector = at.positions[j] + np.array(image) @ cell - at.positions[i]
            if np.linalg.norm(vector) < shortest and (i != j or any(image)):
                everything.add("-".join(sorted((symbols[i], symbols[j]))))
    known = set(rng.permutation(sorted(everything))[: len(everything) // 2].tolist())
    assert len(known) > 2
    for told in (set(), known, everything):
        seen = chemistry_snapshot(at, None, since=None, with_species=False, known=told)
        assert seen.contacts == everything - told


def test_it_tells_the_longest_bond_of_each_two_elements() -> None:
    bonded = chemistry_snapshot(water(), None, since=None, with_species=False).bonded
    seen = chemistry_snapshot(water(0.3), bonded, since=bonded, with_species=False)
    assert seen.longest == pytest.approx({"H-O": 1.27})
    assert seen.longest_atoms == {"H-O": 0}
    apart = periodic(["Na", "Na"], np.array([[0, 0, 0], [3.6, 0, 0]]), 9.0 * np.eye(3))
    assert (
        chemistry_snapshot(apart, None, since=None, with_species=False).longest == {}
    )  # metals have no bonds


def test_it_depends_on_neither_origin_nor_images() -> None:
    moved = water(1.5, shift=(7.3, 8.9, -2.0))
    bonded = chemistry_snapshot(water(), None, since=None, with_species=False).bonded
    here, there = (
        chemistry_snapshot(at, bonded, since=bonded, with_species=True)
        for at in (water(1.5), moved)
    )
    assert here.changes == there.changes
    assert (here.species, here.contacts) == (there.species, there.contacts)
