"""Compiled kernels: what one atom sees: radial functions, spherical harmonics and the density.

Equations (5) to (7) of `aofl.ace.reference`; R_nl and its slope come from the Hermite table of
`aofl.ace.radial`, Y_lm from `aofl.ace.angular`. Everything that looks around an atom starts here.
Arrays are one-dimensional, so that a row is an offset and no view is made; with k a neighbour, q an
angular degree, lm a flat angular index, z a species, n a radial index padded to `LANES`, and
`stride` the number of neighbours, padded too,

    value, slope   R and dR/dr     [(k (l_max + 1) + q) LANES + n]
    y              Y_lm            [lm stride + k]
    dy             dY_lm/dr_d      [(d LM + lm) stride + k]
    density        A_lm,zn         [(lm S + z) LANES + n]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from aofl.ace.angular import harmonics, work_size
from aofl.ace.kernels.simd import LANES, fma, load, multiply, padded, spread, store
from aofl.compiled import njit

# Strict arithmetic, no fastmath: with it a kernel just compiled and the same kernel loaded from the
# cache differ in the last bit, and a resumed run would leave the path of an uninterrupted one.
OPTIONS: Any = {"cache": True, "error_model": "numpy"}
# The atoms, sorted by species, are cut into this many parts, each with forces of its own, whatever
# the number of threads: the result does not depend on it.
PARTS = 16
vector_count = njit(**OPTIONS)(padded)
# Compiled functions carry no annotations; the typed face of this folder is `aofl.ace.evaluate`.


@njit(**OPTIONS)
def atoms_of(part, order):  # type: ignore[no-untyped-def]
    """Return the part-th section of `order`.

    Threads get consecutive numbers; reversing the four bits gives each thread sections from all
    over the list, so that none has the costly species alone.
    """
    k = (part & 1) << 3 | (part & 2) << 1 | (part & 4) >> 1 | (part & 8) >> 3
    n = order.shape[0]
    return order[n * k // PARTS : n * (k + 1) // PARTS]


@njit(**OPTIONS)
def longest_row(first):  # type: ignore[no-untyped-def]
    """Return the largest number of neighbours of an atom, padded to whole vectors."""
    n_near = 1
    for i in range(first.shape[0] - 1):
        n_near = max(n_near, first[i + 1] - first[i])
    return vector_count(n_near)


@njit(**OPTIONS)
def workspace(stride, l_max):  # type: ignore[no-untyped-def]
    """Return the arrays that `look_around` fills, for at most `stride` neighbours.

    Pair number and species; distance and inverse distance; direction, three rows of `stride`;
    value, slope; scratch; y, dy.
    """
    n_lm, width = (l_max + 1) ** 2, (l_max + 1) * LANES
    return (
        np.empty(stride, np.int64),
        np.empty(stride, np.int64),
        np.empty(stride),
        np.empty(stride),
        np.empty(3 * stride),
        np.empty(stride * width),
        np.empty(stride * width),
        np.empty(work_size(l_max)),
        np.empty(n_lm * stride),
        np.empty(3 * n_lm * stride),
    )


@njit(**OPTIONS)
def workspaces(stride, l_max):  # type: ignore[no-untyped-def]
    """Return `LANES` workspaces, for kernels that take that many atoms together."""
    return (
        workspace(stride, l_max),
        workspace(stride, l_max),
        workspace(stride, l_max),
        workspace(stride, l_max),
        workspace(stride, l_max),
        workspace(stride, l_max),
        workspace(stride, l_max),
        workspace(stride, l_max),
    )


@njit(**OPTIONS)
def hermite(t, unit):  # type: ignore[no-untyped-def]
    """Return the quintic weights of value, slope, curvature at both ends, and their derivatives.

    Low end, high end, 0 <= t <= 1; the last six are the derivatives of the first six times `unit`.
    """
    t2 = t * t
    t3, u = t2 * t, 1 - t
    d = 30 * t2 * u * u * unit
    rise = t3 * (10 + t * (6 * t - 15))
    return (
        1 - rise,
        t + t3 * (t * (8 - 3 * t) - 6),
        0.5 * t2 * u * u * u,
        rise,
        t3 * (t * (7 - 3 * t) - 4),
        0.5 * t3 * u * u,
        -d,
        (1 + t2 * (t * (32 - 15 * t) - 18)) * unit,
        0.5 * t * u * u * (2 - 5 * t) * unit,
        d,
        t2 * (t * (28 - 15 * t) - 12) * unit,
        0.5 * t2 * u * (3 - 5 * t) * unit,
    )


@njit(**OPTIONS)
def grid_cell(r, cutoff, n_grid):  # type: ignore[no-untyped-def]
    """Return the interval of a table with `n_grid` intervals that holds r, and where in it."""
    scaled = r * n_grid / cutoff
    g = min(int(scaled), n_grid - 1)
    return g, scaled - g


@njit(**OPTIONS)
def weighted(flat, at, width, a, b, c, d, e, f):  # type: ignore[no-untyped-def]
    """Return the sum of six rows of a table, `width` apart from flat[at] on, weighted a to f."""
    s = multiply(load(flat, at), a)
    s = fma(load(flat, at + width), b, s)
    s = fma(load(flat, at + 2 * width), c, s)
    s = fma(load(flat, at + 3 * width), d, s)
    s = fma(load(flat, at + 4 * width), e, s)
    return fma(load(flat, at + 5 * width), f, s)


@njit(**OPTIONS)
def spread_six(h, start):  # type: ignore[no-untyped-def]
    """Return h[start : start + 6] as vectors."""
    return (
        spread(h[start]),
        spread(h[start + 1]),
        spread(h[start + 2]),
        spread(h[start + 3]),
        spread(h[start + 4]),
        spread(h[start + 5]),
    )


@njit(**OPTIONS)
def interpolate(flat, row, width, start, h, value, slope):  # type: ignore[no-untyped-def]
    """Write `width` tabulated functions and their derivatives to value, slope [start : ].

    Row `row` of the table and the next are read; `h` is what `hermite` returned.
    """
    heights, slants = spread_six(h, 0), spread_six(h, 6)
    for f in range(0, width, LANES):
        at = row * 3 * width + f
        store(value, start + f, weighted(flat, at, width, *heights))
        store(slope, start + f, weighted(flat, at, width, *slants))


@njit(**OPTIONS)
def read_row(r, zi, zj, cutoffs, table):  # type: ignore[no-untyped-def]
    """Return the tabulated functions of two species at r and their derivatives, new arrays."""
    n_grid, width = table.shape[2] - 1, table.shape[4]
    g, t = grid_cell(r, cutoffs[zi, zj], n_grid)
    value, slope = np.empty(width), np.empty(width)
    row = (zi * cutoffs.shape[0] + zj) * (n_grid + 1) + g
    h = hermite(t, n_grid / cutoffs[zi, zj])
    interpolate(table.reshape(-1), row, width, 0, h, value, slope)
    return value, slope


@njit(**OPTIONS)
def look_around(i, first, second, vectors, species, cutoffs, table, l_max, space):  # type: ignore[no-untyped-def]
    """Write R_nl, Y_lm and their derivatives of the neighbours of atom i within their cutoffs.

    Returns their number.
    """
    near, kind, distance, inverse, unit, value, slope, work, y, dy = space
    count, zi, far = 0, species[i], unit.shape[0] // 3
    for p in range(first[i], first[i + 1]):
        a, b, c = vectors[p, 0], vectors[p, 1], vectors[p, 2]
        zj = species[second[p]]
        square, reach = a * a + b * b + c * c, cutoffs[zi, zj]
        if square < reach * reach:
            near[count], kind[count] = p, zj
            r = np.sqrt(square)
            distance[count], inverse[count] = r, 1.0 / r
            unit[count], unit[far + count], unit[2 * far + count] = a / r, b / r, c / r
            count += 1
    for k in range(
        count, vector_count(count)
    ):  # finite numbers for the lanes that hold no neighbour
        inverse[k], unit[k], unit[far + k], unit[2 * far + k] = 1.0, 0.0, 0.0, 1.0
    harmonics(unit, inverse, count, vector_count(count), l_max, work, y, dy)
    n_species, n_grid, width = cutoffs.shape[0], table.shape[2] - 1, table.shape[4]
    flat = table.reshape(-1)
    for k in range(count):
        reach = cutoffs[zi, kind[k]]
        g, t = grid_cell(distance[k], reach, n_grid)
        row = (zi * n_species + kind[k]) * (n_grid + 1) + g
        interpolate(flat, row, width, k * width, hermite(t, n_grid / reach), value, slope)
    return count


@njit(**OPTIONS)
def species_seen(count, kind, seen):  # type: ignore[no-untyped-def]
    """Write the species among the neighbours looked at to `seen` (S,), in order, and return them.

    The density of every other species is zero, and nothing asks for its adjoint: contractions of an
    atom of bulk metal need not go through the elements of the electrolyte.
    """
    n_seen = 0
    for z in range(seen.shape[0]):
        for k in range(count):
            if kind[k] == z:
                seen[n_seen] = z
                n_seen += 1
                break
    return seen[:n_seen]


@njit(**OPTIONS)
def write_density(count, n_species, l_max, space, density):  # type: ignore[no-untyped-def]
    """Write the density of the neighbours looked at: equation (7)."""
    kind, value, y, stride = space[1], space[5], space[8], vector_count(count)
    density[:] = 0.0
    for k in range(count):
        for q in range(l_max + 1):
            radial = load(value, (k * (l_max + 1) + q) * LANES)
            for lm in range(q * q, (q + 1) * (q + 1)):
                at = (lm * n_species + kind[k]) * LANES
                seen = spread(y[lm * stride + k])
                store(density, at, fma(seen, radial, load(density, at)))
