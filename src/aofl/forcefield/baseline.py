"""Short-range repulsion between nuclei, on from the start and never learned.

The universal potential of Ziegler, Biersack and Littmark (ZBL),

    V(r) = k Z1 Z2 / r * phi(r / a),   a = 0.46850 Å / (Z1^0.23 + Z2^0.23),   k = 14.39964 eV Å,

is faded out between 0.5 and 0.78 times the sum of covalent radii, that is below the shortest
bonds (C-N in acetonitrile: 0.79): it is there to stop collapse, not to describe bonds.

Reference: J. F. Ziegler, J. P. Biersack, U. Littmark, The Stopping and Range of Ions in Matter,
Pergamon, 1985, chapter 2.
"""

from __future__ import annotations

import numpy as np
from ase.data import covalent_radii

from aofl.ace.evaluate import VOIGT
from aofl.ace.neighbors import Neighbors
from aofl.records import FloatArray, IntArray

COULOMB = 14.399645
AMPLITUDES = np.array([0.18175, 0.50986, 0.28022, 0.02817])
EXPONENTS = np.array([3.19980, 0.94229, 0.40290, 0.20162])
INNER, OUTER = 0.5, 0.78


def repulsion(neighbors: Neighbors, numbers: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return atomic energies (n,) in eV, forces (n, 3) in eV/Å and virial (6,) in eV."""
    n = len(numbers)
    radius = covalent_radii[numbers]
    square = np.einsum("pd,pd->p", neighbors.vectors, neighbors.vectors)
    # Most pairs are beyond the reach of the two largest atoms.
    close = np.flatnonzero(square < (2 * OUTER * radius.max(initial=0.0)) ** 2)
    i = np.searchsorted(neighbors.first, close, side="right") - 1
    near = np.sqrt(square[close]) < OUTER * (radius[i] + radius[neighbors.second[close]])
    i, j, vectors = i[near], neighbors.second[close[near]], neighbors.vectors[close[near]]
    r = np.linalg.norm(vectors, axis=1)
    energy, slope = _faded_zbl(r, numbers[i], numbers[j], OUTER * (radius[i] + radius[j]))
    # Each pair is listed twice, so each entry carries half of it.
    gradient = (0.5 * slope / r)[:, None] * vectors
    forces: FloatArray = np.empty((n, 3))
    for d in range(3):
        forces[:, d] = np.bincount(i, gradient[:, d], n) - np.bincount(j, gradient[:, d], n)
    virial = np.array([vectors[:, a] @ gradient[:, b] for a, b in VOIGT])
    return np.bincount(i, 0.5 * energy, n).astype(np.float64), forces, virial


def _faded_zbl(
    r: FloatArray, z1: IntArray, z2: IntArray, reach: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return V and dV/dr of pairs, V times a quintic fade that ends smoothly at `reach`."""
    a = 0.46850 / (z1**0.23 + z2**0.23)
    terms = AMPLITUDES * np.exp(-EXPONENTS * (r / a)[:, None])
    charge = COULOMB * z1 * z2
    v = charge / r * terms.sum(axis=1)
    dv = -v / r - charge / (r * a) * (terms @ EXPONENTS)
    inner = INNER / OUTER * reach
    t = np.clip((r - inner) / (reach - inner), 0.0, 1.0)
    fade = 1 - t**3 * (10 - 15 * t + 6 * t**2)
    dfade = -30 * t**2 * (1 - t) ** 2 / (reach - inner)
    return v * fade, dv * fade + v * dfade
