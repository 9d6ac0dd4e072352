"""Coupling coefficients: the rotation invariants of three angular momenta (Gaunt integrals).

Equation (12) of `aofl.ace.reference`. For l1 + l2 + l3 even the only invariant of three real
spherical harmonics is their Gaunt integral, so it serves as coupling coefficient:

    C[m1, m2, m3] ~ integral Y_l1m1 Y_l2m2 Y_l3m3 dOmega .

The quadrature (Gauss-Legendre in cos theta, equal steps in phi) is exact for these polynomials.
Reference: R. Drautz, Phys. Rev. B 99, 014104 (2019), doi:10.1103/PhysRevB.99.014104.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from aofl.ace.angular import spherical_harmonics
from aofl.records import FloatArray


@cache
def invariant(l1: int, l2: int, l3: int) -> FloatArray:
    """Return C of shape (2 l1 + 1, 2 l2 + 1, 2 l3 + 1) with unit Frobenius norm.

    Raises
    ------
    ValueError
        If the triangle rule fails or l1 + l2 + l3 is odd: there is no such invariant.
    """
    if (l1 + l2 + l3) % 2 or l3 < abs(l1 - l2) or l3 > l1 + l2:
        raise ValueError(f"no parity-even invariant of angular momenta {l1}, {l2}, {l3}")
    weights, directions = _sphere_quadrature(l1 + l2 + l3)
    values, _ = spherical_harmonics(directions, max(l1, l2, l3))
    y1, y2, y3 = (values[:, n * n : (n + 1) ** 2] for n in (l1, l2, l3))
    tensor = np.einsum("w,wa,wb,wc->abc", weights, y1, y2, y3, optimize=True)
    tensor[np.abs(tensor) < 1e-12] = 0.0
    return np.asarray(tensor / np.linalg.norm(tensor))


def _sphere_quadrature(degree: int) -> tuple[FloatArray, FloatArray]:
    """Return weights (w,) and directions (w, 3), exact for polynomials up to `degree`."""
    n = degree + 2
    cos_theta, w_theta = np.polynomial.legendre.leggauss(n)
    phi = 2 * np.pi * np.arange(2 * n) / (2 * n)
    sin_theta = np.sqrt(1 - cos_theta**2)
    directions = np.stack(
        [
            np.outer(sin_theta, np.cos(phi)).ravel(),
            np.outer(sin_theta, np.sin(phi)).ravel(),
            np.repeat(cos_theta, len(phi)),
        ],
        axis=1,
    )
    return np.repeat(w_theta, len(phi)) / (2 * len(phi)), directions
