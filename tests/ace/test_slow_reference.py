"""The functions of the basis by plain loops over neighbours, channels and m."""

import itertools
from functools import cache

import numpy as np
import pytest
from ace_cases import BASES, STRUCTURES, make_case
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list

from aofl.ace.angular import spherical_harmonics
from aofl.ace.basis import Basis, BasisSettings
from aofl.ace.coupling import invariant
from aofl.ace.products import N_MIX
from aofl.ace.radial import chebyshev_functions, smeared_coefficients


def slow_functions(basis: Basis, atoms) -> np.ndarray:
    """Return B of every atom from the formulas of `aofl.ace.basis`, no table, no kernel."""
    i, j, vectors = neighbor_list("ijD", atoms, basis.cutoff)
    rows = [
        slow_centre(
            basis, atoms.numbers[centre], vectors[i == centre], atoms.numbers[j[i == centre]]
        )
        for centre in range(len(atoms))
    ]
    return np.array(rows)


def slow_centre(basis: Basis, z: int, vectors: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    density = slow_density(basis, z, vectors, numbers)
    return np.concatenate(
        [
            slow_pair(basis, z, vectors, numbers),
            slow_three(basis, density),
            slow_four(basis, density),
        ]
    )


def bond(z: int, other: int) -> float:
    return float(covalent_radii[z] + covalent_radii[other])


def slow_pair(basis: Basis, z: int, vectors: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    s = basis.settings
    parts = []
    for other in basis.species:
        r = np.linalg.norm(vectors[numbers == other], axis=1)
        cutoff = s.pair_cutoff + s.pair_growth * bond(z, other)
        parts.append(chebyshev_functions(r, cutoff, s.n_pair, s.stretch).sum(axis=0))
    return np.concatenate(parts)


@cache
def radial_coefficients(s: BasisSettings, cutoff: float) -> np.ndarray:
    return smeared_coefficients(cutoff, s.n_max, s.l_max, s.smearing, s.n_chebyshev, s.stretch)


def slow_density(basis: Basis, z: int, vectors: np.ndarray, numbers: np.ndarray) -> dict:
    """Return A[l, m, species, n]."""
    s = basis.settings
    density = {}
    for k, other in enumerate(basis.species):
        near = vectors[numbers == other]
        cutoff = s.cutoff + s.cutoff_growth * bond(z, other)
        g = chebyshev_functions(np.linalg.norm(near, axis=1), cutoff, s.n_chebyshev, s.stretch)
        radial = np.einsum("lnk,pk->lnp", radial_coefficients(s, cutoff), g)
        y, _ = spherical_harmonics(near, s.l_max)
        for q, n in itertools.product(range(s.l_max + 1), range(s.n_max)):
            for m in range(2 * q + 1):
                density[q, m, k, n] = float(radial[q, n] @ y[:, q * q + m])
    return density


def slow_three(basis: Basis, density: dict) -> np.ndarray:
    s = basis.settings

    def channel(q, m, mixture, n):
        share = basis.channels[mixture]
        return sum(share[k] * density[q, m, k, n] for k in range(len(basis.species)))

    channels = list(itertools.product(range(len(basis.channels)), range(s.n_max)))
    values = [
        sum(channel(q, m, *a) * channel(q, m, *b) for m in range(2 * q + 1)) / np.sqrt(2 * q + 1)
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
    # The five-body functions have a test of their own (`test_products`).
    functions = case.expand(atoms).functions[:, case.basis.order < 5]
    expected = slow_functions(case.basis, atoms)
    assert functions.shape == expected.shape
    np.testing.assert_allclose(functions, expected, atol=1e-7 * max(1, np.abs(expected).max()))
    assert np.all(np.abs(expected).max(axis=0)[case.basis.order[case.basis.order < 5] == 3] > 0)
