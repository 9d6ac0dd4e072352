"""The compiled kernels against the equations of `aofl.ace.reference`, body order by body order."""

from dataclasses import replace

import numpy as np
import pytest
from ace_cases import BASES, FIVE, STRUCTURES, Case, make_case
from ase import Atoms
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list

from aofl.ace import reference
from aofl.ace.basis import make_basis
from aofl.ace.evaluate import VOIGT
from aofl.ace.neighbors import Neighbors

EVERY_CASE = [pytest.param(b, s, id=f"{b}-{s}") for b in BASES for s in STRUCTURES]


def case_and_pairs(name: str, structure: str) -> tuple[Case, Atoms, Neighbors, np.ndarray]:
    """Return a case, its structure, the pairs as ASE lists them, and the species."""
    atoms = STRUCTURES[structure]()
    case = make_case(BASES[name], atoms.numbers)
    i, j, vectors = neighbor_list("ijD", atoms, case.basis.cutoff)
    order = np.argsort(i, kind="stable")
    first = np.searchsorted(i[order], np.arange(len(atoms) + 1))
    pairs = Neighbors(first=first, second=j[order], vectors=vectors[order])
    return case, atoms, pairs, case.basis.species_index(atoms.numbers)


@pytest.mark.parametrize(("name", "structure"), EVERY_CASE)
def test_functions_and_energies_of_the_kernels_are_those_of_the_equations(name, structure):
    case, atoms, pairs, species = case_and_pairs(name, structure)
    found = case.expand(atoms).functions
    expected = reference.functions(case.basis, pairs, species)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-7 * max(1, np.abs(expected).max()))
    assert np.all(np.abs(expected).max(axis=0)[case.basis.order >= 3] > 0)
    energies = reference.energies(case.basis, case.flat, pairs, species)
    scale = max(1, np.abs(energies).max())
    np.testing.assert_allclose(case.evaluate(atoms).energies, energies, atol=1e-6 * scale)


@pytest.mark.parametrize(
    ("name", "structure"), [*((name, "molecule") for name in BASES), ("short pair", "triclinic")]
)
def test_forces_and_virial_of_the_kernels_are_those_of_the_equations(name, structure):
    case, atoms, pairs, species = case_and_pairs(name, structure)
    gradients = reference.pair_gradients(case.basis, case.flat, pairs, species)
    forces, virial = reference.forces(gradients, pairs), reference.virial(gradients, pairs)
    result = case.evaluate(atoms)
    np.testing.assert_allclose(result.forces, forces, atol=1e-6 * np.abs(forces).max())
    voigt = [virial[a, b] for a, b in VOIGT]
    np.testing.assert_allclose(result.virial, voigt, atol=1e-6 * np.abs(virial).max())
    np.testing.assert_allclose(virial, virial.T, atol=1e-8 * np.abs(virial).max())


@pytest.mark.parametrize("name", BASES)
def test_cutoffs_of_the_basis_are_those_of_equation_1(name):
    basis = make_basis(np.array([1, 8, 11]), BASES[name])
    s = basis.settings
    for cutoffs, shortest, growth in (
        (basis.pair_cutoffs, s.pair_cutoff, s.pair_growth),
        (basis.cutoffs, s.cutoff, s.cutoff_growth),
    ):
        expected = [
            [reference.cutoff_radius(shortest, growth, a, b) for b in basis.species]
            for a in basis.species
        ]
        np.testing.assert_allclose(cutoffs, expected, rtol=1e-14)


@pytest.mark.parametrize("sizes", [(1, 1), (1, 2), (2, 1)], ids=str)
def test_five_body_functions_are_as_many_as_the_tables_hold_and_the_same(sizes):
    settings = replace(FIVE, five_n=sizes[0], five_l=sizes[1])
    case = make_case(settings, np.array([1, 8]))
    atoms = Atoms("OHHO", [[0, 0, 0], [0.9, 0.3, 0.2], [-0.4, 0.8, -0.3], [0.2, -1.1, 0.9]])
    five = case.basis.order == 5
    found = case.expand(atoms).functions[0, five]
    vectors, species = atoms.positions[1:], case.basis.species_index(atoms.numbers[1:])
    density = reference.density(case.basis, 1, vectors, species)
    expected = reference.five_body_functions(case.basis, density)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-7 * np.abs(expected).max())


def test_mixtures_of_four_and_five_bodies_are_those_of_equation_11():
    basis = make_basis(np.array([1, 8, 11]), FIVE)
    radii = covalent_radii[basis.species]
    np.testing.assert_array_equal(basis.mixing, [[1.0, 1.0, 1.0], 2 * radii - 2])
