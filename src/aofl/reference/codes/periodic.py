"""Structures with open boundaries, for codes that repeat every cell in three directions.

Such a code gives no error for a slab with `pbc` T T F: its label is that of the crystal.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms

from aofl.errors import StructureError

_SMALLEST_VOLUME = 1e-6  # Å^3


def check_periodic(atoms: Atoms, program: str) -> None:
    """Refuse a structure without a cell that repeats along all three axes.

    Parameters
    ----------
    program
        What the message calls the code.

    Raises
    ------
    StructureError
        Saying what to do with a molecule or a slab.
    """
    if atoms.pbc.all() and atoms.cell.rank < 3:
        raise StructureError(f"{program} needs a cell of three vectors: give the structure one")
    if not atoms.pbc.all() or abs(np.linalg.det(atoms.cell.array)) < _SMALLEST_VOLUME:
        raise StructureError(
            f"{program} gets structures with pbc along all three axes, this one has {atoms.pbc} "
            f"and cell lengths {np.round(atoms.cell.lengths(), 2)} Å: put a molecule or slab into "
            "a cell with vacuum and set pbc to True"
        )


def check_periodic_or_open(atoms: Atoms, program: str) -> None:
    """Refuse a structure that is periodic along some axes and not along others.

    Raises
    ------
    StructureError
        Saying what to do.
    """
    if atoms.pbc.any():
        check_periodic(atoms, program)
