"""Radial functions: Chebyshev polynomials of a stretched distance times a cosine cutoff.

Equations (2) to (5) of `aofl.ace.reference`. Everything radial is a combination of

    (3)  g_k(r) = T_k(x(r)) (1 + cos(pi r / r_c)) / 2,
    (2)  x(r) = 1 - 2 (exp(-lam r / r_c) - exp(-lam)) / (1 - exp(-lam)),

which is the span of the `ChebExpCos` functions of the `.yace` format. The pair part uses the g_k
themselves. The three-body part uses what a Gaussian-smeared neighbour density projects to,

    (4)  S_nl(r) = integral r'^2 sin(n pi r' / r_c) / r' exp(-(r - r')^2 / (2 s^2))
                   i_l(r r' / s^2) dr'

(s: smearing; i_l: exponentially scaled modified spherical Bessel function), fitted by the g_k, (5):
smeared functions with a short cutoff extrapolate far better than bare Chebyshev polynomials.

The kernels read the functions from a table of values, slopes and curvatures by quintic Hermite
interpolation: forces are the exact derivative of the interpolated energy and have no kinks, and a
coarse table, which stays in the processor's cache, is true to 1e-8.

References: A. P. Bartók, R. Kondor, G. Csányi, Phys. Rev. B 87, 184115 (2013),
doi:10.1103/PhysRevB.87.184115, sec. IV (smeared density); R. Drautz, Phys. Rev. B 99, 014104
(2019), doi:10.1103/PhysRevB.99.014104 (stretched Chebyshev functions).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.polynomial import chebyshev
from scipy.special import ive

from aofl.records import FloatArray

N_GRID = 320


def chebyshev_functions(r: FloatArray, cutoff: float, n: int, stretch: float) -> FloatArray:
    """Return g_0 ... g_(n-1) at the distances `r` (m,) in Å, shape (m, n); zero beyond `cutoff`."""
    damped, floor = np.exp(-stretch * r / cutoff), np.exp(-stretch)
    x = 1 - 2 * (damped - floor) / (1 - floor)
    smooth = np.where(r < cutoff, 0.5 * (1 + np.cos(np.pi * r / cutoff)), 0.0)
    return np.asarray(chebyshev.chebvander(np.clip(x, -1, 1), n - 1) * smooth[:, None])


@cache
def smeared_coefficients(
    cutoff: float, n_max: int, l_max: int, smearing: float, n_chebyshev: int, stretch: float
) -> FloatArray:
    """Return c_lnk with R_nl(r) = sum_k c_lnk g_k(r), shape (l_max + 1, n_max, n_chebyshev).

    Each R_nl is scaled to unit root mean square over 0 < r < cutoff. The array is shared by all who
    ask for it, and cannot be written to.
    """
    r = np.linspace(1e-6, cutoff, 400)
    g = chebyshev_functions(r, cutoff, n_chebyshev, stretch)
    fade = 0.5 * (1 + np.cos(np.pi * r / cutoff))
    target = _smeared_projection(r, cutoff, n_max, l_max, smearing) * fade
    fitted, *_ = np.linalg.lstsq(g, target.reshape(-1, len(r)).T, rcond=1e-10)
    fitted /= np.sqrt(np.mean((g @ fitted) ** 2, axis=0))
    coefficients = np.ascontiguousarray(fitted.T.reshape(l_max + 1, n_max, n_chebyshev))
    coefficients.setflags(write=False)
    return coefficients


def _smeared_projection(
    r: FloatArray, cutoff: float, n_max: int, l_max: int, smearing: float
) -> FloatArray:
    """Return S_nl(r) by the trapezoidal rule, shape (l_max + 1, n_max, len(r))."""
    grid = np.linspace(1e-6, cutoff + 4 * smearing, 800)
    waves = np.sin(np.arange(1, n_max + 1)[:, None] * np.pi * grid / cutoff) * grid
    argument = np.outer(grid, r) / smearing**2
    gauss = np.exp(-((grid[:, None] - r) ** 2) / (2 * smearing**2))
    bessel = [np.sqrt(np.pi / (2 * argument)) * ive(n + 0.5, argument) for n in range(l_max + 1)]
    return np.stack([waves @ (gauss * b) * (grid[1] - grid[0]) for b in bessel])


def interpolation_table(values: FloatArray) -> FloatArray:
    """Return a Hermite table of functions sampled at `N_GRID` + 1 equally spaced points.

    Parameters
    ----------
    values
        Shape (N_GRID + 1, n_functions).

    Returns
    -------
    table
        Value, slope times the step and curvature times the step squared, shape
        (N_GRID + 1, 3, n_functions).
    """
    from scipy.interpolate import make_interp_spline

    spline = make_interp_spline(np.linspace(0.0, 1.0, N_GRID + 1), values, k=7)
    grid = np.linspace(0.0, 1.0, N_GRID + 1)
    rows = [values, spline(grid, 1) / N_GRID, spline(grid, 2) / N_GRID**2]
    rows[1][-1] = 0.0
    return np.ascontiguousarray(np.stack(rows, axis=1))
