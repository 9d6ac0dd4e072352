"""Compiled kernels: derivatives of the functions, that is rows of the design matrix.

Equations (16) to (18) of `aofl.ace.reference` with each function of (8), (10), (13) and (14) in the
place of the energy. Each parallel loop owns the atom whose rows it writes: an atom gathers what it
changes in its neighbours' functions and in its own, so no two threads write to one place. Index
conventions are those of `aofl.ace.kernels.functions`.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from aofl.ace.angular import harmonics, work_size
from aofl.ace.kernels.simd import LANES
from aofl.ace.kernels.surroundings import OPTIONS, read_row
from aofl.compiled import njit


@njit(**OPTIONS)
def pair_derivative(v, zi, zj, pair_cutoffs, pair_table, cutoffs, table, l_max, pair, density):  # type: ignore[no-untyped-def]
    """Write d g_k / dr to `pair` (3, n_pair) and d (R_nl Y_lm) / dr to `density` (3, LM, n_max).

    These are the derivatives of equation (16). Both are zero beyond their cutoffs.
    """
    r = np.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
    pair[:] = 0.0
    density[:] = 0.0
    if r < pair_cutoffs[zi, zj]:
        _, slope = read_row(r, zi, zj, pair_cutoffs, pair_table)
        for d in range(3):
            for k in range(pair.shape[1]):
                pair[d, k] = slope[k] * v[d] / r
    if r < cutoffs[zi, zj]:
        value, slope = read_row(r, zi, zj, cutoffs, table)
        n_lm = density.shape[1]
        inverse, unit = np.full(LANES, 1.0 / r), np.zeros(3 * LANES)
        for d in range(3):
            unit[d * LANES] = v[d] / r
        y, dy = np.empty(n_lm * LANES), np.empty(3 * n_lm * LANES)
        harmonics(unit, inverse, 1, LANES, l_max, np.empty(work_size(l_max)), y, dy)
        for d in range(3):
            for q in range(l_max + 1):
                for lm in range(q * q, (q + 1) * (q + 1)):
                    turn, grow = dy[(d * n_lm + lm) * LANES], y[lm * LANES] * unit[d * LANES]
                    for n in range(density.shape[2]):
                        k = q * LANES + n
                        density[d, lm, n] = slope[k] * grow + value[k] * turn


@njit(**OPTIONS)
def add_three_body_rows(a, da, start, l_max, offset, sign, rows):  # type: ignore[no-untyped-def]
    """Add sign * dT, (10), for a change da (D, LM, n) of the channels from `start` on of a."""
    n_channels = a.shape[1]
    partial = np.empty(n_channels)
    for d in range(da.shape[0]):
        f0 = offset
        for q in range(l_max + 1):
            scale = sign / np.sqrt(2.0 * q + 1.0)
            for n in range(da.shape[2]):
                c = start + n
                partial[:] = 0.0
                for lm in range(q * q, (q + 1) * (q + 1)):
                    x = da[d, lm, n] * scale
                    for other in range(n_channels):
                        partial[other] += x * a[lm, other]
                for other in range(c):
                    rows[d, f0 + other * n_channels - other * (other - 1) // 2 + c - other] += (
                        partial[other]
                    )
                diagonal = f0 + c * n_channels - c * (c - 1) // 2
                rows[d, diagonal] += 2.0 * partial[c]
                for other in range(c + 1, n_channels):
                    rows[d, diagonal + other - c] += partial[other]
            f0 += n_channels * (n_channels + 1) // 2


@njit(**OPTIONS)
def add_product_rows(  # type: ignore[no-untyped-def]
    jacobian, da, start, n_max, mixing, mix_n, n_mixed, product_first, slot, offset, sign, rows
):
    """Add sign * dQ, (13) and (14), for a change da (D, LM, n) of the channels from `start` on."""
    n_mix = mixing.shape[0]
    change = np.zeros(n_mixed)
    for d in range(da.shape[0]):
        change[:] = 0.0
        for lm in range(n_mixed // (n_mix * mix_n)):
            for c in range(da.shape[2]):
                n, z = (start + c) % n_max, (start + c) // n_max
                if n < mix_n:
                    for mixture in range(n_mix):
                        s = (lm * n_mix + mixture) * mix_n + n
                        change[s] += mixing[mixture, z] * da[d, lm, c]
        for f in range(product_first.shape[0] - 1):
            total = 0.0
            for e in range(product_first[f], product_first[f + 1]):
                total += jacobian[e] * change[slot[e]]
            rows[d, offset + f] += sign * total


@njit(**OPTIONS)
def add_rows(  # type: ignore[no-untyped-def]
    a, jacobian, da, z, channels, n_max, l_max, mixing, mix_n, n_mixed, product_first, slot,
    three, end, sign, rows,
):  # fmt: skip
    """Add sign * d(three- and four-body functions), columns `three` to `end`, for a change da.

    The change (D, LM, n) is of the density of species z; it enters every mixture.
    """
    for mixture in range(channels.shape[0]):
        share = channels[mixture, z]
        if share != 0.0:
            add_three_body_rows(a, da, mixture * n_max, l_max, three, sign * share, rows)
    if n_mixed > 0:
        four = end - (product_first.shape[0] - 1)
        add_product_rows(
            jacobian, da, z * n_max, n_max, mixing, mix_n, n_mixed, product_first, slot, four,
            sign, rows,
        )  # fmt: skip


@njit(parallel=True, **OPTIONS)
def force_rows(  # type: ignore[no-untyped-def]
    atoms, first, second, vectors, species, pair_cutoffs, pair_table, cutoffs, table,
    n_pair, n_max, l_max, mixing, mix_n, n_mixed, product_first, slot, channels, density, jacobian,
    n_functions,
):  # fmt: skip
    """Return d(force)/d(weights) of the given atoms, shape (len(atoms), 3, S * n_functions)."""
    n_lm, n_species = (l_max + 1) ** 2, cutoffs.shape[0]
    first_three = n_species * n_pair
    out = np.zeros((atoms.shape[0], 3, n_species * n_functions))
    for k in prange(atoms.shape[0]):
        j = atoms[k]
        rows = out[k]
        pair, da = np.empty((3, n_pair)), np.empty((3, n_lm, n_max))
        own = np.zeros((n_species, 3, n_lm, n_max))
        zj = species[j]
        own_offset = zj * n_functions
        for p in range(first[j], first[j + 1]):
            # As a neighbour of centre i, atom j sits at minus the vector from j to i, and the
            # force on j is minus the derivative with respect to that vector.
            i = second[p]
            zi = species[i]
            offset = zi * n_functions
            pair_derivative(
                -vectors[p], zi, zj, pair_cutoffs, pair_table, cutoffs, table, l_max, pair, da,
            )  # fmt: skip
            for d in range(3):
                for m in range(n_pair):
                    rows[d, offset + zj * n_pair + m] -= pair[d, m]
            add_rows(
                density[i], jacobian[i], da, zj, channels, n_max, l_max, mixing, mix_n, n_mixed,
                product_first, slot, offset + first_three, offset + n_functions, -1.0, rows,
            )  # fmt: skip
            # As the centre itself: its own functions change with all its neighbour vectors.
            pair_derivative(
                vectors[p], zj, zi, pair_cutoffs, pair_table, cutoffs, table, l_max, pair, da,
            )  # fmt: skip
            for d in range(3):
                for m in range(n_pair):
                    rows[d, own_offset + zi * n_pair + m] += pair[d, m]
                for lm in range(n_lm):
                    for n in range(n_max):
                        own[zi, d, lm, n] += da[d, lm, n]
        for z in range(n_species):
            add_rows(
                density[j], jacobian[j], own[z], z, channels, n_max, l_max, mixing, mix_n, n_mixed,
                product_first, slot, own_offset + first_three, own_offset + n_functions, 1.0, rows,
            )  # fmt: skip
    return out


@njit(parallel=True, **OPTIONS)
def virial_rows(  # type: ignore[no-untyped-def]
    atoms, first, second, vectors, species, pair_cutoffs, pair_table, cutoffs, table,
    n_pair, n_max, l_max, mixing, mix_n, n_mixed, product_first, slot, channels, density, jacobian,
    n_functions,
):  # fmt: skip
    """Return sum_j r_a d(B)/d(r_b) of the given centres, Voigt, shape (len(atoms), 6, F)."""
    n_lm, n_species = (l_max + 1) ** 2, cutoffs.shape[0]
    out = np.zeros((atoms.shape[0], 6, n_functions))
    left = (0, 1, 2, 1, 0, 0)
    right = (0, 1, 2, 2, 2, 1)
    for k in prange(atoms.shape[0]):
        i = atoms[k]
        zi = species[i]
        rows = out[k]
        pair, da = np.empty((3, n_pair)), np.empty((3, n_lm, n_max))
        strain = np.zeros((n_species, 6, n_lm, n_max))
        for p in range(first[i], first[i + 1]):
            v = vectors[p]
            zj = species[second[p]]
            pair_derivative(v, zi, zj, pair_cutoffs, pair_table, cutoffs, table, l_max, pair, da)
            for d in range(6):
                x, b = v[left[d]], right[d]
                for m in range(n_pair):
                    rows[d, zj * n_pair + m] += x * pair[b, m]
                for lm in range(n_lm):
                    for n in range(n_max):
                        strain[zj, d, lm, n] += x * da[b, lm, n]
        for z in range(n_species):
            add_rows(
                density[i], jacobian[i], strain[z], z, channels, n_max, l_max, mixing, mix_n,
                n_mixed, product_first, slot, n_species * n_pair, n_functions, 1.0, rows,
            )  # fmt: skip
    return out
