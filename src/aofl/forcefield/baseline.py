"""Short-range repulsion between nuclei, on from the start and never learned.

The universal potential of Ziegler, Biersack and Littmark (ZBL),

    V(r) = k Z1 Z2 / r * phi(r / a),   a = 0.46850 Å / (Z1^0.23 + Z2^0.23),   k = 14.39964 eV Å,

is faded out between 0.5 and 0.78 times the sum of covalent radii, that is below the shortest
bonds (C-N in acetonitrile: 0.79): it is there to stop collapse, not to describe bonds.

Reference: J. F. Ziegler, J. P. Biersack, U. Littmark, The Stopping and Range of Ions in Matter,
Pergamon, 1985, chapter 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.data import covalent_radii

from aofl.ace.neighbors import Neighbors
from aofl.compiled import njit
from aofl.records import ClosestPair, FloatArray, IntArray

COULOMB = 14.399645
AMPLITUDES = np.array([0.18175, 0.50986, 0.28022, 0.02817])
EXPONENTS = np.array([3.19980, 0.94229, 0.40290, 0.20162])
INNER, OUTER = 0.5, 0.78


@dataclass(frozen=True, slots=True, kw_only=True)
class Repulsion:
    """Atomic energies (n,) in eV, forces (n, 3) in eV/Å, virial (6,) in eV, the closest pair."""

    energies: FloatArray
    forces: FloatArray
    virial: FloatArray
    closest: ClosestPair | None


def repulsion(neighbors: Neighbors, numbers: IntArray) -> Repulsion:
    """Return the repulsion between the nuclei of a structure."""
    radius, charge = covalent_radii[numbers], numbers.astype(np.float64)
    energies, forces, virial = np.zeros(len(numbers)), np.zeros((len(numbers), 3)), np.zeros(6)
    i, j, relative = _repel(
        neighbors.first, neighbors.second, neighbors.vectors, charge, radius,
        energies, forces, virial,
    )  # fmt: skip
    closest = ClosestPair(i, j, relative) if i >= 0 else None
    return Repulsion(energies=energies, forces=forces, virial=virial, closest=closest)


@njit(cache=True, error_model="numpy")
def _repel(first, second, vectors, charge, radius, energies, forces, virial):  # type: ignore[no-untyped-def]
    """Add energies, forces and virial (Voigt) of all pairs, each of which is listed twice.

    Returns the closest pair and its distance in sums of radii; -1, -1, inf where there is none.
    """
    nearest, other, least = -1, -1, np.inf
    for i in range(first.shape[0] - 1):
        for p in range(first[i], first[i + 1]):
            j, v, contact = second[p], vectors[p], radius[i] + radius[second[p]]
            square = v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
            if square < least * contact * contact:
                nearest, other, least = i, j, square / (contact * contact)
            reach = OUTER * contact
            if square < reach * reach:
                r = np.sqrt(square)
                energy, slope = _faded_zbl(r, charge[i], charge[j], reach)
                energies[i] += 0.5 * energy
                push = 0.5 * slope / r
                for d in range(3):
                    forces[i, d] += push * v[d]
                    forces[j, d] -= push * v[d]
                virial[0] += push * v[0] * v[0]
                virial[1] += push * v[1] * v[1]
                virial[2] += push * v[2] * v[2]
                virial[3] += push * v[1] * v[2]
                virial[4] += push * v[0] * v[2]
                virial[5] += push * v[0] * v[1]
    return nearest, other, np.sqrt(least)


@njit(cache=True, error_model="numpy")
def _faded_zbl(r, z1, z2, reach):  # type: ignore[no-untyped-def]
    """Return V and dV/dr of a pair, V times a quintic fade that ends smoothly at `reach`."""
    a = 0.46850 / (z1**0.23 + z2**0.23)
    phi, dphi = 0.0, 0.0
    for k in range(4):
        term = AMPLITUDES[k] * np.exp(-EXPONENTS[k] * r / a)
        phi += term
        dphi -= EXPONENTS[k] / a * term
    v = COULOMB * z1 * z2 / r * phi
    dv = COULOMB * z1 * z2 / r * dphi - v / r
    inner = INNER / OUTER * reach
    t = max((r - inner) / (reach - inner), 0.0)
    fade = 1 - t**3 * (10 - 15 * t + 6 * t**2)
    dfade = -30 * t**2 * (1 - t) ** 2 / (reach - inner)
    return v * fade, dv * fade + v * dfade
