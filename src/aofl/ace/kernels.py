"""Compiled kernels: densities, functions, and energies and forces by an adjoint pass.

Index conventions: i centre, j neighbour, p pair, q angular degree, lm flat angular index,
c channel (species, n), f function of one centre, d direction. Each parallel loop owns what it
writes, so results do not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from aofl.ace.angular import harmonics

# Strict arithmetic, no fastmath: with it a kernel just compiled and the same kernel loaded from the
# cache differ in the last bit, and a resumed run would leave the path of an uninterrupted one.
OPTIONS: Any = {"cache": True, "error_model": "numpy"}
# Compiled functions carry no annotations; the typed face of this file is `aofl.ace.evaluate`.


@njit(**OPTIONS)
def interpolate(r, cutoff, table, value, slope):  # type: ignore[no-untyped-def]
    """Write the tabulated functions at r and their derivatives (1/Å)."""
    n_grid = table.shape[0] - 1
    scaled = r * n_grid / cutoff
    k = min(int(scaled), n_grid - 1)
    t = scaled - k
    h00, h01 = (1 + 2 * t) * (1 - t) ** 2, t * t * (3 - 2 * t)
    h10, h11 = t * (1 - t) ** 2, t * t * (t - 1)
    unit = n_grid / cutoff
    d00 = 6 * t * (t - 1) * unit
    d10, d11 = (1 - t) * (1 - 3 * t) * unit, t * (3 * t - 2) * unit
    low, high = table[k], table[k + 1]
    for f in range(table.shape[2]):
        value[f] = h00 * low[0, f] + h10 * low[1, f] + h01 * high[0, f] + h11 * high[1, f]
        slope[f] = d00 * (low[0, f] - high[0, f]) + d10 * low[1, f] + d11 * high[1, f]


@njit(**OPTIONS)
def add_density(radial, angular, n_max, l_max, channel, density):  # type: ignore[no-untyped-def]
    """Add one neighbour's R_nl Y_lm to the density (LM, C), channels from `channel` on."""
    for q in range(l_max + 1):
        for lm in range(q * q, (q + 1) * (q + 1)):
            y = angular[lm]
            for n in range(n_max):
                density[lm, channel + n] += y * radial[q * n_max + n]


@njit(**OPTIONS)
def mix_density(density, mixing, n_max, four_n, mixed):  # type: ignore[no-untyped-def]
    """Write the species mixtures of a density (LM, C) to `mixed` (LM4 * N_MIX * four_n)."""
    n_mix, n_species = mixing.shape
    n_lm = mixed.shape[0] // (n_mix * four_n) if four_n > 0 else 0
    for lm in range(n_lm):
        for mixture in range(n_mix):
            for n in range(four_n):
                total = 0.0
                for z in range(n_species):
                    total += mixing[mixture, z] * density[lm, z * n_max + n]
                mixed[(lm * n_mix + mixture) * four_n + n] = total


@njit(**OPTIONS)
def four_body_jacobian(mixed, term_first, left, right, coef, jacobian):  # type: ignore[no-untyped-def]
    """Write d Q_f / d A of every entry."""
    for e in range(jacobian.shape[0]):
        total = 0.0
        for t in range(term_first[e], term_first[e + 1]):
            total += coef[t] * mixed[left[t]] * mixed[right[t]]
        jacobian[e] = total


@njit(parallel=True, **OPTIONS)
def densities(  # type: ignore[no-untyped-def]
    first, second, vectors, species, n_species, cutoff, n_max, l_max, table
):
    """Return A (n, LM, C) of every atom."""
    n_atoms = first.shape[0] - 1
    n_lm = (l_max + 1) ** 2
    out = np.zeros((n_atoms, n_lm, n_species * n_max))
    for i in prange(n_atoms):
        value, slope = np.empty(table.shape[2]), np.empty(table.shape[2])
        y, dy = np.empty(n_lm), np.empty((3, n_lm))
        for p in range(first[i], first[i + 1]):
            v = vectors[p]
            r = np.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
            if r < cutoff:
                interpolate(r, cutoff, table, value, slope)
                harmonics(v[0] / r, v[1] / r, v[2] / r, 1 / r, l_max, y, dy)
                add_density(value, y, n_max, l_max, species[second[p]] * n_max, out[i])
    return out


@njit(parallel=True, **OPTIONS)
def jacobians(density, mixing, n_max, four_n, n_mixed, term_first, left, right, coef):  # type: ignore[no-untyped-def]
    """Return the mixed densities (n, n_mixed) and four-body Jacobians (n, entries)."""
    n_atoms = density.shape[0]
    mixed = np.empty((n_atoms, n_mixed))
    out = np.empty((n_atoms, term_first.shape[0] - 1))
    for i in prange(n_atoms):
        mix_density(density[i], mixing, n_max, four_n, mixed[i])
        four_body_jacobian(mixed[i], term_first, left, right, coef, out[i])
    return mixed, out


@njit(parallel=True, **OPTIONS)
def descriptors(  # type: ignore[no-untyped-def]
    first,
    second,
    vectors,
    species,
    n_species,
    pair_cutoff,
    pair_table,
    density,
    l_max,
    mixed,
    jacobian,
    four_first,
    slot,
    n_functions,
):
    """Return the functions B (n, n_functions) of every atom."""
    n_atoms = first.shape[0] - 1
    n_pair = pair_table.shape[2]
    n_channels = density.shape[2]
    out = np.zeros((n_atoms, n_functions))
    for i in prange(n_atoms):
        row = out[i]
        value, slope = np.empty(n_pair), np.empty(n_pair)
        for p in range(first[i], first[i + 1]):
            v = vectors[p]
            r = np.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
            if r < pair_cutoff:
                interpolate(r, pair_cutoff, pair_table, value, slope)
                start = species[second[p]] * n_pair
                for k in range(n_pair):
                    row[start + k] += value[k]
        f = n_species * n_pair
        a = density[i]
        for q in range(l_max + 1):
            scale = 1.0 / np.sqrt(2.0 * q + 1.0)
            for c in range(n_channels):
                for lm in range(q * q, (q + 1) * (q + 1)):
                    left = a[lm, c] * scale
                    for other in range(c, n_channels):
                        row[f + other - c] += left * a[lm, other]
                f += n_channels - c
        for k in range(four_first.shape[0] - 1):
            total = 0.0
            for e in range(four_first[k], four_first[k + 1]):
                total += jacobian[i, e] * mixed[i, slot[e]]
            row[f + k] = total / 3.0
    return out


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
    a, weights, mixing, n_max, four_n, n_mixed, four_first, slot, term_first, left, right, coef,
    adjoint,
):  # fmt: skip
    """Add dE/dA of the four-body part to `adjoint` (LM, C), and return its energy."""
    n_mix, n_species = mixing.shape
    mixed, pull = np.empty(n_mixed), np.zeros(n_mixed)
    mix_density(a, mixing, n_max, four_n, mixed)
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
    for lm in range(n_mixed // (n_mix * four_n)):
        for z in range(n_species):
            for n in range(four_n):
                for mixture in range(n_mix):
                    s = (lm * n_mix + mixture) * four_n + n
                    adjoint[lm, z * n_max + n] += mixing[mixture, z] * pull[s]
    return total


@njit(**OPTIONS)
def add_pull(  # type: ignore[no-untyped-def]
    v, r, value, slope, y, dy, adjoint, channel, n_max, l_max, gradient
):
    """Add dE/dr of one neighbour at v, seen through its channels of the density, to `gradient`."""
    along_r = 0.0
    for q in range(l_max + 1):
        for lm in range(q * q, (q + 1) * (q + 1)):
            along, across = 0.0, 0.0
            for n in range(n_max):
                along += adjoint[lm, channel + n] * slope[q * n_max + n]
                across += adjoint[lm, channel + n] * value[q * n_max + n]
            along_r += along * y[lm]
            for d in range(3):
                gradient[d] += across * dy[d, lm]
    for d in range(3):
        gradient[d] += along_r * v[d] / r


@njit(parallel=True, **OPTIONS)
def energies_and_gradients(  # type: ignore[no-untyped-def]
    first,
    second,
    vectors,
    species,
    pair_cutoff,
    pair_table,
    cutoff,
    table,
    n_max,
    l_max,
    mixing,
    four_n,
    four_first,
    slot,
    term_first,
    left,
    right,
    coef,
    pair_weights,
    weights,
    four_weights,
):
    """Return atomic energies (n,) and dE_i/dr_ij of every pair (n_pairs, 3).

    `pair_weights` (S, S, n_pair) by centre and neighbour species; `weights` (S, L, C, C)
    symmetric; `four_weights` (S, n_four).
    """
    n_atoms = first.shape[0] - 1
    n_species = pair_weights.shape[0]
    n_pair, n_radial = pair_table.shape[2], table.shape[2]
    n_lm, n_channels = (l_max + 1) ** 2, n_species * n_max
    n_mixed = 0
    for e in range(slot.shape[0]):
        n_mixed = max(n_mixed, slot[e] + 1)
    energy = np.zeros(n_atoms)
    gradient = np.zeros((second.shape[0], 3))
    for i in prange(n_atoms):
        begin, n_near = first[i], first[i + 1] - first[i]
        zi = species[i]
        value, slope = np.empty((n_near, n_radial)), np.empty((n_near, n_radial))
        y, dy = np.empty((n_near, n_lm)), np.empty((n_near, 3, n_lm))
        pair, pair_slope = np.empty(n_pair), np.empty(n_pair)
        a = np.zeros((n_lm, n_channels))
        adjoint = np.empty((n_lm, n_channels))
        total = 0.0
        for k in range(n_near):
            p = begin + k
            v = vectors[p]
            r = np.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
            zj = species[second[p]]
            if r < pair_cutoff:
                interpolate(r, pair_cutoff, pair_table, pair, pair_slope)
                w = pair_weights[zi, zj]
                push = 0.0
                for m in range(n_pair):
                    total += w[m] * pair[m]
                    push += w[m] * pair_slope[m]
                for d in range(3):
                    gradient[p, d] += push * v[d] / r
            if r < cutoff:
                interpolate(r, cutoff, table, value[k], slope[k])
                harmonics(v[0] / r, v[1] / r, v[2] / r, 1 / r, l_max, y[k], dy[k])
                add_density(value[k], y[k], n_max, l_max, zj * n_max, a)

        total += contract_three_body(a, weights[zi], l_max, adjoint)
        if n_mixed > 0:
            total += contract_four_body(
                a, four_weights[zi], mixing, n_max, four_n, n_mixed,
                four_first, slot, term_first, left, right, coef, adjoint,
            )  # fmt: skip
        energy[i] = total
        for k in range(n_near):
            p = begin + k
            v = vectors[p]
            r = np.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
            if r < cutoff:
                channel = species[second[p]] * n_max
                add_pull(
                    v, r, value[k], slope[k], y[k], dy[k], adjoint, channel, n_max, l_max,
                    gradient[p],
                )  # fmt: skip
    return energy, gradient
