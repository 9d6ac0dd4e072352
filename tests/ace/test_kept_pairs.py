"""The list that is kept sees what a new one sees, in the same order, until it does not hold."""

import numpy as np
import pytest
from ace_cases import STRUCTURES
from ase import Atoms

from aofl.ace.kept_pairs import SKIN, KeptPairs, _numbered, keep_pairs
from aofl.ace.neighbors import Neighbors, find_neighbors
from aofl.errors import StructureError

CUTOFFS = np.array([[2.5, 3.5], [3.5, 4.5]])


def species_of(atoms: Atoms) -> np.ndarray:
    return np.arange(len(atoms)) % 2


def made(atoms: Atoms) -> KeptPairs:
    return keep_pairs(
        atoms.positions.copy(), atoms.cell.array, atoms.pbc, species_of(atoms), CUTOFFS
    )


def holds(kept: KeptPairs, atoms: Atoms) -> bool:
    return kept.holds(atoms.positions, atoms.cell.array, atoms.pbc, species_of(atoms))


def within(near: Neighbors, species: np.ndarray) -> list[tuple]:
    """Return what lies within the cutoffs, in the order of the list."""
    centre = np.repeat(np.arange(len(species)), np.diff(near.first))
    r = np.linalg.norm(near.vectors, axis=1)
    chosen = r < CUTOFFS[species[centre], species[near.second]]
    return [
        (int(i), int(j), *v)
        for i, j, v in zip(centre[chosen], near.second[chosen], near.vectors[chosen], strict=True)
    ]


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_moved_structure_sees_the_same_bits_as_with_a_new_list(name):
    atoms = STRUCTURES[name]()
    kept, rng, n_kept = made(atoms), np.random.default_rng(0), 0
    for _ in range(12):
        atoms.positions += rng.normal(0, 0.04, atoms.positions.shape)
        if not holds(kept, atoms):
            kept = made(atoms)
            continue
        n_kept += 1
        assert within(kept.at(atoms.positions), species_of(atoms)) == within(
            made(atoms).at(atoms.positions), species_of(atoms)
        )
    assert n_kept >= 4


@pytest.mark.parametrize("name", STRUCTURES)
def test_it_finds_what_the_plain_search_finds(name):
    atoms = STRUCTURES[name]()
    plain = find_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, float(CUTOFFS.max()))
    species = species_of(atoms)
    ours, theirs = within(made(atoms).at(atoms.positions), species), within(plain, species)
    rounded = [[(i, j, *np.round(v, 9)) for i, j, *v in pairs] for pairs in (ours, theirs)]
    assert sorted(rounded[0]) == sorted(rounded[1])


def test_it_holds_until_an_atom_has_moved_by_half_the_skin():
    atoms = STRUCTURES["triclinic"]()
    kept = made(atoms)
    atoms.positions[1] += [0, 0, 0.499 * SKIN]
    assert holds(kept, atoms)
    atoms.positions[1] += [0, 0, 0.002 * SKIN]
    assert not holds(kept, atoms)


@pytest.mark.parametrize("change", ["cell", "pbc", "species", "nan", "fewer"])
def test_it_holds_for_its_own_structure_alone(change):
    atoms = STRUCTURES["triclinic"]()
    kept, species = made(atoms), species_of(atoms)
    if change == "cell":
        atoms.cell[0, 0] += 1e-9
    elif change == "pbc":
        atoms.pbc[2] = not atoms.pbc[2]
    elif change == "species":
        species = 1 - species
    elif change == "nan":
        atoms.positions[0, 0] = np.nan
    else:
        del atoms[0]
        species = species[1:]
    assert not kept.holds(atoms.positions, atoms.cell.array, atoms.pbc, species)


def test_two_atoms_in_one_place_are_refused():
    atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.3]])
    kept = made(atoms)
    atoms.positions[1] = 0.0
    with pytest.raises(StructureError, match="same place"):
        kept.at(atoms.positions)


def test_a_lone_atom_has_no_neighbours():
    near = made(Atoms("H")).at(np.zeros((1, 3)))
    assert near.first.tolist() == [0, 0]
    assert near.vectors.shape == (0, 3)


@pytest.mark.parametrize("far", [2, 300])
def test_images_are_numbered_in_their_order_however_far_they_are(far: int) -> None:
    shifts = np.random.default_rng(2).integers(-far, far + 1, (400, 3))
    image, there = _numbered(shifts)
    assert np.array_equal(there[image], shifts)
    assert np.array_equal(there, np.unique(shifts, axis=0))
