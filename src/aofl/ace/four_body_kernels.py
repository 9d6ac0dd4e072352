"""Compiled kernels: four-body functions of eight atoms at a time.

The polynomials are the same for every atom, so the lanes of a vector hold eight atoms: mixed
densities, their adjoints (`pull`) and Jacobians dQ/dA are laid out [index LANES + lane].
"""

from __future__ import annotations

from numba import njit

from aofl.ace.simd import LANES, add, fma, load, multiply, spread, store
from aofl.ace.surroundings import OPTIONS


@njit(**OPTIONS)
def mix_density(a, lane, mixing, four_n, mixed):  # type: ignore[no-untyped-def]
    """Write the species mixtures of the density of one atom, index (lm N_MIX + mixture) four_n + n.

    Species enter the four-body part through these mixtures alone.
    """
    n_mix, n_species = mixing.shape
    for lm in range(mixed.shape[0] // (n_mix * four_n * LANES)):
        for mixture in range(n_mix):
            for n in range(four_n):
                s = 0.0
                for z in range(n_species):
                    s += mixing[mixture, z] * a[(lm * n_species + z) * LANES + n]
                mixed[((lm * n_mix + mixture) * four_n + n) * LANES + lane] = s


@njit(**OPTIONS)
def four_body_jacobian(mixed, term_first, left, right, coef, jacobian):  # type: ignore[no-untyped-def]
    """Write dQ/dA of every entry of the four-body tables."""
    for e in range(term_first.shape[0] - 1):
        s = spread(0.0)
        for t in range(term_first[e], term_first[e + 1]):
            product = multiply(load(mixed, left[t] * LANES), load(mixed, right[t] * LANES))
            s = fma(product, spread(coef[t]), s)
        store(jacobian, e * LANES, s)


@njit(**OPTIONS)
def four_body_functions(mixed, jacobian, first, slot, functions):  # type: ignore[no-untyped-def]
    """Write Q_f: a third of sum A dQ/dA, because Q is homogeneous of degree three."""
    for f in range(first.shape[0] - 1):
        s = spread(0.0)
        for e in range(first[f], first[f + 1]):
            s = fma(load(jacobian, e * LANES), load(mixed, slot[e] * LANES), s)
        store(functions, f * LANES, multiply(s, spread(1.0 / 3.0)))


@njit(**OPTIONS)
def pull_four_body(jacobian, weights, first, slot, pull):  # type: ignore[no-untyped-def]
    """Write dE/d(mixed density) for weights [f LANES + lane]."""
    pull[:] = 0.0
    for f in range(first.shape[0] - 1):
        w = load(weights, f * LANES)
        for e in range(first[f], first[f + 1]):
            at = slot[e] * LANES
            store(pull, at, fma(w, load(jacobian, e * LANES), load(pull, at)))


@njit(**OPTIONS)
def four_body_energies(weights, functions, energies):  # type: ignore[no-untyped-def]
    """Add sum_f w_f Q_f of eight atoms to `energies`."""
    s = spread(0.0)
    for f in range(0, functions.shape[0], LANES):
        s = fma(load(weights, f), load(functions, f), s)
    store(energies, 0, add(load(energies, 0), s))


@njit(**OPTIONS)
def unmix(pull, lane, mixing, four_n, adjoint):  # type: ignore[no-untyped-def]
    """Add dE/dA of one atom to its adjoint from dE/d(mixed density)."""
    n_mix, n_species = mixing.shape
    for lm in range(pull.shape[0] // (n_mix * four_n * LANES)):
        for z in range(n_species):
            for n in range(four_n):
                s = 0.0
                for mixture in range(n_mix):
                    k = (lm * n_mix + mixture) * four_n + n
                    s += mixing[mixture, z] * pull[k * LANES + lane]
                adjoint[(lm * n_species + z) * LANES + n] += s
