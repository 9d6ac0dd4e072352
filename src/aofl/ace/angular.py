"""Real spherical harmonics and their gradients.

They are evaluated as homogeneous polynomials of a unit vector u = (x, y, z), by the recursions of
the modified associated Legendre functions Q_l^m and of the azimuthal factors c_m, s_m, so that
no angle is formed and no pole is singular. Because the polynomials are homogeneous of degree l,

    dY_lm / dr = (grad_u Y_lm - l Y_lm u) / |r| .

Normalisation: sum_m Y_lm^2 = 2 l + 1, hence Y_00 = 1. Flat index lm = l (l + 1) + m.

References: F. Bigi, G. Fraux, N. J. Browning, M. Ceriotti, J. Chem. Phys. 159, 064802 (2023),
doi:10.1063/5.0156307, eqs 6 to 12.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

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
def harmonics(unit, inv_r, count, l_max, work, value, grad):  # type: ignore[no-untyped-def]
    """Write Y_lm of `count` directions to `value` (LM, K) and dY_lm/dr to `grad` (3, LM, K).

    Every inner loop runs over the directions, which the compiler turns into vector instructions.

    Parameters
    ----------
    unit, inv_r
        Directions (3, K) and inverse distances (K,), 1/Å.
    work
        Scratch, shape (`work_size(l_max)`, K): Q_lm, then c_m, then s_m.
    """
    x, y, z = unit[0], unit[1], unit[2]
    width = l_max + 2
    c0, s0 = width * width, width * width + width
    _azimuth(x, y, count, l_max, work[c0:s0], work[s0 : s0 + width])
    _legendre(z, count, l_max, work)
    for n in range(l_max + 1):
        for m in range(n + 1):
            q = work[n * width + m]
            for sign in range(1 if m == 0 else 2):
                lm = n * (n + 1) + (m if sign == 0 else -m)
                f = PREFACTORS[lm]
                azimuth = work[c0 + m] if sign == 0 else work[s0 + m]
                y_lm, g_x, g_y, g_z = value[lm], grad[0, lm], grad[1, lm], grad[2, lm]
                if n == 0:
                    for k in range(count):
                        y_lm[k], g_x[k], g_y[k], g_z[k] = f, 0.0, 0.0, 0.0
                    continue
                plane, along = work[(n - 1) * width + m + 1], work[(n - 1) * width + m]
                for k in range(count):
                    v = f * q[k] * azimuth[k]
                    p = f * plane[k] * azimuth[k]
                    y_lm[k] = v
                    g_x[k] = (x[k] * p - n * v * x[k]) * inv_r[k]
                    g_y[k] = (y[k] * p - n * v * y[k]) * inv_r[k]
                    g_z[k] = (f * (n + m) * along[k] * azimuth[k] - n * v * z[k]) * inv_r[k]
                if m > 0:
                    d_x = work[c0 + m - 1] if sign == 0 else work[s0 + m - 1]
                    d_y = work[s0 + m - 1] if sign == 0 else work[c0 + m - 1]
                    f_x, f_y = f * m, -f * m if sign == 0 else f * m
                    for k in range(count):
                        g_x[k] += f_x * q[k] * d_x[k] * inv_r[k]
                        g_y[k] += f_y * q[k] * d_y[k] * inv_r[k]


@njit(cache=True, error_model="numpy")
def _azimuth(x, y, count, l_max, c, s):  # type: ignore[no-untyped-def]
    """Write c_m and s_m, the real and imaginary part of (x + i y)^m."""
    for k in range(count):
        c[0, k], s[0, k] = 1.0, 0.0
    for m in range(l_max):
        for k in range(count):
            c[m + 1, k] = x[k] * c[m, k] - y[k] * s[m, k]
            s[m + 1, k] = x[k] * s[m, k] + y[k] * c[m, k]


@njit(cache=True, error_model="numpy")
def _legendre(z, count, l_max, q):  # type: ignore[no-untyped-def]
    """Write Q_l^m(z) to q[l * (l_max + 2) + m]; zero for m > l."""
    width = l_max + 2
    diagonal = 1.0
    for m in range(l_max + 1):
        for k in range(count):
            q[m * width + m, k] = diagonal
            for above in range(m + 1, min(m + 3, width)):
                q[m * width + above, k] = 0.0
        if m < l_max:
            rise = (2 * m + 1) * diagonal
            for k in range(count):
                q[(m + 1) * width + m, k] = rise * z[k]
        for n in range(m + 2, l_max + 1):
            a, b = (2 * n - 1) / (n - m), (n + m - 1) / (n - m)
            for k in range(count):
                q[n * width + m, k] = (
                    a * z[k] * q[(n - 1) * width + m, k] - b * q[(n - 2) * width + m, k]
                )
        diagonal *= -(2 * m + 1)


@njit(cache=True, error_model="numpy")
def work_size(l_max):  # type: ignore[no-untyped-def]
    """Return the rows of scratch that `harmonics` needs."""
    return (l_max + 2) * (l_max + 4)


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
    inv_r = 1.0 / np.linalg.norm(vectors, axis=1)
    unit = np.ascontiguousarray((vectors * inv_r[:, None]).T)
    values, gradients = np.empty((size, n)), np.empty((3, size, n))
    harmonics(unit, inv_r, n, l_max, np.empty((work_size(l_max), n)), values, gradients)
    return np.ascontiguousarray(values.T), np.ascontiguousarray(gradients.transpose(2, 0, 1))
