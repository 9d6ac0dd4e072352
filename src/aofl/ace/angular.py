"""Angular functions: real spherical harmonics Y_lm and their gradients.

Equation (6) of `aofl.ace.reference`. They are evaluated as homogeneous polynomials of a unit vector
u = (x, y, z), by the recursions of the modified associated Legendre functions Q_l^m and of the
azimuthal factors c_m, s_m, so that no angle is formed and no pole is singular. Because the
polynomials are homogeneous of degree l,

    dY_lm / dr = (grad_u Y_lm - l Y_lm u) / |r| .

Normalisation: sum_m Y_lm^2 = 2 l + 1, hence Y_00 = 1. Flat index lm = l (l + 1) + m.

References: F. Bigi, G. Fraux, N. J. Browning, M. Ceriotti, J. Chem. Phys. 159, 064802 (2023),
doi:10.1063/5.0156307, eqs 6 to 12.
"""

from __future__ import annotations

import math

import numpy as np

from aofl.ace.kernels.simd import LANES, fma, load, multiply, padded, spread, store, subtract
from aofl.compiled import njit
from aofl.records import FloatArray

L_LIMIT = 8


def _prefactors(l_max: int) -> FloatArray:
    """Return F_lm of Y_lm = F_lm Q_l^|m| (c_m or s_m), shape ((l_max + 1)^2,)."""
    factors = np.empty((l_max + 1) ** 2)
    for degree in range(l_max + 1):
        for m in range(-degree, degree + 1):
            ratio = math.factorial(degree - abs(m)) / math.factorial(degree + abs(m))
            norm = math.sqrt((2 * degree + 1) * ratio * (1.0 if m == 0 else 2.0))
            factors[degree * (degree + 1) + m] = (-1) ** abs(m) * norm
    return factors


PREFACTORS = _prefactors(L_LIMIT)


@njit(cache=True, error_model="numpy")
def harmonics(unit, inverse, count, stride, l_max, work, value, grad):  # type: ignore[no-untyped-def]
    """Write Y_lm of `count` directions to `value` and dY_lm/dr to `grad`, eight at a time.

    Parameters
    ----------
    unit, inverse
        Directions, one row for each of x, y, z, and inverse distances, 1/Å. The rows are whole
        vectors, and the lanes beyond `count` hold finite numbers.
    work
        Scratch, `work_size(l_max)`.
    value, grad
        [lm stride + k] and [(d LM + lm) stride + k]; `stride` is a multiple of `LANES`.
    """
    width, n_lm, far = l_max + 2, (l_max + 1) * (l_max + 1), unit.shape[0] // 3
    cosine = width * width * LANES
    sine = cosine + width * LANES
    for k in range(0, count, LANES):
        x, y, z = load(unit, k), load(unit, far + k), load(unit, 2 * far + k)
        inv = load(inverse, k)
        _azimuth(x, y, l_max, work, cosine, sine)
        _legendre(z, l_max, work)
        for n in range(l_max + 1):
            for m in range(n + 1):
                q = load(work, (n * width + m) * LANES)
                below = max(n - 1, 0) * width + m
                plane = load(work, (below + 1) * LANES)
                along = multiply(spread(1.0 * (n + m)), load(work, below * LANES))
                back = multiply(spread(-1.0 * n), q)
                for sign in range(1 if m == 0 else 2):
                    lm = n * (n + 1) + (m if sign == 0 else -m)
                    own, other = (cosine, sine) if sign == 0 else (sine, cosine)
                    f = spread(PREFACTORS[lm])
                    azimuth = multiply(f, load(work, own + m * LANES))
                    store(value, lm * stride + k, multiply(q, azimuth))
                    if n == 0:
                        for d in range(3):
                            store(grad, d * n_lm * stride + k, spread(0.0))
                        continue
                    # Along the unit vector u: grad_u Y has plane u_x, plane u_y; -n Y u follows.
                    radial = multiply(back, azimuth)
                    flat = fma(plane, azimuth, radial)
                    g_x, g_y = multiply(flat, x), multiply(flat, y)
                    g_z = fma(along, azimuth, multiply(radial, z))
                    if m > 0:
                        turn = multiply(multiply(spread(1.0 * m), q), f)
                        swing = turn if sign == 1 else multiply(spread(-1.0), turn)
                        g_x = fma(turn, load(work, own + (m - 1) * LANES), g_x)
                        g_y = fma(swing, load(work, other + (m - 1) * LANES), g_y)
                    store(grad, lm * stride + k, multiply(g_x, inv))
                    store(grad, (n_lm + lm) * stride + k, multiply(g_y, inv))
                    store(grad, (2 * n_lm + lm) * stride + k, multiply(g_z, inv))


@njit(cache=True, error_model="numpy")
def _azimuth(x, y, l_max, work, cosine, sine):  # type: ignore[no-untyped-def]
    """Write c_m and s_m, the real and imaginary part of (x + i y)^m."""
    c, s = spread(1.0), spread(0.0)
    for m in range(l_max + 1):
        store(work, cosine + m * LANES, c)
        store(work, sine + m * LANES, s)
        c, s = subtract(multiply(x, c), multiply(y, s)), fma(x, s, multiply(y, c))


@njit(cache=True, error_model="numpy")
def _legendre(z, l_max, work):  # type: ignore[no-untyped-def]
    """Write Q_l^m(z) to work[(l (l_max + 2) + m) LANES]; zero for l < m <= l + 2."""
    width = l_max + 2
    diagonal = 1.0
    for m in range(l_max + 1):
        store(work, (m * width + m) * LANES, spread(diagonal))
        for above in range(m + 1, min(m + 3, width)):
            store(work, (m * width + above) * LANES, spread(0.0))
        before, now = spread(diagonal), multiply(spread((2 * m + 1) * diagonal), z)
        for n in range(m + 1, l_max + 1):
            store(work, (n * width + m) * LANES, now)
            a, b = (2 * n + 1) / (n + 1 - m), (n + m) / (n + 1 - m)
            ahead = multiply(multiply(spread(a), z), now)
            before, now = now, fma(spread(-b), before, ahead)
        diagonal *= -(2 * m + 1)


@njit(cache=True, error_model="numpy")
def work_size(l_max):  # type: ignore[no-untyped-def]
    """Return the size of the scratch that `harmonics` needs."""
    return (l_max + 2) * (l_max + 4) * LANES


def spherical_harmonics(vectors: FloatArray, l_max: int) -> tuple[FloatArray, FloatArray]:
    """Return Y_lm of the directions of `vectors` and the gradients dY_lm/dr.

    Parameters
    ----------
    vectors
        Any non-zero length, Å, shape (n, 3).
    l_max
        Largest degree, at most `L_LIMIT`.

    Returns
    -------
    values
        Shape (n, (l_max + 1)^2).
    gradients
        1/Å, shape (n, 3, (l_max + 1)^2).
    """
    size, n = (l_max + 1) ** 2, len(vectors)
    stride = padded(n)
    inverse, unit = np.ones(stride), np.zeros((3, stride))
    inverse[:n] = 1.0 / np.linalg.norm(vectors, axis=1)
    unit[:, :n] = (vectors * inverse[:n, None]).T
    values, gradients = np.empty((size, stride)), np.empty((3, size, stride))
    harmonics(
        unit.ravel(), inverse, n, stride, l_max,
        np.empty(work_size(l_max)), values.ravel(), gradients.ravel(),
    )  # fmt: skip
    return (
        np.ascontiguousarray(values[:, :n].T),
        np.ascontiguousarray(gradients[:, :, :n].transpose(2, 0, 1)),
    )
