"""Draws evaluated together against the same draws evaluated one by one."""

import numba
import numpy as np
import pytest
from ace_cases import BASES, STRUCTURES, make_case

from aofl.ace.evaluate import energy_forces, forces_std, shape_draws, shape_weights
from aofl.ace.kernels.local import N_DRAWS
from aofl.ace.neighbors import find_neighbors


@pytest.fixture(scope="module", params=[(b, s) for b in BASES for s in STRUCTURES], ids=str)
def structure_and_draws(request):
    basis, structure = request.param
    atoms = STRUCTURES[structure]()
    case = make_case(BASES[basis], atoms.numbers)
    flat = case.flat[:, None] * np.random.default_rng(7).normal(size=(len(case.flat), N_DRAWS))
    near = find_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, case.basis.cutoff)
    return case.basis, flat, near, case.basis.species_index(atoms.numbers)


def one_by_one(basis, flat, near, species):
    weights = [shape_weights(basis, np.ascontiguousarray(column)) for column in flat.T]
    return [energy_forces(basis, w, near, species) for w in weights]


def test_force_deviations_are_those_of_separate_passes(structure_and_draws):
    basis, flat, near, species = structure_and_draws
    parts = one_by_one(basis, flat, near, species)
    want = np.sqrt(np.mean([part.forces**2 for part in parts], axis=0))
    found = forces_std(basis, shape_draws(basis, flat), near, species)
    assert want.max() > 0
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-10 * want.max())


def test_energy_deviations_are_those_of_separate_passes(structure_and_draws):
    basis, flat, near, species = structure_and_draws
    parts = one_by_one(basis, flat, near, species)
    want = np.sqrt(np.mean([part.energies**2 for part in parts], axis=0))
    weights, draws = shape_weights(basis, flat[:, 0].copy()), shape_draws(basis, flat)
    found = energy_forces(basis, weights, near, species, draws)
    np.testing.assert_allclose(found.energies_std, want, rtol=1e-10)
    np.testing.assert_array_equal(found.energies, parts[0].energies)
    np.testing.assert_array_equal(found.forces, parts[0].forces)


def test_deviations_do_not_depend_on_the_number_of_threads(structure_and_draws):
    basis, flat, near, species = structure_and_draws
    draws, before = shape_draws(basis, flat), numba.get_num_threads()
    found = []
    try:
        for n_threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(n_threads)
            found.append(forces_std(basis, draws, near, species))
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(*found)


def test_another_number_of_draws_is_refused(structure_and_draws):
    basis, flat, *_ = structure_and_draws
    with pytest.raises(ValueError, match="expected 16 draws, got 15"):
        shape_draws(basis, flat[:, 1:])


def test_atoms_are_dealt_out_once_and_only_once():
    from aofl.ace.kernels.surroundings import PARTS, atoms_of

    for n in (0, 1, 7, 16, 100):
        order = np.random.default_rng(n).permutation(n)
        parts = [atoms_of(part, order) for part in range(PARTS)]
        assert sorted(np.concatenate(parts)) == list(range(n))
