"""How close atoms are, in sums of covalent radii: which elements touch which."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from ase.data import chemical_symbols, covalent_radii

from aofl.ace.neighbors import find_neighbors
from aofl.chemistry.graph import Bonds
from aofl.chemistry.limits import IS_METAL
from aofl.records import FloatArray, IntArray
from aofl.structure import AnyStructure, Structure

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
    return frozenset(pair_kinds(numbers[pairs.first[touching]], numbers[pairs.second[touching]])[0])


def new_contacts(atoms: AnyStructure, close: Bonds, known: Collection[str]) -> frozenset[str]:
    """Return which elements touch which, written "H-O", beyond what is known.

    Contacts among non-metals are read off their close pairs. Of metals only the atoms of element
    pairs that are not known yet are searched: once most pairs have met, there are none.

    Parameters
    ----------
    close
        What `aofl.chemistry.graph.close_non_metals` returns: their breaking limits are wider than
        a contact.
    """
    numbers = close.numbers
    i, j = close.pairs.T
    touching = close.distances < TOUCHING * (
        covalent_radii[numbers[i]] + covalent_radii[numbers[j]]
    )
    found = frozenset(pair_kinds(numbers[i[touching]], numbers[j[touching]])[0])
    unmet = {
        z for name, pair in _pairs_with_metal(numbers).items() if name not in known for z in pair
    }
    chosen = np.isin(numbers, list(unmet))
    if chosen.any():
        structure = Structure.of(atoms)
        near = close_pairs(
            numbers[chosen], structure.positions[chosen], structure.cell, structure.pbc, TOUCHING
        )
        found |= element_contacts(numbers[chosen], near)
    return found.difference(known)


def _pairs_with_metal(numbers: IntArray) -> dict[str, tuple[int, int]]:
    """Return the pairs of elements, one of them a metal, by their names."""
    elements = np.unique(numbers).tolist()
    pairs = [(a, b) for k, a in enumerate(elements) for b in elements[k:]]
    return {pair_name(a, b): (a, b) for a, b in pairs if IS_METAL[a] or IS_METAL[b]}


def pair_kinds(first: IntArray, second: IntArray) -> tuple[list[str], IntArray]:
    """Return the names of the kinds of pairs, and which of them each pair is, (n_pairs,).

    Parameters
    ----------
    first, second
        Atomic numbers, (n_pairs,).
    """
    n = len(chemical_symbols)
    codes, kind_of = np.unique(
        n * np.minimum(first, second) + np.maximum(first, second), return_inverse=True
    )
    return [pair_name(*divmod(code, n)) for code in codes.tolist()], kind_of


def pair_name(a: int, b: int) -> str:
    """Return the name of two elements in alphabetical order, such as "H-O"."""
    return "-".join(sorted((chemical_symbols[a], chemical_symbols[b])))
