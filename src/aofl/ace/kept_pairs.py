"""A neighbour list that is kept over steps: the pairs within their cutoffs and a skin.

While no atom has moved by half the skin since the list was made, whoever is within the cutoff of
another is in it (L. Verlet, Phys. Rev. 159, 98 (1967)). The pairs have an order of their own, by
centre, neighbour and image, and their vectors are computed anew at every step, so a sum over
them does not know when the list was made: a resumed run gives the bits of one that was not stopped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import prange

from aofl.ace.neighbors import Neighbors
from aofl.ace.pairs import find_pairs
from aofl.compiled import njit
from aofl.errors import StructureError
from aofl.records import FloatArray, IntArray

SKIN = 1.0  # Å: of 66 atoms at 700 K, some 40 steps of 0.5 fs


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPairs:
    """All pairs within their cutoffs and the skin, for positions near those it was made for.

    Attributes
    ----------
    positions, cell, pbc, species
        Of the structure that it was made for; `species` are indices into the cutoffs.
    order
        The atoms sorted by species, shape (n,).
    first
        Pairs of centre i are `first[i]:first[i + 1]`, shape (n + 1,).
    second
        Index of the neighbour, shape (n_pairs,).
    image
        Which of `offsets` leads to the neighbour's image, shape (n_pairs,).
    offsets
        Å, shape (n_images, 3).
    """

    positions: FloatArray
    cell: FloatArray
    pbc: npt.NDArray[np.bool_]
    species: IntArray
    order: IntArray
    first: IntArray
    second: IntArray
    image: IntArray
    offsets: FloatArray

    def holds(
        self,
        positions: FloatArray,
        cell: FloatArray,
        pbc: npt.NDArray[np.bool_],
        species: IntArray,
    ) -> bool:
        """Return whether the list still has every neighbour; of NaN it never has."""
        is_same = (
            np.array_equal(species, self.species)
            and np.array_equal(cell, self.cell)
            and np.array_equal(pbc, self.pbc)
        )
        if not is_same:
            return False
        moved = positions - self.positions
        return bool(np.einsum("ij,ij->i", moved, moved).max(initial=0.0) <= (SKIN / 2) ** 2)

    def at(self, positions: FloatArray) -> Neighbors:
        """Return the pairs with the vectors that positions (n, 3), Å, give; some beyond cutoffs.

        Raises
        ------
        StructureError
            If two atoms are in the same place.
        """
        vectors = _vectors(self.first, self.second, self.image, self.offsets, positions)
        if not _are_apart(vectors):
            raise StructureError("two atoms are in the same place; look at the last steps")
        return Neighbors(first=self.first, second=self.second, vectors=vectors)


def keep_pairs(
    positions: FloatArray,
    cell: FloatArray,
    pbc: npt.NDArray[np.bool_],
    species: IntArray,
    cutoffs: FloatArray,
) -> KeptPairs:
    """Return the list for a structure.

    Parameters
    ----------
    cutoffs
        Å, of each two species, shape (n_species, n_species).

    Raises
    ------
    StructureError
        If the list cannot be made, as for a cell without volume.
    """
    reach, n = cutoffs + SKIN, len(positions)
    pairs = find_pairs(positions, cell, pbc, float(reach.max()), is_full=True, with_shifts=True)
    is_near = pairs.distances < reach[species[pairs.i], species[pairs.j]]
    i, j = pairs.i[is_near], pairs.j[is_near]
    image, shifts = _numbered(pairs.shifts[is_near])
    ranked = np.argsort((i * n + j) * max(len(shifts), 1) + image)
    first = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(i, minlength=n), out=first[1:])
    return KeptPairs(
        positions=positions.copy(),
        cell=cell.copy(),
        pbc=pbc.copy(),
        species=species,
        order=np.argsort(species, kind="stable"),
        first=first,
        second=j[ranked],
        image=image[ranked],
        offsets=shifts @ cell,
    )


def _numbered(shifts: IntArray) -> tuple[IntArray, IntArray]:
    """Return the number of each row (m, 3) among the different ones, and these in order."""
    low = shifts.min(axis=0, initial=0)
    span = shifts.max(axis=0, initial=0) - low + 1
    codes = np.ravel_multi_index((shifts - low).T, span)
    if np.prod(span) <= len(shifts):  # as a rule: a table of all is quicker than a sort
        is_there = np.zeros(int(np.prod(span)), dtype=bool)
        is_there[codes] = True
        image, there = (np.cumsum(is_there) - 1)[codes], np.flatnonzero(is_there)
    else:  # atoms are many cells apart
        there, image = np.unique(codes, return_inverse=True)
    return image.astype(np.int64), np.stack(np.unravel_index(there, span), axis=1) + low


@njit(cache=True, parallel=True, error_model="numpy")
def _vectors(first, second, image, offsets, positions):  # type: ignore[no-untyped-def]
    """Return the vector of every pair, shape (n_pairs, 3)."""
    out = np.empty((second.shape[0], 3))
    for i in prange(first.shape[0] - 1):
        for p in range(first[i], first[i + 1]):
            for d in range(3):
                out[p, d] = positions[second[p], d] - positions[i, d] + offsets[image[p], d]
    return out


@njit(cache=True, error_model="numpy")
def _are_apart(vectors):  # type: ignore[no-untyped-def]
    """Return whether no vector is zero."""
    for p in range(vectors.shape[0]):
        if vectors[p, 0] == 0.0 and vectors[p, 1] == 0.0 and vectors[p, 2] == 0.0:
            return False
    return True
