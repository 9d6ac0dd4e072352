"""Mixtures of species that stand for all of them in the three-body channels (compressed species).

The weights M of equation (9) of `aofl.ace.reference`. Elements are alike if their sizes and their
pull on electrons are. The mixtures are the leading eigenvectors of the kernel

    k(z, z') = exp(-[(R_z - R_z') / 0.4 Å]^2 / 2 - [(chi_z - chi_z') / 1.0]^2 / 2),

times the root of their eigenvalues, so that all of them together would give k exactly. R is the
covalent radius and chi Gordy's electronegativity 0.31 (n + 1) / R + 0.50, n: valence electrons.

References: M. J. Willatt, F. Musil, M. Ceriotti, Phys. Chem. Chem. Phys. 20, 29661 (2018),
doi:10.1039/C8CP05921G; W. Gordy, Phys. Rev. 69, 604 (1946), doi:10.1103/PhysRev.69.604.
"""

from __future__ import annotations

import numpy as np
from ase.data import covalent_radii

from aofl.records import FloatArray, IntArray

NOBLE = np.array([0, 2, 10, 18, 36, 54, 86])
RADIUS_WIDTH = 0.4
PULL_WIDTH = 1.0


def mixtures(species: IntArray, n_mixtures: int) -> FloatArray:
    """Return the weight of each species in each mixture, shape (n_mixtures, n_species).

    As many mixtures as species: every species is its own.

    Parameters
    ----------
    species
        Atomic numbers, shape (n_species,).
    """
    if n_mixtures == len(species):
        return np.eye(len(species))
    features = np.stack(
        [covalent_radii[species] / RADIUS_WIDTH, electronegativity(species) / PULL_WIDTH]
    )
    difference = features[:, :, None] - features[:, None, :]
    values, vectors = np.linalg.eigh(np.exp(-0.5 * np.sum(difference**2, axis=0)))
    leading = (vectors * np.sqrt(np.maximum(values, 0.0))).T[::-1][:n_mixtures]
    # An eigenvector has no sign of its own: its largest weight is positive, on every machine.
    largest = np.abs(leading).argmax(axis=1)
    return np.asarray(leading * np.sign(leading[np.arange(n_mixtures), largest])[:, None])


def electronegativity(species: IntArray) -> FloatArray:
    """Return Gordy's electronegativity (Pauling's units); d and f metals count two electrons."""
    shell = np.searchsorted(NOBLE, species, side="left") - 1
    outer = species - NOBLE[shell]
    # Beyond two outer electrons the fourth period and later ones fill ten d (24 d and f) first.
    filled = np.select([shell >= 5, shell >= 3], [24, 10], 0)
    valence = np.where(outer <= 2, outer, np.where(outer - filled > 2, outer - filled, 2))
    return np.asarray(0.31 * (valence + 1) / covalent_radii[species] + 0.50)
