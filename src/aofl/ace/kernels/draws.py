"""Compiled kernels: the spread of the forces over `N_DRAWS` weight vectors, in one pass.

Equations (16) and (17) of `aofl.ace.reference` for every draw, and their root mean square. What
depends on the structure alone (R, Y, densities, Jacobians of products) is computed once; what
depends on the weights has the draw as its last index, two vectors long, and every weight of a
centre is read once for each four values of lm. The adjoint is laid out

    adjoint  dE/dA of every draw     [(lm C + c) N_DRAWS + draw],  c = z n_max + n

and forces [(i 3 + d) N_DRAWS + draw]; memory is a few kB for an atom, whatever its neighbours.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from aofl.ace.kernels.local import N_DRAWS
from aofl.ace.kernels.products import blank_mixed, mix_density, product_jacobian
from aofl.ace.kernels.simd import LANES, add, fma, load, multiply, spread, store, subtract, total
from aofl.ace.kernels.surroundings import (
    OPTIONS,
    PARTS,
    atoms_of,
    grid_cell,
    hermite,
    longest_row,
    look_around,
    species_seen,
    spread_six,
    vector_count,
    weighted,
    workspaces,
    write_density,
)
from aofl.compiled import njit


@njit(**OPTIONS)
def add_to_both(i, j, d, s, t, forces):  # type: ignore[no-untyped-def]
    """Add component d of dE/dr_ij of every draw to the forces of i, and take it off those of j."""
    own, other = (i * 3 + d) * N_DRAWS, (j * 3 + d) * N_DRAWS
    store(forces, own, add(load(forces, own), s))
    store(forces, own + LANES, add(load(forces, own + LANES), t))
    store(forces, other, subtract(load(forces, other), s))
    store(forces, other + LANES, subtract(load(forces, other + LANES), t))


@njit(**OPTIONS)
def add_pairs(i, first, second, vectors, species, cutoffs, table, weights, slopes, forces):  # type: ignore[no-untyped-def]
    """Add the forces of the pair functions (8) of i; `slopes` is scratch, one row of `table`."""
    zi, n_species, n_grid, width = species[i], cutoffs.shape[0], table.shape[2] - 1, table.shape[4]
    flat = table.reshape(-1)
    for p in range(first[i], first[i + 1]):
        a, b, c = vectors[p, 0], vectors[p, 1], vectors[p, 2]
        zj = species[second[p]]
        square, reach = a * a + b * b + c * c, cutoffs[zi, zj]
        if square < reach * reach:
            r = np.sqrt(square)
            g, x = grid_cell(r, reach, n_grid)
            slants = spread_six(hermite(x, n_grid / reach), 6)
            block = zi * n_species + zj
            for f in range(0, width, LANES):
                at = (block * (n_grid + 1) + g) * 3 * width + f
                store(slopes, f, weighted(flat, at, width, *slants))
            s, t, w = spread(0.0), spread(0.0), block * width * N_DRAWS
            for f in range(width):
                push = spread(slopes[f] / r)
                s, t = fma(push, load(weights, w), s), fma(push, load(weights, w + LANES), t)
                w += N_DRAWS
            for d in range(3):
                along = spread(vectors[p, d])
                add_to_both(i, second[p], d, multiply(along, s), multiply(along, t), forces)


@njit(**OPTIONS)
def rows_of_one(a, row, weights, block, seen, n_species, n_max, adjoint, out):  # type: ignore[no-untyped-def]
    """Write weights times the density of one lm (offset `row`) to adjoint[out : ]."""
    for other in seen:
        for k in range(other * n_max, (other + 1) * n_max):
            s, t = spread(0.0), spread(0.0)
            for z in seen:
                w = block + (k * n_species + z) * n_max * N_DRAWS
                for c in range(row + z * LANES, row + z * LANES + n_max):
                    x = spread(a[c])
                    s, t = fma(x, load(weights, w), s), fma(x, load(weights, w + LANES), t)
                    w += N_DRAWS
            store(adjoint, out + k * N_DRAWS, s)
            store(adjoint, out + k * N_DRAWS + LANES, t)


@njit(**OPTIONS)
def rows_of_three(a, row, weights, block, seen, n_species, n_max, adjoint, out):  # type: ignore[no-untyped-def]
    """Do what `rows_of_one` does for three lm; each weight is read once."""
    step, next_out = n_species * LANES, n_species * n_max * N_DRAWS
    for other in seen:
        for k in range(other * n_max, (other + 1) * n_max):
            s0, s1, s2 = spread(0.0), spread(0.0), spread(0.0)
            t0, t1, t2 = spread(0.0), spread(0.0), spread(0.0)
            for z in seen:
                w = block + (k * n_species + z) * n_max * N_DRAWS
                for c in range(row + z * LANES, row + z * LANES + n_max):
                    u, v = load(weights, w), load(weights, w + LANES)
                    x0, x1, x2 = spread(a[c]), spread(a[c + step]), spread(a[c + 2 * step])
                    s0, s1, s2 = fma(x0, u, s0), fma(x1, u, s1), fma(x2, u, s2)
                    t0, t1, t2 = fma(x0, v, t0), fma(x1, v, t1), fma(x2, v, t2)
                    w += N_DRAWS
            at = out + k * N_DRAWS
            store(adjoint, at, s0)
            store(adjoint, at + LANES, t0)
            store(adjoint, at + next_out, s1)
            store(adjoint, at + next_out + LANES, t1)
            store(adjoint, at + 2 * next_out, s2)
            store(adjoint, at + 2 * next_out + LANES, t2)


@njit(**OPTIONS)
def rows_of_four(a, row, weights, block, seen, n_species, n_max, adjoint, out):  # type: ignore[no-untyped-def]
    """Do what `rows_of_one` does for four lm; each weight is read once."""
    step, next_out = n_species * LANES, n_species * n_max * N_DRAWS
    for other in seen:
        for k in range(other * n_max, (other + 1) * n_max):
            s0, s1, s2, s3 = spread(0.0), spread(0.0), spread(0.0), spread(0.0)
            t0, t1, t2, t3 = spread(0.0), spread(0.0), spread(0.0), spread(0.0)
            for z in seen:
                w = block + (k * n_species + z) * n_max * N_DRAWS
                for c in range(row + z * LANES, row + z * LANES + n_max):
                    u, v = load(weights, w), load(weights, w + LANES)
                    x0, x1 = spread(a[c]), spread(a[c + step])
                    x2, x3 = spread(a[c + 2 * step]), spread(a[c + 3 * step])
                    s0, s1, s2, s3 = fma(x0, u, s0), fma(x1, u, s1), fma(x2, u, s2), fma(x3, u, s3)
                    t0, t1, t2, t3 = fma(x0, v, t0), fma(x1, v, t1), fma(x2, v, t2), fma(x3, v, t3)
                    w += N_DRAWS
            at = out + k * N_DRAWS
            store(adjoint, at, s0)
            store(adjoint, at + LANES, t0)
            store(adjoint, at + next_out, s1)
            store(adjoint, at + next_out + LANES, t1)
            store(adjoint, at + 2 * next_out, s2)
            store(adjoint, at + 2 * next_out + LANES, t2)
            store(adjoint, at + 3 * next_out, s3)
            store(adjoint, at + 3 * next_out + LANES, t3)


@njit(**OPTIONS)
def contract_three_body(a, weights, start, seen, n_species, n_max, l_max, adjoint):  # type: ignore[no-untyped-def]
    """Write dE/dA of the quadratic form 1/2 sum_lm A_lm W_q A_lm of every draw.

    `weights` [start + ((q C + c) C + c') N_DRAWS + draw] is symmetric in c and c'. For species that
    are not `seen` the density is zero, and the adjoint is not written.
    """
    n_channels = n_species * n_max
    for q in range(l_max + 1):
        block = start + q * n_channels * n_channels * N_DRAWS
        lm, end = q * q, (q + 1) * (q + 1)
        while lm < end:
            row, out = lm * n_species * LANES, lm * n_channels * N_DRAWS
            if end - lm >= 4:
                rows_of_four(a, row, weights, block, seen, n_species, n_max, adjoint, out)
                lm += 4
            elif end - lm == 3:
                rows_of_three(a, row, weights, block, seen, n_species, n_max, adjoint, out)
                lm += 3
            else:
                rows_of_one(a, row, weights, block, seen, n_species, n_max, adjoint, out)
                lm += 1


@njit(**OPTIONS)
def add_products(  # type: ignore[no-untyped-def]
    jacobian, lane, weights, start, first, slot, mixing, n_max, mix_n, seen, pull, adjoint
):
    """Add dE/dA of the products of every draw, for the species seen.

    `pull` is scratch, n_mixed N_DRAWS.
    """
    pull[:] = 0.0
    for f in range(first.shape[0] - 1):
        w = start + f * N_DRAWS
        u, v = load(weights, w), load(weights, w + LANES)
        for e in range(first[f], first[f + 1]):
            x, at = spread(jacobian[e * LANES + lane]), slot[e] * N_DRAWS
            store(pull, at, fma(x, u, load(pull, at)))
            store(pull, at + LANES, fma(x, v, load(pull, at + LANES)))
    n_mix, n_species = mixing.shape
    for lm in range(pull.shape[0] // (n_mix * mix_n * N_DRAWS)):
        for z in seen:
            for n in range(mix_n):
                at = ((lm * n_species + z) * n_max + n) * N_DRAWS
                s, t = load(adjoint, at), load(adjoint, at + LANES)
                for mixture in range(n_mix):
                    k = ((lm * n_mix + mixture) * mix_n + n) * N_DRAWS
                    x = spread(mixing[mixture, z])
                    s, t = fma(x, load(pull, k), s), fma(x, load(pull, k + LANES), t)
                store(adjoint, at, s)
                store(adjoint, at + LANES, t)


@njit(**OPTIONS)
def write_derivatives(k, count, l_max, space, change):  # type: ignore[no-untyped-def]
    """Write d(R_nl Y_lm)/dr_d of the k-th neighbour to `change` [(lm 3 + d) LANES + n]."""
    unit, value, slope, y, dy = space[4], space[5], space[6], space[8], space[9]
    stride, n_lm, far = vector_count(count), (l_max + 1) ** 2, unit.shape[0] // 3
    for q in range(l_max + 1):
        at = (k * (l_max + 1) + q) * LANES
        radial, steep = load(value, at), load(slope, at)
        for lm in range(q * q, (q + 1) * (q + 1)):
            for d in range(3):
                grow = multiply(steep, spread(y[lm * stride + k] * unit[d * far + k]))
                turn = spread(dy[(d * n_lm + lm) * stride + k])
                store(change, (lm * 3 + d) * LANES, fma(radial, turn, grow))


@njit(**OPTIONS)
def pull_back(i, count, second, n_species, n_max, l_max, space, adjoint, change, forces):  # type: ignore[no-untyped-def]
    """Add the forces of the neighbours looked at, through the density: dE/dA in (16)."""
    near, kind = space[0], space[1]
    for k in range(count):
        write_derivatives(k, count, l_max, space, change)
        s_x, s_y, s_z = spread(0.0), spread(0.0), spread(0.0)
        t_x, t_y, t_z = spread(0.0), spread(0.0), spread(0.0)
        for lm in range((l_max + 1) ** 2):
            at = (lm * n_species + kind[k]) * n_max * N_DRAWS
            for n in range(lm * 3 * LANES, lm * 3 * LANES + n_max):
                u, v = load(adjoint, at), load(adjoint, at + LANES)
                x, y, z = spread(change[n]), spread(change[n + LANES]), spread(change[n + 16])
                s_x, s_y, s_z = fma(x, u, s_x), fma(y, u, s_y), fma(z, u, s_z)
                t_x, t_y, t_z = fma(x, v, t_x), fma(y, v, t_y), fma(z, v, t_z)
                at += N_DRAWS
        j = second[near[k]]
        add_to_both(i, j, 0, s_x, t_x, forces)
        add_to_both(i, j, 1, s_y, t_y, forces)
        add_to_both(i, j, 2, s_z, t_z, forces)


@njit(parallel=True, **OPTIONS)
def forces_of_draws(  # type: ignore[no-untyped-def]
    first, second, vectors, species, order, pair_cutoffs, pair_table, cutoffs, table,
    n_max, l_max, mixing, mix_n, n_mixed, product_first, term_first, slot, left, right, third, coef,
    pair_weights, weights, product_weights,
):  # fmt: skip
    """Return the forces of every draw, to be summed over parts: (PARTS, n 3 N_DRAWS).

    Shapes of the weights: see `aofl.ace.evaluate.Draws`.
    """
    n_atoms, n_species = first.shape[0] - 1, cutoffs.shape[0]
    n_lm, n_products = (l_max + 1) ** 2, product_first.shape[0] - 1
    stride = longest_row(first)
    forces = np.empty((PARTS, n_atoms * 3 * N_DRAWS))
    block = LANES if n_products > 0 else 1
    for part in prange(PARTS):
        spaces = workspaces(stride, l_max)
        a = np.empty((LANES, n_lm * n_species * LANES))
        adjoint = np.empty(n_lm * n_species * n_max * N_DRAWS)
        change, slopes = np.empty(n_lm * 3 * LANES), np.empty(pair_table.shape[4])
        mixed, pull = blank_mixed(n_mixed), np.empty(n_mixed * N_DRAWS)
        jacobian = np.empty((term_first.shape[0] - 1) * LANES)
        counts, kinds = np.zeros(LANES, np.int64), np.empty(n_species, np.int64)
        f = forces[part]
        f[:] = 0.0
        mine = atoms_of(part, order)
        for begin in range(0, mine.shape[0], block):
            atoms = mine[begin : begin + block]
            for lane, i in enumerate(atoms):
                counts[lane] = look_around(
                    i, first, second, vectors, species, cutoffs, table, l_max, spaces[lane]
                )
                write_density(counts[lane], n_species, l_max, spaces[lane], a[lane])
                if n_products > 0:
                    mix_density(a[lane], lane, mixing, mix_n, mixed)
            if n_products > 0:
                product_jacobian(mixed, term_first, left, right, third, coef, jacobian)
            for lane, i in enumerate(atoms):
                add_pairs(
                    i, first, second, vectors, species, pair_cutoffs, pair_table, pair_weights,
                    slopes, f,
                )  # fmt: skip
                start = species[i] * (weights.shape[0] // n_species)
                seen = species_seen(counts[lane], spaces[lane][1], kinds)
                contract_three_body(a[lane], weights, start, seen, n_species, n_max, l_max, adjoint)
                if n_products > 0:
                    add_products(
                        jacobian, lane, product_weights, species[i] * n_products * N_DRAWS,
                        product_first, slot, mixing, n_max, mix_n, seen, pull, adjoint,
                    )  # fmt: skip
                pull_back(
                    i, counts[lane], second, n_species, n_max, l_max, spaces[lane], adjoint,
                    change, f,
                )  # fmt: skip
    return forces


@njit(parallel=True, **OPTIONS)
def spread_of_forces(forces):  # type: ignore[no-untyped-def]
    """Return the root mean square over the draws of the summed forces, shape (n * 3,)."""
    n = forces.shape[1] // N_DRAWS
    out = np.empty(n)
    for k in prange(n):
        s, t = spread(0.0), spread(0.0)
        for part in range(PARTS):
            s = add(s, load(forces[part], k * N_DRAWS))
            t = add(t, load(forces[part], k * N_DRAWS + LANES))
        out[k] = np.sqrt(total(fma(s, s, multiply(t, t))) / N_DRAWS)
    return out
