"""The functions of the basis by plain loops over neighbours, channels and m."""

import itertools
from functools import cache

import numpy as np
import pytest
from ace_cases import BASES, STRUCTURES, make_case
from ase.neighborlist import neighbor_list

from aofl.ace.angular import spherical_harmonics
from aofl.ace.basis import N_MIX, Basis, BasisSettings
from aofl.ace.coupling import invariant
from aofl.ace.radial import chebyshev_functions, smeared_coefficients


def slow_functions(basis: Basis, atoms) -> np.ndarray:
    """Return B of every atom from the formulas of `aofl.ace.basis`, no table, no kernel."""
    i, j, vectors = neighbor_list("ijD", atoms, basis.cutoff)
    rows = [
        slow_centre(basis, vectors[i == centre], atoms.numbers[j[i == centre]])
        for centre in range(len(atoms))
    ]
    return np.array(rows)


def slow_centre(basis: Basis, vectors: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    density = slow_density(basis, vectors, numbers)
    return np.concatenate(
        [slow_pair(basis, vectors, numbers), slow_three(basis, density), slow_four(basis, density)]
    )


def slow_pair(basis: Basis, vectors: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    s = basis.settings
    g = chebyshev_functions(np.linalg.norm(vectors, axis=1), s.pair_cutoff, s.n_pair, s.stretch)
    return np.concatenate([g[numbers == z].sum(axis=0) for z in basis.species])


@cache
def radial_coefficients(s: BasisSettings) -> np.ndarray:
    return smeared_coefficients(s.cutoff, s.n_max, s.l_max, s.smearing, s.n_chebyshev, s.stretch)


def slow_density(basis: Basis, vectors: np.ndarray, numbers: np.ndarray) -> dict:
    """Return A[l, m, species, n]."""
    s = basis.settings
    c = radial_coefficients(s)
    r = np.linalg.norm(vectors, axis=1)
    radial = np.einsum("lnk,pk->lnp", c, chebyshev_functions(r, s.cutoff, s.n_chebyshev, s.stretch))
    y, _ = spherical_harmonics(vectors, s.l_max)
    density = {}
    for q, n, z in itertools.product(range(s.l_max + 1), range(s.n_max), range(len(basis.species))):
        near = numbers == basis.species[z]
        for m in range(2 * q + 1):
            density[q, m, z, n] = float(radial[q, n, near] @ y[near, q * q + m])
    return density


def slow_three(basis: Basis, density: dict) -> np.ndarray:
    s = basis.settings
    channels = list(itertools.product(range(len(basis.species)), range(s.n_max)))
    values = [
        sum(density[(q, m, *a)] * density[(q, m, *b)] for m in range(2 * q + 1))
        / np.sqrt(2 * q + 1)
        for q in range(s.l_max + 1)
        for a, b in itertools.combinations_with_replacement(channels, 2)
    ]
    return np.array(values)


def slow_four(basis: Basis, density: dict) -> np.ndarray:
    s = basis.settings
    if not s.four_n:
        return np.zeros(0)

    def mixed(q, m, mixture, n):
        return sum(
            basis.mixing[mixture, z] * density[q, m, z, n] for z in range(len(basis.species))
        )

    factors = list(itertools.product(range(s.four_l + 1), range(N_MIX), range(s.four_n)))
    values = []
    for triple in itertools.combinations_with_replacement(factors, 3):
        l1, l2, l3 = (factor[0] for factor in triple)
        if (l1 + l2 + l3) % 2 or l3 > l1 + l2:
            continue
        coupling = invariant(l1, l2, l3)
        values.append(
            sum(
                coupling[m]
                * np.prod([mixed(q, k, *c) for (q, *c), k in zip(triple, m, strict=True)])
                for m in zip(*np.nonzero(coupling), strict=True)
            )
        )
    return np.array(values)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("name", BASES)
def test_kernels_agree_with_the_slow_obvious_way(name, structure):
    atoms = STRUCTURES[structure]()
    if name == "four-body" and structure == "slab":
        atoms = atoms[:3]
    case = make_case(BASES[name], atoms.numbers)
    functions = case.expand(atoms).functions
    expected = slow_functions(case.basis, atoms)
    assert functions.shape == expected.shape
    np.testing.assert_allclose(functions, expected, atol=1e-7 * max(1, np.abs(expected).max()))
    assert np.all(np.abs(expected).max(axis=0)[case.basis.order == 3] > 0)
