"""Bonds against ASE's minimum image, the hysteresis on both sides, and the counts."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from aofl.analysis.bonds import OHBonds, changes, oxygen_hydrogen_bonds


def bonds(atoms: Atoms, previous: OHBonds | None = None) -> OHBonds:
    return oxygen_hydrogen_bonds(
        atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, previous
    )


def hydroxide(distance: float) -> Atoms:
    return Atoms("OH", [[0, 0, 0], [0, 0, distance]])


def test_water_hydroxide_and_a_lone_hydrogen_are_counted():
    water, oh = molecule("H2O"), hydroxide(0.97)
    oh.translate([5, 0, 0])
    result = bonds(water + oh + Atoms("NaH", [[10, 0, 0], [12, 0, 0]]))
    assert result.pairs == {(0, 1), (0, 2), (3, 4)}
    assert (result.n_bonds, result.n_water, result.n_free_oh, result.n_free_h) == (3, 1, 1, 1)


def test_hysteresis_keeps_a_stretched_bond_and_does_not_make_one():
    bonded = bonds(hydroxide(1.19))
    assert bonded.n_bonds == 1
    assert bonds(hydroxide(1.21)).n_bonds == 0
    assert bonds(hydroxide(1.44), bonded).n_bonds == 1
    assert bonds(hydroxide(1.46), bonded).n_bonds == 0
    assert bonds(hydroxide(1.30), bonds(hydroxide(1.46), bonded)).n_bonds == 0


@pytest.mark.parametrize("pbc", [(1, 1, 1), (1, 0, 1), (0, 0, 1), (0, 0, 0)])
@pytest.mark.parametrize(
    "cell",
    [[6, 5, 7], [[6, 0, 0], [3, 5, 0], [-2, 4, 6]], [[8, 0, 0], [11, 8, 0], [3, 10, 9]]],
    ids=["orthorhombic", "skewed", "unreduced"],
)
def test_distances_agree_with_ase_for_any_cell_and_boundary(cell, pbc, rng):
    for _ in range(20):
        atoms = Atoms("O6H12", cell=cell, pbc=pbc)
        atoms.set_scaled_positions(rng.uniform(-1.5, 1.5, (18, 3)))
        distances = atoms.get_all_distances(mic=True)[:6, 6:]
        expected = {(int(o), int(h) + 6) for o, h in np.argwhere(distances < 1.20)}
        assert bonds(atoms).pairs == expected


def test_a_zero_vector_along_an_open_direction_is_no_obstacle():
    atoms = Atoms("OH", [[0.1, 0, 0], [5.3, 0, 0.3]], cell=[6, 6, 0], pbc=[1, 1, 0])
    assert bonds(atoms).pairs == {(0, 1)}


def test_changes_name_both_kinds_in_order_of_atoms():
    before, after = bonds(hydroxide(0.97)), bonds(hydroxide(2.0))
    assert changes(before, after) == [("broken", 0, 1)]
    assert changes(after, before) == [("formed", 0, 1)]
    assert changes(before, before) == []


def test_without_oxygen_or_hydrogen_there_is_nothing():
    assert bonds(Atoms("Na2", [[0, 0, 0], [3, 0, 0]])).n_bonds == 0
    assert bonds(Atoms("NaH", [[0, 0, 0], [3, 0, 0]])).n_free_h == 1


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)
