"""How close atoms are, in sums of covalent radii: what guards and chemistry both look at."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from ase.data import chemical_symbols, covalent_radii

from aofl.ace.neighbors import find_neighbors
from aofl.records import FloatArray, IntArray

TOUCHING = 1.3  # sums of covalent radii: nearer than this is a contact of two elements


class ClosePairs(NamedTuple):
    """Pairs of atoms, each seen from both sides, with their relative distances, shape (n_pairs,).

    The distance is in sums of covalent radii.
    """

    first: IntArray
    second: IntArray
    relative: FloatArray


def close_pairs(
    numbers: IntArray,
    positions: FloatArray,
    cell: FloatArray,
    pbc: npt.NDArray[np.bool_],
    reach: float,
) -> ClosePairs:
    """Return all pairs nearer than `reach` sums of their covalent radii, any image.

    Parameters
    ----------
    positions, cell
        Å, shapes (n, 3) and (3, 3).
    """
    radii = covalent_radii[numbers]
    near = find_neighbors(positions, cell, pbc, reach * 2 * float(radii.max()))
    first = np.repeat(np.arange(len(radii)), np.diff(near.first))
    distances = np.linalg.norm(near.vectors, axis=1)
    relative = distances / (radii[first] + radii[near.second])
    keep = relative < reach
    return ClosePairs(first[keep], near.second[keep], relative[keep])


def element_contacts(numbers: IntArray, pairs: ClosePairs) -> frozenset[str]:
    """Return which elements touch which, written "H-O", in alphabetical order."""
    touching = pairs.relative < TOUCHING
    codes = np.unique(200 * numbers[pairs.first[touching]] + numbers[pairs.second[touching]])
    names = ((chemical_symbols[c // 200], chemical_symbols[c % 200]) for c in codes)
    return frozenset("-".join(sorted(pair)) for pair in names)


def new_contacts(
    numbers: IntArray,
    positions: FloatArray,
    cell: FloatArray,
    pbc: npt.NDArray[np.bool_],
    known: Collection[str],
) -> frozenset[str]:
    """Return which elements touch which, written "H-O", beyond what is known.

    Only atoms of element pairs that are not known yet are searched: once most pairs have met,
    hardly any atom is left to look at.
    """
    elements = np.unique(numbers).tolist()
    pairs = {
        "-".join(sorted((chemical_symbols[a], chemical_symbols[b]))): (a, b)
        for k, a in enumerate(elements)
        for b in elements[k:]
    }
    unmet = {z for name, pair in pairs.items() if name not in known for z in pair}
    chosen = np.isin(numbers, list(unmet))
    if not chosen.any():
        return frozenset()
    near = close_pairs(numbers[chosen], positions[chosen], cell, pbc, TOUCHING)
    return element_contacts(numbers[chosen], near).difference(known)
