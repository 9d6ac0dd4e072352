"""Lattice constants of metals: experimental, or where a reference has its minimum."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.data import atomic_numbers, reference_states
from scipy.optimize import minimize_scalar

from aofl.errors import StructureError
from aofl.system.engines import EnergyAndForces

CRYSTALS: Final = ("sc", "bcc", "fcc", "hcp", "diamond")
_SURFACE: Final = re.compile(r"(sc|bcc|fcc|hcp|diamond)([0-9]{3,4})")
_IDEAL_RATIO: Final = (8 / 3) ** 0.5

_SHORTEST_EDGE: Final = 9.0  # Å: k-points are not at hand, so the cell is made large
_SEARCHED: Final = 0.15  # of the constant, to both sides
_ACCURACY: Final = 2e-3  # of the constant


@dataclass(frozen=True, slots=True, kw_only=True)
class Lattice:
    """A metal as a crystal.

    Attributes
    ----------
    element
        Chemical symbol.
    crystal
        One of `CRYSTALS`.
    a
        Cubic lattice constant, or a of hcp, Å.
    ratio
        c/a of hcp; 1 for cubic crystals.
    """

    element: str
    crystal: str
    a: float
    ratio: float


def split_surface(surface: str) -> tuple[str, tuple[int, ...]]:
    """Return crystal and Miller indices of a name such as bcc100 or hcp0001.

    Raises
    ------
    StructureError
        If the name is not made like this.
    """
    found = _SURFACE.fullmatch(surface)
    if found is None or (found[1] == "hcp") != (len(found[2]) == 4) or not int(found[2]):
        raise StructureError(
            f"surface {surface!r} is unknown; give a lattice ({', '.join(CRYSTALS)}) and the "
            "digits of a face, such as bcc100, bcc110, bcc111, fcc100, fcc111 or hcp0001"
        )
    return found[1], tuple(int(digit) for digit in found[2])


def lattice_of(element: str, crystal: str, lattice_constant: float | None) -> Lattice:
    """Return a crystal with a given or the experimental lattice constant.

    The experimental constants (room temperature, or where the crystal is stable) and c/a are those
    of `ase.data.reference_states`; c/a is ideal where the element is not hcp there.

    Parameters
    ----------
    element
        Chemical symbol.
    crystal
        One of `CRYSTALS`.
    lattice_constant
        Å; None takes the experimental one.

    Raises
    ------
    StructureError
        For an unknown element, or one with another experimental crystal and no constant given.
    """
    if atomic_numbers.get(element, 0) == 0:
        raise StructureError(f"{element!r} is not a chemical element; give a symbol such as Na")
    known: dict[str, Any] = reference_states[atomic_numbers[element]] or {}
    is_known = known.get("symmetry") == crystal
    if lattice_constant is None and not (is_known and "a" in known):
        raise StructureError(
            f"no experimental lattice constant of {crystal} {element} is known "
            f"({element} is {known.get('symmetry', 'not tabulated')}); give `lattice_constant_A`"
        )
    ratio = 1.0
    if crystal == "hcp":
        ratio = float(known["c/a"]) if is_known and "c/a" in known else _IDEAL_RATIO
    a = float(known["a"]) if lattice_constant is None else lattice_constant
    return Lattice(element=element, crystal=crystal, a=a, ratio=ratio)


def unit_cell(lattice: Lattice) -> Atoms:
    """Return the conventional cell of a crystal (primitive for hcp), periodic."""
    options = {"c": lattice.a * lattice.ratio} if lattice.crystal == "hcp" else {"cubic": True}
    return bulk(lattice.element, lattice.crystal, a=lattice.a, **options)


def bulk_cell(lattice: Lattice, shortest_edge: float = _SHORTEST_EDGE) -> Atoms:
    """Return the bulk metal in a supercell with no edge shorter than `shortest_edge`, Å."""
    cell = unit_cell(lattice)
    repeats = np.ceil(shortest_edge / cell.cell.lengths() - 1e-9).astype(int)
    repeated: Atoms = cell.repeat(tuple(repeats.tolist()))
    return repeated


def relax_lattice(lattice: Lattice, energy_and_forces: EnergyAndForces) -> Lattice:
    """Return a crystal with the lattice constant of least energy within 15 % of the one given.

    The energy of a supercell is minimised (c/a stays); there are no k-points here, so a metal
    needs a reference that samples them by itself, or errs by what the supercell leaves out.

    Raises
    ------
    StructureError
        If the least energy lies at the end of the range: the reference describes another metal.
    """

    def energy(factor: float) -> float:
        atoms = start.copy()
        atoms.set_cell(start.cell * factor, scale_atoms=True)
        return energy_and_forces(atoms)[0] / len(atoms)

    start = bulk_cell(lattice)
    lowest, highest = 1 - _SEARCHED, 1 + _SEARCHED
    found = minimize_scalar(
        energy, bounds=(lowest, highest), method="bounded", options={"xatol": _ACCURACY}
    )
    factor = float(found.x)
    if min(factor - lowest, highest - factor) < 3 * _ACCURACY:
        raise StructureError(
            f"the reference has no energy minimum of {lattice.crystal} {lattice.element} between "
            f"{lowest * lattice.a:.2f} and {highest * lattice.a:.2f} Å (it falls towards "
            f"{factor * lattice.a:.2f} Å); leave out `relaxed` and give `lattice_constant_A`"
        )
    return Lattice(
        element=lattice.element, crystal=lattice.crystal, a=factor * lattice.a, ratio=lattice.ratio
    )
