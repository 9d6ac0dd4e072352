"""Compiled kernels: four- and five-body functions of eight atoms at a time.

Equations (11), (13) and (14) of `aofl.ace.reference`, and their derivatives. The polynomials are
the same for every atom, so the lanes of a vector hold eight atoms: mixed densities, their adjoints
(`pull`) and Jacobians dQ/dA are laid out [index LANES + lane].
"""

from __future__ import annotations

import numpy as np

from aofl.ace.kernels.simd import LANES, add, fma, load, multiply, spread, store
from aofl.ace.kernels.surroundings import OPTIONS
from aofl.compiled import njit


@njit(**OPTIONS)
def blank_mixed(n_mixed):  # type: ignore[no-untyped-def]
    """Return room for the mixed densities of eight atoms, followed by the constant 1."""
    mixed = np.zeros((n_mixed + 1) * LANES)
    mixed[n_mixed * LANES :] = 1.0
    return mixed


@njit(**OPTIONS)
def mix_density(a, lane, mixing, mix_n, mixed):  # type: ignore[no-untyped-def]
    """Write the mixed density (11) of one atom, index (lm N_MIX + mixture) mix_n + n.

    Species enter these functions through these mixtures alone.
    """
    n_mix, n_species = mixing.shape
    for lm in range(mixed.shape[0] // (n_mix * mix_n * LANES)):
        for mixture in range(n_mix):
            for n in range(mix_n):
                s = 0.0
                for z in range(n_species):
                    s += mixing[mixture, z] * a[(lm * n_species + z) * LANES + n]
                mixed[((lm * n_mix + mixture) * mix_n + n) * LANES + lane] = s


@njit(**OPTIONS)
def product_jacobian(mixed, term_first, left, right, third, coef, jacobian):  # type: ignore[no-untyped-def]
    """Write dQ/dA of every entry of the tables (`aofl.ace.products`)."""
    for e in range(term_first.shape[0] - 1):
        s = spread(0.0)
        for t in range(term_first[e], term_first[e + 1]):
            product = multiply(load(mixed, left[t] * LANES), load(mixed, right[t] * LANES))
            product = multiply(product, load(mixed, third[t] * LANES))
            s = fma(product, spread(coef[t]), s)
        store(jacobian, e * LANES, s)


@njit(**OPTIONS)
def product_functions(mixed, jacobian, first, slot, share, functions):  # type: ignore[no-untyped-def]
    """Write Q_f = share sum A dQ/dA of (13) and (14): Q is homogeneous in A."""
    for f in range(first.shape[0] - 1):
        s = spread(0.0)
        for e in range(first[f], first[f + 1]):
            s = fma(load(jacobian, e * LANES), load(mixed, slot[e] * LANES), s)
        store(functions, f * LANES, multiply(s, spread(share[f])))


@njit(**OPTIONS)
def write_weights(weights, zi, lane, eight):  # type: ignore[no-untyped-def]
    """Write the weights (S, n_products) of one atom's species to its lane, [f LANES + lane]."""
    for f in range(weights.shape[1]):
        eight[f * LANES + lane] = weights[zi, f]


@njit(**OPTIONS)
def pull_products(jacobian, weights, first, slot, pull):  # type: ignore[no-untyped-def]
    """Write dE/d(mixed density) for weights [f LANES + lane]."""
    pull[:] = 0.0
    for f in range(first.shape[0] - 1):
        w = load(weights, f * LANES)
        for e in range(first[f], first[f + 1]):
            at = slot[e] * LANES
            store(pull, at, fma(w, load(jacobian, e * LANES), load(pull, at)))


@njit(**OPTIONS)
def product_energies(weights, functions, energies):  # type: ignore[no-untyped-def]
    """Add sum_f w_f Q_f of eight atoms to `energies`."""
    s = spread(0.0)
    for f in range(0, functions.shape[0], LANES):
        s = fma(load(weights, f), load(functions, f), s)
    store(energies, 0, add(load(energies, 0), s))


@njit(**OPTIONS)
def unmix(pull, lane, mixing, mix_n, seen, adjoint):  # type: ignore[no-untyped-def]
    """Add dE/dA of one atom to its adjoint from dE/d(mixed density), for the species seen."""
    n_mix, n_species = mixing.shape
    for lm in range(pull.shape[0] // (n_mix * mix_n * LANES)):
        for z in seen:
            for n in range(mix_n):
                s = 0.0
                for mixture in range(n_mix):
                    k = (lm * n_mix + mixture) * mix_n + n
                    s += mixing[mixture, z] * pull[k * LANES + lane]
                adjoint[(lm * n_species + z) * LANES + n] += s
