"""Compiled kernels: densities, functions, and energies and forces by an adjoint pass.

Index conventions: i centre, j neighbour, p pair, q angular degree, lm flat angular index,
c channel (species, n), f function of one centre, d direction. Each parallel loop owns what it
writes, so results do not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from aofl.ace.angular import harmonics, work_size

# Strict arithmetic, no fastmath: with it a kernel just compiled and the same kernel loaded from the
# cache differ in the last bit, and a resumed run would leave the path of an uninterrupted one.
OPTIONS: Any = {"cache": True, "error_model": "numpy"}
BLOCK = 16  # atoms that share one workspace
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
def workspace(first, n_radial, l_max):  # type: ignore[no-untyped-def]
    """Return the arrays that `look_around` fills, large enough for every atom.

    Pair number, distance and inverse distance (K,), direction (3, K), R and dR/dr (K, n_radial),
    scratch, Y (LM, K) and dY/dr (3, LM, K).
    """
    n_near, n_lm = 0, (l_max + 1) ** 2
    for i in range(first.shape[0] - 1):
        n_near = max(n_near, first[i + 1] - first[i])
    return (
        np.empty(n_near, np.int64),
        np.empty(n_near),
        np.empty(n_near),
        np.empty((3, n_near)),
        np.empty((n_near, n_radial)),
        np.empty((n_near, n_radial)),
        np.empty((work_size(l_max), n_near)),
        np.empty((n_lm, n_near)),
        np.empty((3, n_lm, n_near)),
    )


@njit(**OPTIONS)
def look_around(i, first, second, vectors, species, cutoffs, table, l_max, space):  # type: ignore[no-untyped-def]
    """Write R_nl, Y_lm and their derivatives for the neighbours of atom i within their cutoffs.

    Returns their number.
    """
    near, distance, inverse, unit, value, slope, work, y, dy = space
    count, zi = 0, species[i]
    for p in range(first[i], first[i + 1]):
        v = vectors[p]
        r = np.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
        zj = species[second[p]]
        if r < cutoffs[zi, zj]:
            near[count] = p
            distance[count] = r
            inverse[count] = 1.0 / r
            for d in range(3):
                unit[d, count] = v[d] / r
            interpolate(r, cutoffs[zi, zj], table[zi, zj], value[count], slope[count])
            count += 1
    harmonics(unit, inverse, count, l_max, work, y, dy)
    return count


@njit(**OPTIONS)
def add_density(count, second, species, n_max, l_max, space, density):  # type: ignore[no-untyped-def]
    """Add R_nl Y_lm of the neighbours looked at to the density (LM, C)."""
    near, value, y = space[0], space[4], space[7]
    for k in range(count):
        channel = species[second[near[k]]] * n_max
        for q in range(l_max + 1):
            for lm in range(q * q, (q + 1) * (q + 1)):
                for n in range(n_max):
                    density[lm, channel + n] += y[lm, k] * value[k, q * n_max + n]


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
def densities(first, second, vectors, species, cutoffs, table, n_max, l_max):  # type: ignore[no-untyped-def]
    """Return A (n, LM, C) of every atom."""
    n_atoms = first.shape[0] - 1
    out = np.zeros((n_atoms, (l_max + 1) ** 2, cutoffs.shape[0] * n_max))
    for block in prange((n_atoms + BLOCK - 1) // BLOCK):
        space = workspace(first, table.shape[4], l_max)
        for i in range(block * BLOCK, min((block + 1) * BLOCK, n_atoms)):
            count = look_around(i, first, second, vectors, species, cutoffs, table, l_max, space)
            add_density(count, second, species, n_max, l_max, space, out[i])
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
    pair_cutoffs,
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
    n_pair = pair_table.shape[4]
    n_channels = density.shape[2]
    out = np.zeros((n_atoms, n_functions))
    for i in prange(n_atoms):
        row = out[i]
        value, slope = np.empty(n_pair), np.empty(n_pair)
        for p in range(first[i], first[i + 1]):
            v = vectors[p]
            r = np.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
            zi, zj = species[i], species[second[p]]
            if r < pair_cutoffs[zi, zj]:
                interpolate(r, pair_cutoffs[zi, zj], pair_table[zi, zj], value, slope)
                start = zj * n_pair
                for k in range(n_pair):
                    row[start + k] += value[k]
        f = pair_cutoffs.shape[0] * n_pair
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
