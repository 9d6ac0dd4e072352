"""Compiled kernels: the energy of one atom for `N_DRAWS` weight vectors at once.

Equation (15) of `aofl.ace.reference` for every draw. The functions of the atom are written in a
row, without those of species that it does not see, and multiplied with a matrix whose rows hold the
weight of one function in every draw; `place` says to which row of it an entry belongs. The matrix
is laid out as

    pair       [z WIDTH + k]                     WIDTH: n_pair padded to whole vectors
    three-body [q, c = (z, n), z' >= z, n']      sum_m A_lmc A_lmc', both orders where z = z'
    four-body  [f]

and ends in zeros, at least `LANES` of them, up to a multiple of `LANES`.
"""

from __future__ import annotations

import numpy as np

from aofl.ace.kernels.simd import LANES, add, fma, load, multiply, spread, store, total
from aofl.ace.kernels.surroundings import OPTIONS, grid_cell, hermite, spread_six, weighted
from aofl.compiled import njit

N_DRAWS = 2 * LANES  # two vectors: a deviation is true to about 1 / sqrt(2 N_DRAWS) = 18 %


@njit(**OPTIONS)
def blank_row(weights, n_species):  # type: ignore[no-untyped-def]
    """Return room for the functions of an atom and for their places in the matrix."""
    n_rows = weights.shape[0] // (n_species * N_DRAWS) + LANES
    return np.empty(n_rows), np.empty(n_rows, np.int64)


@njit(**OPTIONS)
def write_pair_functions(i, first, second, vectors, species, cutoffs, table, row):  # type: ignore[no-untyped-def]
    """Write the pair functions of atom i, and return the number of entries."""
    zi, n_species, n_grid, width = species[i], cutoffs.shape[0], table.shape[2] - 1, table.shape[4]
    flat = table.reshape(-1)
    row[: n_species * width] = 0.0
    for p in range(first[i], first[i + 1]):
        a, b, c = vectors[p, 0], vectors[p, 1], vectors[p, 2]
        zj = species[second[p]]
        square, reach = a * a + b * b + c * c, cutoffs[zi, zj]
        if square < reach * reach:
            g, t = grid_cell(np.sqrt(square), reach, n_grid)
            h = hermite(t, n_grid / reach)
            at = ((zi * n_species + zj) * (n_grid + 1) + g) * 3 * width
            heights = spread_six(h, 0)
            for f in range(0, width, LANES):
                s = weighted(flat, at + f, width, *heights)
                store(row, zj * width + f, add(s, load(row, zj * width + f)))
    return n_species * width


@njit(**OPTIONS)
def write_three_body_functions(a, seen, n_species, n_max, l_max, start, row, place):  # type: ignore[no-untyped-def]
    """Write the products of the channels of a density from row[start] on.

    Returns the next entry, and the place after the last function. Places of what was written are
    those among all species; only pairs of species that are `seen` are written. A vector holds n' of
    one species; what it writes beyond them is overwritten by the next.
    """
    entry, begin = start, start
    for q in range(l_max + 1):
        for z in seen:
            first = begin + n_max * n_max * (z * n_species - z * (z - 1) // 2)
            for n in range(n_max):
                for other in seen:
                    if other >= z:
                        s = spread(0.0)
                        for lm in range(q * q, (q + 1) * (q + 1)):
                            left = spread(a[(lm * n_species + z) * LANES + n])
                            s = fma(left, load(a, (lm * n_species + other) * LANES), s)
                        store(row, entry, s)
                        at = first + (n * (n_species - z) + other - z) * n_max
                        for k in range(n_max):
                            place[entry + k] = at + k
                        entry += n_max
        begin += n_max * n_max * n_species * (n_species + 1) // 2
    return entry, begin


@njit(**OPTIONS)
def spread_of_energy(row, place, end, weights, start):  # type: ignore[no-untyped-def]
    """Return the root mean square over the draws of row . weights.

    `weights` [start + place N_DRAWS + draw]; entries of `row` from `end` on count for nothing.
    """
    for f in range(end, end + LANES):
        row[f], place[f] = 0.0, 0
    s0, s1, s2, s3 = spread(0.0), spread(0.0), spread(0.0), spread(0.0)
    t0, t1, t2, t3 = spread(0.0), spread(0.0), spread(0.0), spread(0.0)
    for f in range(0, end, 4):
        x0, x1, x2, x3 = spread(row[f]), spread(row[f + 1]), spread(row[f + 2]), spread(row[f + 3])
        w0, w1 = start + place[f] * N_DRAWS, start + place[f + 1] * N_DRAWS
        w2, w3 = start + place[f + 2] * N_DRAWS, start + place[f + 3] * N_DRAWS
        s0, t0 = fma(x0, load(weights, w0), s0), fma(x0, load(weights, w0 + LANES), t0)
        s1, t1 = fma(x1, load(weights, w1), s1), fma(x1, load(weights, w1 + LANES), t1)
        s2, t2 = fma(x2, load(weights, w2), s2), fma(x2, load(weights, w2 + LANES), t2)
        s3, t3 = fma(x3, load(weights, w3), s3), fma(x3, load(weights, w3 + LANES), t3)
    s, t = add(add(s0, s1), add(s2, s3)), add(add(t0, t1), add(t2, t3))
    return np.sqrt(total(fma(s, s, multiply(t, t))) / N_DRAWS)
