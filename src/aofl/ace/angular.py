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
def harmonics(x, y, z, inv_r, l_max, value, grad):  # type: ignore[no-untyped-def]
    """Write Y_lm(u) to `value` (LM,) and dY_lm/dr to `grad` (3, LM), with r = u / inv_r."""
    q = np.zeros((l_max + 2, l_max + 2))
    c = np.zeros(l_max + 2)
    s = np.zeros(l_max + 2)
    c[0] = 1.0
    for m in range(l_max):
        c[m + 1] = x * c[m] - y * s[m]
        s[m + 1] = x * s[m] + y * c[m]
    q[0, 0] = 1.0
    for m in range(1, l_max + 1):
        q[m, m] = -(2 * m - 1) * q[m - 1, m - 1]
    for m in range(l_max):
        q[m + 1, m] = (2 * m + 1) * z * q[m, m]
        for n in range(m + 2, l_max + 1):
            q[n, m] = ((2 * n - 1) * z * q[n - 1, m] - (n + m - 1) * q[n - 2, m]) / (n - m)

    for n in range(l_max + 1):
        for m in range(n + 1):
            plane = z * 0.0
            along = z * 0.0
            if n > 0:
                plane = q[n - 1, m + 1]
                along = (n + m) * q[n - 1, m]
            low_c = m * c[m - 1] if m > 0 else 0.0
            low_s = m * s[m - 1] if m > 0 else 0.0
            for sign in range(1 if m == 0 else 2):
                lm = n * (n + 1) + (m if sign == 0 else -m)
                azimuth = c[m] if sign == 0 else s[m]
                d_x = low_c if sign == 0 else low_s
                d_y = -low_s if sign == 0 else low_c
                f = PREFACTORS[lm]
                v = f * q[n, m] * azimuth
                value[lm] = v
                grad[0, lm] = (f * (x * plane * azimuth + q[n, m] * d_x) - n * v * x) * inv_r
                grad[1, lm] = (f * (y * plane * azimuth + q[n, m] * d_y) - n * v * y) * inv_r
                grad[2, lm] = (f * along * azimuth - n * v * z) * inv_r


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
    size = (l_max + 1) ** 2
    values = np.empty((len(vectors), size))
    gradients = np.empty((len(vectors), 3, size))
    for k, vector in enumerate(vectors):
        inv_r = 1.0 / float(np.linalg.norm(vector))
        x, y, z = vector * inv_r
        harmonics(x, y, z, inv_r, l_max, values[k], gradients[k])
    return values, gradients
