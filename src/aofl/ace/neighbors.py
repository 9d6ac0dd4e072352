"""Neighbour list: the pairs of atoms within a cutoff, as compressed rows, one row per centre.

The list is full (i, j and j, i) and sorted by centre, which lets every kernel own its centre and
write without a race. vesin does the search; mixed periodicity and cells smaller than the cutoff
are included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aofl.ace.pairs import find_pairs
from aofl.records import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbors:
    """All pairs within a cutoff.

    Attributes
    ----------
    first
        Pairs of centre i are `first[i]:first[i + 1]`, shape (n + 1,).
    second
        Index of the neighbour, shape (n_pairs,).
    vectors
        From the centre to the neighbour, Å, shape (n_pairs, 3).
    n_centres
        How many atoms, the first ones, are centres; the others are only seen by them, their rows
        are empty and their own energies zero. None: all.
    """

    first: IntArray
    second: IntArray
    vectors: FloatArray
    n_centres: int | None = None


def find_neighbors(
    positions: FloatArray, cell: FloatArray, pbc: np.typing.NDArray[np.bool_], cutoff: float
) -> Neighbors:
    """Return the full, sorted pair list of a structure.

    Parameters
    ----------
    positions
        Å, shape (n, 3); atoms may lie outside the cell.
    cell
        Rows are the cell vectors, Å, shape (3, 3).
    pbc
        Periodicity along each cell vector, shape (3,).
    cutoff
        Å.
    """
    pairs = find_pairs(positions, cell, pbc, cutoff, is_full=True)
    first = np.zeros(len(positions) + 1, dtype=np.int64)
    np.cumsum(np.bincount(pairs.i, minlength=len(positions)), out=first[1:])
    return Neighbors(first=first, second=pairs.j, vectors=pairs.vectors)
