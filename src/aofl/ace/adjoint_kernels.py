"""Compiled kernels: energies and forces of one weight vector by an adjoint pass.

The weights are contracted first, dE/dA = 2 W A + ..., and pulled back through the neighbours, so
no derivative of a function is ever formed or stored. Index conventions are those of
`aofl.ace.kernels`.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from aofl.ace.kernels import BLOCK, OPTIONS, add_density, look_around, mix_density, workspace


@njit(**OPTIONS)
def add_pairs(i, first, second, vectors, species, cutoffs, curves, gradient):  # type: ignore[no-untyped-def]
    """Add the derivatives of the pair energies of atom i to `gradient`, and return their sum.

    `curves` (S, S, n_grid + 1, 2) tabulates the pair energy of two species and its slope.
    """
    total, zi = 0.0, species[i]
    n_grid = curves.shape[2] - 1
    for p in range(first[i], first[i + 1]):
        v = vectors[p]
        r = np.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
        zj = species[second[p]]
        reach = cutoffs[zi, zj]
        if r < reach:
            scaled = r * n_grid / reach
            g = min(int(scaled), n_grid - 1)
            t = scaled - g
            low, high = curves[zi, zj, g], curves[zi, zj, g + 1]
            step = high[0] - low[0]
            bend, turn = low[1] - step, high[1] - step
            total += low[0] + t * (step + (1 - t) * (bend * (1 - t) - turn * t))
            push = step + (1 - t) * (1 - 3 * t) * bend + t * (3 * t - 2) * turn
            for d in range(3):
                gradient[p, d] = push * n_grid / reach * v[d] / r
    return total


@njit(**OPTIONS)
def contract_three_body(a, weights, l_max, adjoint):  # type: ignore[no-untyped-def]
    """Write dE/dA (LM, C) of the quadratic form sum_lm A_lm W_q A_lm, and return its value."""
    n_channels = a.shape[1]
    total = 0.0
    for q in range(l_max + 1):
        w = weights[q]
        for lm in range(q * q, (q + 1) * (q + 1)):
            row = adjoint[lm]
            row[:] = 0.0
            for c in range(n_channels):
                x = a[lm, c]
                for other in range(n_channels):
                    row[other] += x * w[c, other]
            for c in range(n_channels):
                total += a[lm, c] * row[c]
                row[c] *= 2.0
    return total


@njit(**OPTIONS)
def contract_four_body(  # type: ignore[no-untyped-def]
    a, weights, mixing, n_max, four_n, mixed, pull, four_first, slot, term_first, left, right, coef,
    adjoint,
):  # fmt: skip
    """Add dE/dA of the four-body part to `adjoint` (LM, C), and return its energy."""
    n_mix, n_species = mixing.shape
    mix_density(a, mixing, n_max, four_n, mixed)
    pull[:] = 0.0
    total = 0.0
    for f in range(four_first.shape[0] - 1):
        part = 0.0
        for e in range(four_first[f], four_first[f + 1]):
            slope = 0.0
            for t in range(term_first[e], term_first[e + 1]):
                slope += coef[t] * mixed[left[t]] * mixed[right[t]]
            part += slope * mixed[slot[e]]
            pull[slot[e]] += weights[f] * slope
        total += weights[f] * part / 3.0
    for lm in range(mixed.shape[0] // (n_mix * four_n)):
        for z in range(n_species):
            for n in range(four_n):
                for mixture in range(n_mix):
                    s = (lm * n_mix + mixture) * four_n + n
                    adjoint[lm, z * n_max + n] += mixing[mixture, z] * pull[s]
    return total


@njit(**OPTIONS)
def pull_back(count, second, species, n_max, l_max, space, adjoint, across, gradient):  # type: ignore[no-untyped-def]
    """Add dE/dr of the neighbours looked at, seen through the density, to `gradient`.

    `across` (LM, K) is scratch: dE/dY_lm of each neighbour.
    """
    near, unit, value, slope, y, dy = space[0], space[3], space[4], space[5], space[7], space[8]
    shift = np.empty(n_max)
    for k in range(count):
        channel = species[second[near[k]]] * n_max
        along = 0.0
        for q in range(l_max + 1):
            shift[:] = 0.0
            for lm in range(q * q, (q + 1) * (q + 1)):
                g = 0.0
                for n in range(n_max):
                    shift[n] += adjoint[lm, channel + n] * y[lm, k]
                    g += adjoint[lm, channel + n] * value[k, q * n_max + n]
                across[lm, k] = g
            for n in range(n_max):
                along += shift[n] * slope[k, q * n_max + n]
        for d in range(3):
            gradient[near[k], d] += along * unit[d, k]
    for d in range(3):
        total = shift_of(across, dy[d], count)
        for k in range(count):
            gradient[near[k], d] += total[k]


@njit(**OPTIONS)
def shift_of(across, dy, count):  # type: ignore[no-untyped-def]
    """Return sum_lm dE/dY_lm dY_lm/dr of each neighbour."""
    total = np.zeros(count)
    for lm in range(across.shape[0]):
        for k in range(count):
            total[k] += across[lm, k] * dy[lm, k]
    return total


@njit(parallel=True, **OPTIONS)
def energies_and_gradients(  # type: ignore[no-untyped-def]
    first, second, vectors, species, pair_cutoffs, curves, cutoffs, table, n_max, l_max,
    mixing, four_n, n_mixed, four_first, slot, term_first, left, right, coef, weights, four_weights,
):  # fmt: skip
    """Return atomic energies (n,) and dE_i/dr_ij of every pair (n_pairs, 3).

    `curves` (S, S, n_grid + 1, 2) by centre and neighbour species; `weights` (S, L, C, C)
    symmetric; `four_weights` (S, n_four).
    """
    n_atoms, n_lm = first.shape[0] - 1, (l_max + 1) ** 2
    n_channels = cutoffs.shape[0] * n_max
    energy, gradient = np.zeros(n_atoms), np.zeros((second.shape[0], 3))
    for block in prange((n_atoms + BLOCK - 1) // BLOCK):
        space = workspace(first, table.shape[4], l_max)
        a, adjoint = np.empty((n_lm, n_channels)), np.empty((n_lm, n_channels))
        across = np.empty((n_lm, space[0].shape[0]))
        mixed, pull = np.empty(n_mixed), np.empty(n_mixed)
        for i in range(block * BLOCK, min((block + 1) * BLOCK, n_atoms)):
            zi = species[i]
            total = add_pairs(
                i, first, second, vectors, species, pair_cutoffs, curves, gradient
            )  # fmt: skip
            count = look_around(i, first, second, vectors, species, cutoffs, table, l_max, space)
            a[:] = 0.0
            add_density(count, second, species, n_max, l_max, space, a)
            total += contract_three_body(a, weights[zi], l_max, adjoint)
            if n_mixed > 0:
                total += contract_four_body(
                    a, four_weights[zi], mixing, n_max, four_n, mixed, pull,
                    four_first, slot, term_first, left, right, coef, adjoint,
                )  # fmt: skip
            pull_back(count, second, species, n_max, l_max, space, adjoint, across, gradient)
            energy[i] = total
    return energy, gradient
