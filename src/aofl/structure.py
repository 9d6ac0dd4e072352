"""One structure as plain data: which atoms, where, in which cell.

`Structure` is what the force field and the chemistry compute from. ASE's `Atoms` carry much more
(constraints, momenta, a calculator) and change under the hands of the dynamics; a `Structure` is a
value that stays as it was. Functions that take either begin with `Structure.of`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
from ase.data import chemical_symbols

from aofl.records import FloatArray, IntArray, LabelledStructure

if TYPE_CHECKING:
    from ase import Atoms

AnyStructure: TypeAlias = "Atoms | Structure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Elements, positions and cell of a structure.

    Attributes
    ----------
    numbers
        Atomic numbers, shape (n,).
    positions
        Å, shape (n, 3); atoms may lie outside the cell.
    cell
        Rows are the cell vectors, Å, shape (3, 3); zero where there are none.
    pbc
        Periodicity along each cell vector, shape (3,).
    """

    numbers: IntArray
    positions: FloatArray
    cell: FloatArray
    pbc: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, atoms: AnyStructure) -> Structure:
        """Return the structure of ASE's `Atoms`, as a copy; a `Structure` is returned as it is."""
        if isinstance(atoms, Structure):
            return atoms
        return cls(
            numbers=np.array(atoms.numbers, dtype=np.int64),
            positions=np.array(atoms.positions, dtype=np.float64),
            cell=np.array(atoms.cell.array, dtype=np.float64),
            pbc=np.array(atoms.pbc, dtype=np.bool_),
        )

    @classmethod
    def labelled(cls, entry: LabelledStructure) -> Structure:
        """Return the structure that a label belongs to."""
        return cls(numbers=entry.numbers, positions=entry.positions, cell=entry.cell, pbc=entry.pbc)

    @property
    def symbols(self) -> list[str]:
        """Chemical symbol of each atom."""
        return [chemical_symbols[z] for z in self.numbers.tolist()]

    @property
    def volume(self) -> float:
        """Volume of the cell, Å^3; 0 where a cell vector is missing."""
        return float(np.abs(np.linalg.det(self.cell)))

    def __len__(self) -> int:
        return len(self.numbers)
