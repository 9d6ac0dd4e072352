"""Environments for similarity: the formula of their docstring, and an atom without neighbours."""

from dataclasses import replace

import numpy as np
from ase import Atoms
from ff_toys import TINY

from aofl.ace import reference
from aofl.ace.basis import make_basis
from aofl.forcefield.structure import environments, neighbors_and_species

WATER = Atoms("OHHOHH", [[0, 0, 0], [0.97, 0, 0], [-0.24, 0.94, 0],
                         [0.3, -2.6, 0.8], [0.2, -1.7, 0.5], [1.2, -2.9, 1.0]])  # fmt: skip


def test_environments_are_damped_three_body_functions_of_unit_length():
    s = replace(TINY, l_weight=3.0, decay=1.5)
    basis = make_basis(WATER.numbers, s)
    pairs, species = neighbors_and_species(basis, WATER)
    channels = [(z, n) for z in range(2) for n in range(s.n_max)]
    upper = np.triu_indices(len(channels))
    n = np.array([n for _, n in channels])
    degree = [n[upper[0]] + n[upper[1]] + s.l_weight * q for q in range(s.l_max + 1)]
    damping = (1 + np.concatenate(degree)) ** -s.decay
    three = reference.functions(basis, pairs, species)[:, basis.order == 3]
    expected = damping * three / np.linalg.norm(damping * three, axis=1, keepdims=True)
    np.testing.assert_allclose(environments(basis, pairs, species), expected, atol=1e-7)


def test_an_atom_that_sees_no_other_has_zeros_for_an_environment():
    basis = make_basis(WATER.numbers, TINY)
    alone = Atoms("OHO", [[0, 0, 0], [0.97, 0, 0], [50, 0, 0]])
    found = environments(basis, *neighbors_and_species(basis, alone))
    np.testing.assert_array_equal(found[2], 0)
    np.testing.assert_allclose(np.linalg.norm(found[:2], axis=1), 1, rtol=1e-12)
