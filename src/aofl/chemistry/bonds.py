"""The bonds of one frame as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aofl.chemistry.limits import COVALENT
from aofl.records import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Bonds:
    """The bonds of one frame, each pair once, sorted by (i, j, distance).

    Attributes
    ----------
    numbers
        Atomic numbers, shape (n_atoms,).
    pairs
        Atom indices i <= j, shape (n_bonds, 2). In a cell smaller than the limits a pair may be
        there several times, once for each image, and an atom may be bonded to its own image.
    shifts
        Which image of j it is: j sits at `positions[j] + shift @ cell`, shape (n_bonds, 3).
    vectors
        From i to j, Å, shape (n_bonds, 3).
    distances
        Å, shape (n_bonds,).
    kinds
        COVALENT, IONIC or METALLIC, shape (n_bonds,).
    """

    numbers: IntArray
    pairs: IntArray
    shifts: IntArray
    vectors: FloatArray
    distances: FloatArray
    kinds: npt.NDArray[np.int8]

    def of_kind(self, kind: int) -> Bonds:
        """Return the bonds of one kind alone."""
        return self.where(self.kinds == kind)

    def where(self, keep: npt.NDArray[np.bool_]) -> Bonds:
        """Return the bonds for which `keep`, shape (n_bonds,), is true."""
        return Bonds(
            numbers=self.numbers,
            pairs=self.pairs[keep],
            shifts=self.shifts[keep],
            vectors=self.vectors[keep],
            distances=self.distances[keep],
            kinds=self.kinds[keep],
        )

    @property
    def covalent(self) -> frozenset[tuple[int, int]]:
        """Covalently bonded pairs of different atoms, images not told apart."""
        chosen = self.pairs[self.kinds == COVALENT]
        return frozenset((i, j) for i, j in chosen.tolist() if i != j)

    def coordination(self, kind: int, among: npt.NDArray[np.bool_] | None = None) -> IntArray:
        """Count the neighbours of each atom, images included, shape (n_atoms,).

        Parameters
        ----------
        among
            Which atoms count as neighbours, shape (n_atoms,); None counts all.
        """
        i, j = self.pairs[self.kinds == kind].T
        counts = np.zeros(len(self.numbers), dtype=np.int64)
        for centre, other in ((i, j), (j, i)):
            chosen = centre if among is None else centre[among[other]]
            counts += np.bincount(chosen, minlength=len(counts))
        return counts
