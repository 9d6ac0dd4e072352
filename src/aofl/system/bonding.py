"""Which atoms of a molecule are bonded: by distance against the sums of covalent radii."""

from __future__ import annotations

from typing import Final

import numpy as np
from ase import Atoms
from ase.data import covalent_radii

from aofl.records import IntArray

_LONGEST_BOND: Final = 1.25  # of the sum of covalent radii


def bonded_pairs(atoms: Atoms) -> IntArray:
    """Return the bonds i < j of one isolated molecule, shape (n_bonds, 2).

    Two atoms are bonded if they are closer than 1.25 times the sum of their covalent radii. Meant
    for molecules near their equilibrium, not for metals nor for reactions.
    """
    distance = np.linalg.norm(atoms.positions[:, None] - atoms.positions[None], axis=-1)
    radii = covalent_radii[atoms.numbers]
    bonded = distance < _LONGEST_BOND * (radii[:, None] + radii[None])
    return np.argwhere(np.triu(bonded, k=1)).astype(np.int64)
