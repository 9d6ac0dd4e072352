"""Compiled kernels: energies and forces of one weight vector by an adjoint pass.

Equations (15) to (18) of `aofl.ace.reference`, the gradient of (16) by its right-hand side: the
pair part is the slope of a tabulated pair energy sum_k w_zk g_k(r), and the rest is dE/dA times the
derivatives of (7). The weights are contracted first, dE/dA = W A + ..., and pulled back through the
neighbours, so no derivative of a function is ever formed or stored. Arrays are laid out as in
`aofl.ace.kernels.surroundings`; the adjoint dE/dA has the layout of the density.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from aofl.ace.kernels.local import (
    blank_row,
    spread_of_energy,
    write_pair_functions,
    write_three_body_functions,
)
from aofl.ace.kernels.products import (
    blank_mixed,
    mix_density,
    product_energies,
    product_functions,
    product_jacobian,
    pull_products,
    unmix,
    write_weights,
)
from aofl.ace.kernels.simd import LANES, fma, load, spread, store, total
from aofl.ace.kernels.surroundings import (
    OPTIONS,
    PARTS,
    atoms_of,
    grid_cell,
    hermite,
    longest_row,
    look_around,
    species_seen,
    vector_count,
    workspaces,
    write_density,
)
from aofl.compiled import njit


@njit(**OPTIONS)
def add_pairs(i, first, second, vectors, species, cutoffs, curves, forces, virial):  # type: ignore[no-untyped-def]
    """Add forces and virial of the pair energies of atom i, (8), and return their sum.

    `curves` (S, S, n_grid + 1, 3) tabulates the pair energy of two species and its derivatives.
    """
    total, zi = 0.0, species[i]
    n_grid = curves.shape[2] - 1
    for p in range(first[i], first[i + 1]):
        a, b, c = vectors[p, 0], vectors[p, 1], vectors[p, 2]
        zj = species[second[p]]
        square, reach = a * a + b * b + c * c, cutoffs[zi, zj]
        if square < reach * reach:
            r = np.sqrt(square)
            g, t = grid_cell(r, reach, n_grid)
            h = hermite(t, n_grid / reach)
            energy, slope = 0.0, 0.0
            for k in range(6):
                energy += curves[zi, zj, g + k // 3, k % 3] * h[k]
                slope += curves[zi, zj, g + k // 3, k % 3] * h[6 + k]
            total += energy
            push = slope / r
            add_force(i, second[p], a, b, c, push * a, push * b, push * c, forces, virial)
    return total


@njit(**OPTIONS)
def add_force(i, j, a, b, c, x, y, z, forces, virial):  # type: ignore[no-untyped-def]
    """Add G = (x, y, z) of the vector (a, b, c) from i to j to forces, (17), and virial, (18)."""
    forces[i, 0] += x
    forces[i, 1] += y
    forces[i, 2] += z
    forces[j, 0] -= x
    forces[j, 1] -= y
    forces[j, 2] -= z
    virial[0] += a * x
    virial[1] += b * y
    virial[2] += c * z
    virial[3] += b * z
    virial[4] += a * z
    virial[5] += a * y


@njit(**OPTIONS)
def rows_of_one(a, row, weights, block, seen, n_species, n_max, adjoint):  # type: ignore[no-untyped-def]
    """Write weights times the density of one lm (offset `row`) to the adjoint."""
    width = n_species * LANES
    for other in seen:
        column, s = other * LANES, spread(0.0)
        for z in seen:
            w = block + z * n_max * width + column
            for c in range(row + z * LANES, row + z * LANES + n_max):
                s = fma(spread(a[c]), load(weights, w), s)
                w += width
        store(adjoint, row + column, s)


@njit(**OPTIONS)
def rows_of_three(a, row, weights, block, seen, n_species, n_max, adjoint):  # type: ignore[no-untyped-def]
    """Do what `rows_of_one` does for three lm; each weight is read once."""
    width = n_species * LANES
    for other in seen:
        column, s0, s1, s2 = other * LANES, spread(0.0), spread(0.0), spread(0.0)
        for z in seen:
            w = block + z * n_max * width + column
            for c in range(row + z * LANES, row + z * LANES + n_max):
                v = load(weights, w)
                s0 = fma(spread(a[c]), v, s0)
                s1 = fma(spread(a[c + width]), v, s1)
                s2 = fma(spread(a[c + 2 * width]), v, s2)
                w += width
        store(adjoint, row + column, s0)
        store(adjoint, row + width + column, s1)
        store(adjoint, row + 2 * width + column, s2)


@njit(**OPTIONS)
def rows_of_four(a, row, weights, block, seen, n_species, n_max, adjoint):  # type: ignore[no-untyped-def]
    """Do what `rows_of_one` does for four lm; each weight is read once."""
    width = n_species * LANES
    for other in seen:
        column = other * LANES
        s0, s1, s2, s3 = spread(0.0), spread(0.0), spread(0.0), spread(0.0)
        for z in seen:
            w = block + z * n_max * width + column
            for c in range(row + z * LANES, row + z * LANES + n_max):
                v = load(weights, w)
                s0 = fma(spread(a[c]), v, s0)
                s1 = fma(spread(a[c + width]), v, s1)
                s2 = fma(spread(a[c + 2 * width]), v, s2)
                s3 = fma(spread(a[c + 3 * width]), v, s3)
                w += width
        store(adjoint, row + column, s0)
        store(adjoint, row + width + column, s1)
        store(adjoint, row + 2 * width + column, s2)
        store(adjoint, row + 3 * width + column, s3)


@njit(**OPTIONS)
def contract_three_body(a, weights, start, seen, n_species, n_max, l_max, adjoint):  # type: ignore[no-untyped-def]
    """Write dE/dA of the quadratic form 1/2 sum_lm A_lm W_q A_lm of (10), and return its value.

    `weights` [start + ((q S + z) n_max + n) S LANES + z' LANES + n'] is symmetric. For species that
    are not `seen` the density is zero, and the adjoint is not written.
    """
    width = n_species * LANES
    for q in range(l_max + 1):
        block = start + q * n_species * n_max * width
        lm, end = q * q, (q + 1) * (q + 1)
        while lm < end:
            if end - lm >= 4:
                rows_of_four(a, lm * width, weights, block, seen, n_species, n_max, adjoint)
                lm += 4
            elif end - lm == 3:
                rows_of_three(a, lm * width, weights, block, seen, n_species, n_max, adjoint)
                lm += 3
            else:
                rows_of_one(a, lm * width, weights, block, seen, n_species, n_max, adjoint)
                lm += 1
    energy = spread(0.0)
    for row in range(0, a.shape[0], width):
        for z in seen:
            k = row + z * LANES
            energy = fma(load(a, k), load(adjoint, k), energy)
    return 0.5 * total(energy)


@njit(**OPTIONS)
def pull_back(i, count, second, vectors, n_species, l_max, space, adjoint, forces, virial):  # type: ignore[no-untyped-def]
    """Add forces and virial of the neighbours looked at, through the density: dE/dA in (16)."""
    near, kind, unit, value, slope = space[0], space[1], space[4], space[5], space[6]
    y, dy = space[8], space[9]
    far = unit.shape[0] // 3
    stride, n_lm = vector_count(count), (l_max + 1) ** 2
    for k in range(count):
        g_x, g_y, g_z, along = spread(0.0), spread(0.0), spread(0.0), spread(0.0)
        for q in range(l_max + 1):
            s, t_x, t_y, t_z = spread(0.0), spread(0.0), spread(0.0), spread(0.0)
            for lm in range(q * q, (q + 1) * (q + 1)):
                w, at = load(adjoint, (lm * n_species + kind[k]) * LANES), lm * stride + k
                s = fma(w, spread(y[at]), s)
                t_x = fma(w, spread(dy[at]), t_x)
                t_y = fma(w, spread(dy[n_lm * stride + at]), t_y)
                t_z = fma(w, spread(dy[2 * n_lm * stride + at]), t_z)
            row = (k * (l_max + 1) + q) * LANES
            radial = load(value, row)
            along = fma(load(slope, row), s, along)
            g_x, g_y, g_z = fma(radial, t_x, g_x), fma(radial, t_y, g_y), fma(radial, t_z, g_z)
        g_x = fma(along, spread(unit[k]), g_x)
        g_y = fma(along, spread(unit[far + k]), g_y)
        g_z = fma(along, spread(unit[2 * far + k]), g_z)
        p = near[k]
        add_force(
            i, second[p], vectors[p, 0], vectors[p, 1], vectors[p, 2],
            total(g_x), total(g_y), total(g_z), forces, virial,
        )  # fmt: skip


@njit(**OPTIONS)
def deviation_of_energy(  # type: ignore[no-untyped-def]
    i, lane, first, second, vectors, species, cutoffs, table, n_species, n_max, l_max,
    a, seen, functions, draws, row, place,
):  # fmt: skip
    """Return the spread of the energy of atom i over the draws; `row` and `place` are scratch.

    `functions` [k LANES + lane] are the products; pair and three-body functions, which forces do
    not need, are formed here.
    """
    n_products = functions.shape[0] // LANES
    end = write_pair_functions(i, first, second, vectors, species, cutoffs, table, row)
    for k in range(end):
        place[k] = k
    end, after = write_three_body_functions(a, seen, n_species, n_max, l_max, end, row, place)
    for k in range(n_products):
        row[end + k], place[end + k] = functions[k * LANES + lane], after + k
    start = species[i] * (draws.shape[0] // n_species)
    return spread_of_energy(row, place, end + n_products, draws, start)


@njit(parallel=True, **OPTIONS)
def energies_and_forces(  # type: ignore[no-untyped-def]
    first, second, vectors, species, order, pair_cutoffs, pair_table, curves, cutoffs, table,
    n_max, l_max, mixing, mix_n, n_mixed, product_first, slot, term_first,
    left, right, third, coef, share, weights, product_weights, draws,
):  # fmt: skip
    """Return energies (n,), deviations (n,), forces (PARTS, n, 3), virial (PARTS, 6) to be summed.

    `order` lists the atoms by species; `curves` (S, S, n_grid + 1, 3) by centre and neighbour
    species; `weights` as `contract_three_body` reads them; `product_weights` (S, n_products);
    `draws` as `spread_of_energy` reads them for each species, or empty: no deviations.
    """
    n_atoms, n_species = first.shape[0] - 1, cutoffs.shape[0]
    n_products = product_first.shape[0] - 1
    stride, size = longest_row(first), (l_max + 1) ** 2 * n_species * LANES
    energy, deviation = np.zeros(n_atoms), np.zeros(n_atoms)
    forces, virial = np.zeros((PARTS, n_atoms, 3)), np.zeros((PARTS, 6))
    block = LANES if n_products > 0 else 1
    for part in prange(PARTS):
        spaces = workspaces(stride, l_max)
        a, adjoint = np.empty((LANES, size)), np.empty((LANES, size))
        mixed, pull = blank_mixed(n_mixed), np.empty(n_mixed * LANES)
        jacobian = np.empty((term_first.shape[0] - 1) * LANES)
        functions, four = np.empty(n_products * LANES), np.zeros(n_products * LANES)
        row, place = blank_row(draws, n_species)
        kinds, n_kinds = np.empty((LANES, n_species), np.int64), np.zeros(LANES, np.int64)
        e, counts = np.zeros(LANES), np.zeros(LANES, np.int64)
        f, v = forces[part], virial[part]
        mine = atoms_of(part, order)
        for begin in range(0, mine.shape[0], block):
            atoms = mine[begin : begin + block]
            for lane, i in enumerate(atoms):
                zi = species[i]
                e[lane] = add_pairs(i, first, second, vectors, species, pair_cutoffs, curves, f, v)
                counts[lane] = look_around(
                    i, first, second, vectors, species, cutoffs, table, l_max, spaces[lane]
                )
                write_density(counts[lane], n_species, l_max, spaces[lane], a[lane])
                seen = species_seen(counts[lane], spaces[lane][1], kinds[lane])
                n_kinds[lane] = seen.shape[0]
                start = zi * (weights.shape[0] // n_species)
                e[lane] += contract_three_body(
                    a[lane], weights, start, seen, n_species, n_max, l_max, adjoint[lane]
                )
                if n_products > 0:
                    mix_density(a[lane], lane, mixing, mix_n, mixed)
                    write_weights(product_weights, zi, lane, four)
            if n_products > 0:
                product_jacobian(mixed, term_first, left, right, third, coef, jacobian)
                product_functions(mixed, jacobian, product_first, slot, share, functions)
                product_energies(four, functions, e)
                pull_products(jacobian, four, product_first, slot, pull)
            for lane, i in enumerate(atoms):
                seen = kinds[lane, : n_kinds[lane]]
                if n_products > 0:
                    unmix(pull, lane, mixing, mix_n, seen, adjoint[lane])
                pull_back(
                    i, counts[lane], second, vectors, n_species, l_max, spaces[lane],
                    adjoint[lane], f, v,
                )  # fmt: skip
                energy[i] = e[lane]
                if draws.shape[0] > 0:
                    deviation[i] = deviation_of_energy(
                        i, lane, first, second, vectors, species, pair_cutoffs, pair_table,
                        n_species, n_max, l_max, a[lane], seen, functions, draws, row, place,
                    )  # fmt: skip
    return energy, deviation, forces, virial
