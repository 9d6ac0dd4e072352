"""A structure as LAMMPS holds it: a turned cell, types for elements, units of its own.

LAMMPS wants the first cell vector along x and the second in the plane xy. Where a direction is not
periodic its box holds all atoms and grows with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ase import Atoms, units
from ase.constraints import FixAtoms

from aofl.errors import StructureError
from aofl.export.lammps import boundary, in_a_box, prism
from aofl.records import FloatArray, IntArray

PS = 1000 * units.fs


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """How a structure is told to LAMMPS, and what LAMMPS says is read.

    Attributes
    ----------
    commands
        They make the box.
    turn
        Vectors of ASE times `turn` (3, 3) are those of LAMMPS.
    shift
        Added to ASE's positions first, Å, shape (3,).
    cell, pbc
        ASE's; the cell in Å, rows.
    types
        Of each atom, from 1 on, shape (n,).
    numbers
        Atomic number of each type.
    masses
        Of each type, u.
    fixed
        Types that do not move.
    """

    commands: tuple[str, ...]
    turn: FloatArray
    shift: FloatArray
    cell: FloatArray
    pbc: npt.NDArray[np.bool_]
    types: IntArray
    numbers: IntArray
    masses: FloatArray
    fixed: tuple[int, ...]

    def wrapped(self, positions: FloatArray) -> tuple[FloatArray, IntArray]:
        """Return LAMMPS' positions of ASE's, (n, 3), in the box, and the images they were in."""
        images = np.floor(np.linalg.solve(self.cell.T, (positions + self.shift).T).T)
        images[:, ~self.pbc] = 0.0
        inside = positions + self.shift - images @ self.cell
        return np.asarray(inside @ self.turn), images.astype(np.int64)

    def positions_of(self, wrapped: FloatArray, images: IntArray) -> FloatArray:
        """Return ASE's positions (n, 3) from LAMMPS' and the images that the atoms are in."""
        return np.asarray(wrapped @ self.turn.T - self.shift + images @ self.cell)


def box_of(atoms: Atoms) -> Box:
    """Return how LAMMPS holds a structure.

    Raises
    ------
    StructureError
        If a constraint is none that fixes whole atoms, or the cell is missing.
    """
    is_fixed = np.zeros(len(atoms), dtype=np.bool_)
    for constraint in atoms.constraints:
        if not isinstance(constraint, FixAtoms):
            raise StructureError(
                f"`engine: lammps` cannot keep the constraint {type(constraint).__name__}; fix "
                "whole atoms (FixAtoms), or use `engine: ase`"
            )
        is_fixed[constraint.index] = True
    kinds = np.stack([atoms.numbers, atoms.get_masses(), is_fixed], axis=1)
    different, types = np.unique(kinds, axis=0, return_inverse=True)
    boxed = in_a_box(atoms)
    turned: Any = prism(boxed)
    lengths = turned.get_lammps_prism()
    is_turned = bool(np.any(np.triu(boxed.cell.array, 1))) or np.any(np.diag(boxed.cell.array) < 0)
    return Box(
        commands=(
            f"boundary {boundary(atoms.pbc)}",
            "box tilt large",
            "region box prism 0 {!r} 0 {!r} 0 {!r} {!r} {!r} {!r}".format(*map(float, lengths)),
            f"create_box {len(different)} box",
        ),
        turn=np.asarray(turned.rot_mat) if is_turned else np.eye(3),
        shift=boxed.positions[0] - atoms.positions[0],
        cell=boxed.cell.array.copy(),
        pbc=atoms.pbc.copy(),
        types=types.ravel() + 1,
        numbers=different[:, 0].astype(np.int64),
        masses=different[:, 1],
        fixed=tuple((np.flatnonzero(different[:, 2]) + 1).tolist()),
    )
