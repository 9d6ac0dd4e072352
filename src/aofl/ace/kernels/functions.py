"""Compiled kernels: densities and functions of every atom, from which training rows are made.

Equations (7) to (14) of `aofl.ace.reference`; energy rows are sums of these functions. Index
conventions: i centre, j neighbour, p pair, q angular degree, lm flat angular index, c channel
(species, n), f function of one centre. Each parallel loop owns what it writes, so results do not
depend on the number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from aofl.ace.kernels.products import blank_mixed, mix_density, product_jacobian
from aofl.ace.kernels.simd import LANES
from aofl.ace.kernels.surroundings import (
    OPTIONS,
    PARTS,
    longest_row,
    look_around,
    read_row,
    workspace,
    write_density,
)
from aofl.compiled import njit


@njit(parallel=True, **OPTIONS)
def densities(first, second, vectors, species, cutoffs, table, n_max, l_max):  # type: ignore[no-untyped-def]
    """Return the density A (n, LM, C) of every atom: equation (7)."""
    n_atoms, n_species, n_lm = first.shape[0] - 1, cutoffs.shape[0], (l_max + 1) ** 2
    stride = longest_row(first)
    out = np.empty((n_atoms, n_lm, n_species * n_max))
    for part in prange(PARTS):
        space, a = workspace(stride, l_max), np.empty(n_lm * n_species * LANES)
        for i in range(part, n_atoms, PARTS):
            count = look_around(i, first, second, vectors, species, cutoffs, table, l_max, space)
            write_density(count, n_species, l_max, space, a)
            for lm in range(n_lm):
                for z in range(n_species):
                    for n in range(n_max):
                        out[i, lm, z * n_max + n] = a[(lm * n_species + z) * LANES + n]
    return out


@njit(parallel=True, **OPTIONS)
def jacobians(density, mixing, n_max, mix_n, n_mixed, term_first, left, right, third, coef):  # type: ignore[no-untyped-def]
    """Return mixed densities, (11), (n, n_mixed) and Jacobians of the products (n, entries)."""
    n_atoms, n_lm, n_species = density.shape[0], density.shape[1], mixing.shape[1]
    n_entries = term_first.shape[0] - 1
    mixed, out = np.empty((n_atoms, n_mixed)), np.empty((n_atoms, n_entries))
    if n_mixed == 0:
        return mixed, out
    for block in prange((n_atoms + LANES - 1) // LANES):
        begin, end = block * LANES, min((block + 1) * LANES, n_atoms)
        eight, jacobian = blank_mixed(n_mixed), np.empty(n_entries * LANES)
        a = np.empty((n_lm, n_species, LANES))
        for i in range(begin, end):
            a[:, :, :n_max] = density[i].reshape((n_lm, n_species, n_max))
            mix_density(a.reshape(-1), i - begin, mixing, mix_n, eight)
        product_jacobian(eight, term_first, left, right, third, coef, jacobian)
        for i in range(begin, end):
            for k in range(n_mixed):
                mixed[i, k] = eight[k * LANES + i - begin]
            for k in range(n_entries):
                out[i, k] = jacobian[k * LANES + i - begin]
    return mixed, out


@njit(**OPTIONS)
def add_pair_functions(i, first, second, vectors, species, cutoffs, table, n_pair, row):  # type: ignore[no-untyped-def]
    """Add the pair functions of atom i to `row`: equation (8)."""
    for p in range(first[i], first[i + 1]):
        v = vectors[p]
        r = np.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
        zi, zj = species[i], species[second[p]]
        if r < cutoffs[zi, zj]:
            value, _ = read_row(r, zi, zj, cutoffs, table)
            for k in range(n_pair):
                row[zj * n_pair + k] += value[k]


@njit(**OPTIONS)
def add_three_body_functions(a, l_max, row):  # type: ignore[no-untyped-def]
    """Add the three-body functions of a density (LM, C) to `row`: equation (10)."""
    f, n_channels = 0, a.shape[1]
    for q in range(l_max + 1):
        scale = 1.0 / np.sqrt(2.0 * q + 1.0)
        for c in range(n_channels):
            for lm in range(q * q, (q + 1) * (q + 1)):
                left = a[lm, c] * scale
                for other in range(c, n_channels):
                    row[f + other - c] += left * a[lm, other]
            f += n_channels - c


@njit(parallel=True, **OPTIONS)
def three_body_functions(density, l_max, n_three):  # type: ignore[no-untyped-def]
    """Return the three-body functions (n, n_three) of every atom from its density (n, LM, C)."""
    out = np.zeros((density.shape[0], n_three))
    for i in prange(density.shape[0]):
        add_three_body_functions(density[i], l_max, out[i])
    return out


@njit(parallel=True, **OPTIONS)
def descriptors(  # type: ignore[no-untyped-def]
    first, second, vectors, species, pair_cutoffs, pair_table, density, n_pair, l_max,
    mixed, jacobian, product_first, slot, share, n_functions,
):  # fmt: skip
    """Return the functions B (n, n_functions) of every atom."""
    n_atoms, n_products = first.shape[0] - 1, product_first.shape[0] - 1
    three = pair_cutoffs.shape[0] * n_pair
    out = np.zeros((n_atoms, n_functions))
    for i in prange(n_atoms):
        row = out[i]
        add_pair_functions(
            i, first, second, vectors, species, pair_cutoffs, pair_table, n_pair, row
        )
        add_three_body_functions(density[i], l_max, row[three : n_functions - n_products])
        for f in range(n_products):
            s = 0.0
            for e in range(product_first[f], product_first[f + 1]):
                s += jacobian[i, e] * mixed[i, slot[e]]
            row[n_functions - n_products + f] = s * share[f]
    return out
