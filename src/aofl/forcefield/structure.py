"""From structures and element names to what the kernels read, checked on the way."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from ase.data import chemical_symbols

from aofl.ace.basis import Basis
from aofl.ace.evaluate import three_body_functions
from aofl.ace.kept_pairs import KeptPairs, keep_pairs
from aofl.ace.neighbors import Neighbors
from aofl.errors import ModelError, StructureError
from aofl.records import FloatArray, IntArray
from aofl.structure import Structure

LARGEST = len(chemical_symbols) - 1


def atomic_numbers(elements: list[str] | list[int]) -> IntArray:
    """Return the atomic numbers of chemical symbols or numbers, in the order given.

    Raises
    ------
    ModelError
        If there are none, or one of them is not an element.
    """
    if len(elements) == 0:
        raise ModelError("a force field needs at least one element; give symbols such as ['Na']")
    return np.array([_atomic_number(element) for element in elements], dtype=np.int64)


def _atomic_number(element: str | int) -> int:
    if isinstance(element, str) and element in chemical_symbols[1:]:
        return chemical_symbols.index(element)
    if isinstance(element, Integral) and 1 <= element <= LARGEST:
        return int(element)
    raise ModelError(
        f"{element!r} is not an element; give chemical symbols such as 'Na', "
        f"or atomic numbers from 1 to {LARGEST}"
    )


def kept_pairs(basis: Basis, structure: Structure, kept: KeptPairs | None = None) -> KeptPairs:
    """Return the neighbour list of a structure: the one that was kept, where it still holds.

    Raises
    ------
    ModelError
        If the structure holds an element that the basis does not know.
    StructureError
        If a position is not a number.
    """
    species = basis.species_index(structure.numbers)
    where = (structure.positions, structure.cell, structure.pbc, species)
    is_known = _is_known(basis, structure, species)
    if is_known and kept is not None and kept.holds(*where):
        return kept
    if not is_known:
        known = [chemical_symbols[z] for z in basis.species]
        unknown = sorted({chemical_symbols[z] for z in structure.numbers} - set(known))
        raise ModelError(
            f"the force field knows {', '.join(known)} but the structure holds "
            f"{', '.join(unknown)}; start a new force field with all elements"
        )
    if not np.all(np.isfinite(structure.positions)):
        raise StructureError("a position is not a finite number; look at the last steps")
    return keep_pairs(*where, np.maximum(basis.pair_cutoffs, basis.cutoffs))


def _is_known(basis: Basis, structure: Structure, species: IntArray) -> bool:
    """Return whether every element has its place in the basis."""
    found = basis.species[np.minimum(species, len(basis.species) - 1)]
    return np.array_equal(found, structure.numbers)


def neighbors_and_species(basis: Basis, structure: Structure) -> tuple[Neighbors, IntArray]:
    """Return the pairs within the cutoff, and some beyond, and the species index of each atom.

    Raises
    ------
    ModelError
        If the structure holds an element that the basis does not know.
    StructureError
        If a position is not a number, or two atoms are in the same place.
    """
    pairs = kept_pairs(basis, structure)
    return pairs.at(structure.positions), pairs.species


def volume(structure: Structure) -> float:
    """Return the cell volume in Å^3, 0 where the stress has no meaning (not periodic)."""
    return structure.volume if structure.pbc.all() else 0.0


def environments(basis: Basis, neighbors: Neighbors, species: IntArray) -> FloatArray:
    """Return the environment of every atom for similarity: unit vectors, shape (n, n_three).

    These are the three-body functions T of `aofl.ace.reference`, equation (10), each damped as the
    prior damps its weight (`basis.damping`) before the vector is scaled to unit length:

        v_f = D_f T_f / |D T|,  D_f = (1 + n + n' + l_weight l)^-decay

    so that the smooth functions, which the prior expects to matter most, decide what is alike. Two
    atoms of one element are compared by the cosine v . v' of their vectors, and are 1 - v . v'
    apart. An atom that sees no other has zeros for a vector: it is 1 apart from all.

    Parameters
    ----------
    neighbors, species
        The pairs within the cutoff of the basis, and the index of each atom's species, (n,).
    """
    functions = three_body_functions(basis, neighbors, species)
    functions *= basis.damping[basis.order == 3]
    length = np.linalg.norm(functions, axis=1, keepdims=True)
    return np.asarray(functions / np.maximum(length, 1e-300))
