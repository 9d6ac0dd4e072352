"""The equation of state: equilibrium volume and bulk modulus from energies at several volumes.

Birch-Murnaghan of third order is a cubic polynomial in s = V^(-2/3),

    E(V) = c0 + c1 s + c2 s^2 + c3 s^3,

so the fit is linear. At the minimum, s0, B0 = V0 E''(V0) = (4/9) s0^(5/2) E''(s0).

Birch, Phys. Rev. 71, 809 (1947), DOI 10.1103/PhysRev.71.809.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aofl.records import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Equilibrium:
    """Where the energy is lowest: volume, Å^3, energy, eV, and bulk modulus, eV/Å^3.

    `residual` is how far the energies lie from the curve, rms, eV.
    """

    volume: float
    energy: float
    bulk_modulus: float
    residual: float


def equilibrium(volumes: FloatArray, energies: FloatArray) -> Equilibrium | None:
    """Return the minimum of a Birch-Murnaghan fit, None where there is none among the volumes.

    Parameters
    ----------
    volumes, energies
        Å^3, ascending, and eV, of the same cell or formula unit, shape (n,), n >= 5.
    """
    if int(np.argmin(energies)) in (0, len(energies) - 1):
        return None
    scale = float(np.mean(volumes)) ** (-2.0 / 3.0)  # so that the columns are of order one
    s = np.asarray(volumes) ** (-2.0 / 3.0) / scale
    polynomial = np.polynomial.Polynomial.fit(s, energies, 3).convert()
    slope, curvature = polynomial.deriv(1), polynomial.deriv(2)
    minima = [
        float(root.real)
        for root in np.atleast_1d(slope.roots())
        if abs(root.imag) < 1e-9 and s.min() <= root.real <= s.max() and curvature(root.real) > 0
    ]
    if not minima:
        return None
    s0 = minima[0]
    volume = (s0 * scale) ** -1.5
    return Equilibrium(
        volume=volume,
        energy=float(polynomial(s0)),
        bulk_modulus=float(4.0 / 9.0 * s0**2 * curvature(s0) / volume),
        residual=float(np.sqrt(np.mean((polynomial(s) - energies) ** 2))),
    )
