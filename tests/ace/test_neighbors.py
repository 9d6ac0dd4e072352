"""The pair list against a search through every image."""

import itertools

import numpy as np
import pytest
from ace_cases import STRUCTURES
from ase import Atoms

from aofl.ace.neighbors import find_neighbors


def brute_force(atoms: Atoms, cutoff: float) -> list[tuple]:
    """Return (i, j, x, y, z) of every pair, images by the dozen, sorted."""
    images = [range(-6, 7) if periodic else (0,) for periodic in atoms.pbc]
    shifts = np.array(list(itertools.product(*images)), dtype=float) @ atoms.cell.array
    found = []
    for i, j in itertools.product(range(len(atoms)), repeat=2):
        vectors = atoms.positions[j] - atoms.positions[i] + shifts
        r = np.linalg.norm(vectors, axis=1)
        found += [(i, j, *np.round(v, 6) + 0.0) for v in vectors[(r < cutoff) & (r > 1e-9)]]
    return sorted(found)


def listed(atoms: Atoms, cutoff: float) -> list[tuple]:
    near = find_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, cutoff)
    centre = np.repeat(np.arange(len(atoms)), np.diff(near.first))
    rows = zip(centre, near.second, np.round(near.vectors, 6) + 0.0, strict=True)
    return sorted((int(i), int(j), *v) for i, j, v in rows)


@pytest.mark.parametrize("cutoff", [2.0, 5.1])
@pytest.mark.parametrize("pbc", list(itertools.product([False, True], repeat=3)), ids=str)
def test_pairs_of_a_narrow_skewed_cell(pbc, cutoff):
    atoms = STRUCTURES["triclinic"]()
    atoms.pbc = pbc
    assert listed(atoms, cutoff) == brute_force(atoms, cutoff)


@pytest.mark.parametrize("name", ["molecule", "slab"])
def test_pairs_of_open_structures(name):
    atoms = STRUCTURES[name]()
    assert listed(atoms, 4.0) == brute_force(atoms, 4.0)


def test_atoms_far_outside_the_cell_have_the_same_neighbours():
    atoms = STRUCTURES["triclinic"]()
    outside = atoms.copy()
    outside.positions += np.array([[3, -2, 1], [0, 0, 0], [-4, 0, 5], [1, 1, 1]]) @ atoms.cell.array
    assert listed(outside, 4.0) == listed(atoms, 4.0)


def test_atoms_beside_an_open_cell_are_seen():
    atoms = Atoms("Na3", [[0, 0, -3], [0, 0, -1], [0, 0, 14]], cell=[5, 5, 10], pbc=[1, 1, 0])
    assert listed(atoms, 4.0) == brute_force(atoms, 4.0)


def test_a_lone_atom_has_none():
    near = find_neighbors(np.zeros((1, 3)), np.zeros((3, 3)), np.zeros(3, dtype=bool), 5.0)
    assert near.first.tolist() == [0, 0]
    assert near.vectors.shape == (0, 3)


def test_rows_are_sorted_by_centre_and_come_in_opposite_pairs():
    atoms = STRUCTURES["triclinic"]()
    pairs = listed(atoms, 4.0)
    assert sorted((j, i, *(-np.array(v) + 0.0)) for i, j, *v in pairs) == pairs
    near = find_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, 4.0)
    assert near.first[-1] == len(near.second) == len(near.vectors) == len(pairs)
