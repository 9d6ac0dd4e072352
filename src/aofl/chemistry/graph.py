"""The bond graph of one frame: who is bonded to whom, through any periodic boundary.

One list holds covalent bonds, ionic contacts and metallic contacts (`aofl.chemistry.limits`).
Covalent bonds define molecules and molecular anions; ionic contacts attach metal ions to them and
define clusters; metallic contacts tell where a metal atom is. The frame before enters only as the
pairs that were bonded then, so that a pair lasts until it is longer than its breaking limit.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from aofl.ace.pairs import find_pairs
from aofl.chemistry.bonding import settle
from aofl.chemistry.bonds import Bonds
from aofl.chemistry.limits import (
    COVALENT,
    IS_METAL,
    KINDS,
    METALLIC,
    ChemistrySettings,
    LimitTable,
    limit_table,
)
from aofl.errors import StructureError
from aofl.records import IntArray
from aofl.structure import AnyStructure, Structure

__all__ = [
    "Bonds",
    "ChemistrySettings",
    "close_non_metals",
    "clusters",
    "connect",
    "connect_covalent",
    "molecules",
]

DEFAULT = ChemistrySettings()


def connect(
    atoms: AnyStructure, settings: ChemistrySettings = DEFAULT, previous: Bonds | None = None
) -> Bonds:
    """Find all bonds of one frame.

    Parameters
    ----------
    atoms
        One frame; its own cell and boundaries are used, of any shape and mix, smaller than the
        limits too. Atoms may lie outside the cell.
    previous
        The bonds of the frame before. Without them the limit is halfway between forming and
        breaking, the best guess where nothing is known of the past.

    Raises
    ------
    StructureError
        If a position or the cell is not finite, or the frame before had other atoms.
    """
    structure = Structure.of(atoms)
    candidates = _candidates(structure, limit_table(settings), np.arange(len(structure)))
    if previous is not None and not np.array_equal(previous.numbers, candidates.numbers):
        raise StructureError(
            f"the frame before had other atoms ({len(previous.numbers)}, now {len(structure)}); "
            "follow each system from its own first frame"
        )
    bonded = None if previous is None else previous.pairs
    return settle(candidates, limit_table(settings), bonded)


def close_non_metals(atoms: AnyStructure, settings: ChemistrySettings = DEFAULT) -> Bonds:
    """Return all pairs of non-metals below their breaking limit, whether they are bonds or not.

    Raises
    ------
    StructureError
        If a position or the cell is not finite.
    """
    structure = Structure.of(atoms)
    chosen = np.flatnonzero(~IS_METAL[structure.numbers])
    return _candidates(structure, limit_table(settings), chosen)


def connect_covalent(
    atoms: AnyStructure,
    settings: ChemistrySettings = DEFAULT,
    bonded: IntArray | None = None,
    close: Bonds | None = None,
) -> Bonds:
    """Find the covalent bonds alone, as `connect` does, at a fraction of its cost.

    Parameters
    ----------
    bonded
        The covalent pairs of the frame before, shape (n_bonds, 2).
    close
        What `close_non_metals` returns for this frame, where the caller has it.

    Raises
    ------
    StructureError
        If a position or the cell is not finite, or a pair names an atom that is not there.
    """
    if bonded is not None and len(bonded) and bonded.max() >= len(atoms):
        raise StructureError(
            f"atom {bonded.max()} had a bond in the frame before, this one has {len(atoms)} atoms; "
            "follow each system from its own first frame"
        )
    candidates = close_non_metals(atoms, settings) if close is None else close
    return settle(candidates, limit_table(settings), bonded)


def molecules(bonds: Bonds) -> list[IntArray]:
    """Return the atoms of each molecule: components of the covalent graph, metal atoms left out.

    Each array is sorted; molecules come in the order of their first atom.
    """
    parts = _components(bonds.of_kind(COVALENT))
    return [part for part in parts if not IS_METAL[bonds.numbers[part[0]]]]


def clusters(bonds: Bonds, members: npt.NDArray[np.bool_] | None = None) -> list[IntArray]:
    """Return the atoms of each cluster: components of the covalent and ionic graph together.

    Parameters
    ----------
    members
        Which atoms take part, shape (n_atoms,), for instance all but those of the metal; None
        takes all. Clusters of one atom are included.
    """
    keep = bonds.kinds != METALLIC
    if members is not None:
        keep &= members[bonds.pairs].all(axis=1)
    parts = _components(bonds.where(keep))
    return parts if members is None else [part for part in parts if members[part[0]]]


def _components(bonds: Bonds) -> list[IntArray]:
    n = len(bonds.numbers)
    i, j = bonds.pairs.T
    graph = coo_array((np.ones(len(i), dtype=np.int8), (i, j)), shape=(n, n))
    _, labels = connected_components(graph, directed=False)
    order = np.argsort(labels, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if n else []
    return sorted(parts, key=lambda part: int(part[0]))


def _candidates(structure: Structure, table: LimitTable, chosen: IntArray) -> Bonds:
    """All pairs of the chosen atoms below their breaking limit, sorted by (i, j, distance)."""
    numbers = structure.numbers
    if not (np.isfinite(structure.positions).all() and np.isfinite(structure.cell).all()):
        raise StructureError("a position or the cell is not finite; leave this frame out")
    elements = np.unique(numbers[chosen])
    if len(elements) == 0:
        return _no_bonds(numbers)
    cutoff = float(table.break_[np.ix_(elements, elements)].max())
    found = find_pairs(
        structure.positions[chosen],
        structure.cell,
        structure.pbc,
        cutoff,
        is_full=False,
        with_shifts=True,
    )
    i, j = chosen[found.i], chosen[found.j]
    near = found.distances <= table.break_[numbers[i], numbers[j]]
    i, j, distances = i[near], j[near], found.distances[near]
    shifts, vectors = found.shifts[near], found.vectors[near]
    sign = np.where(i > j, -1, 1)[:, None]
    i, j = np.minimum(i, j), np.maximum(i, j)
    order = np.lexsort((distances, j, i))
    return Bonds(
        numbers=numbers,
        pairs=np.column_stack([i, j])[order],
        shifts=(sign * shifts)[order],
        vectors=(sign * vectors)[order],
        distances=distances[order],
        kinds=KINDS[numbers[i], numbers[j]][order],
    )


def _no_bonds(numbers: IntArray) -> Bonds:
    return Bonds(
        numbers=numbers,
        pairs=np.empty((0, 2), dtype=np.int64),
        shifts=np.empty((0, 3), dtype=np.int64),
        vectors=np.empty((0, 3)),
        distances=np.empty(0),
        kinds=np.empty(0, dtype=np.int8),
    )
