"""Whether two structures are of one kind, and whether a code computed the one that it was sent."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.geometry import find_mic

from aofl.errors import ReferenceFailed

# The codes print seven digits or more; a wrong structure is wrong by far more than this.
ECHO_TOLERANCE_A = 1e-4


def is_same_kind(before: Atoms | None, atoms: Atoms) -> bool:
    """Whether wave functions of one structure are a start for another.

    They are where the same atoms in the same order are in the same cell.
    """
    return (
        before is not None
        and len(before) == len(atoms)
        and bool((before.numbers == atoms.numbers).all())
        and bool((before.cell.array == atoms.cell.array).all())
        and bool((before.pbc == atoms.pbc).all())
    )


def check_echo(sent: Atoms, read: Atoms) -> None:
    """Refuse an output that belongs to another structure.

    Parameters
    ----------
    sent, read
        What the code was asked, and what it says that it computed, in the same order of atoms.

    Raises
    ------
    ReferenceFailed
        With the first difference: atoms, cell or positions.
    """
    if list(sent.numbers) != list(read.numbers):
        raise ReferenceFailed(
            f"the output is for {read.symbols} and not for {sent.symbols}: it belongs to another "
            "calculation"
        )
    cell = float(np.abs(sent.cell.array - read.cell.array).max())
    if cell > ECHO_TOLERANCE_A:
        raise ReferenceFailed(
            f"the output is for another cell, {cell:.2g} Å off: it belongs to another calculation"
        )
    _, distances = find_mic(read.positions - sent.positions, sent.cell, pbc=True)
    atom = int(distances.argmax())
    if distances[atom] > ECHO_TOLERANCE_A:
        raise ReferenceFailed(
            f"the output is for another structure: atom {atom} ({sent.symbols[atom]}) is "
            f"{distances[atom]:.2g} Å away from where it was sent"
        )
