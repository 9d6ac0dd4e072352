"""A slab with a vacuum along z: where a dipole correction puts its step, and a field its jump.

Repeated cells of a slab that has a dipole feel one another's field. The correction adds a potential
that falls along z by what the dipole raises it, and steps back in the middle of the vacuum, where
there is nothing to feel the step. An external field along z is such a potential, too: a sawtooth

    phi(z) = -F (z - z_m + c / 2)    within one cell, z_m the middle of the vacuum

whose force on a positive charge q is q F, so F > 0 pushes positive charges up. Both are periodic
only by that step: without vacuum there is no place for it.

References: J. Neugebauer and M. Scheffler, Phys. Rev. B 46, 16067 (1992),
doi:10.1103/PhysRevB.46.16067; L. Bengtsson, Phys. Rev. B 59, 12301 (1999),
doi:10.1103/PhysRevB.59.12301.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from aofl.config.references import SlabDft
from aofl.errors import StructureError
from aofl.reference.protocol import JSON

LEAST_VACUUM = 8.0  # Å: with less the electrons of both faces reach the step
RIGHT_ANGLE = 1e-6  # cosine
ATOMIC_FIELD = 51.422067476  # V/Å of one atomic unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacuum:
    """The widest layer along z that holds no atom.

    Attributes
    ----------
    middle
        Of the layer, in units of c, within [0, 1).
    width, height
        Of the layer and of the cell, Å.
    """

    middle: float
    width: float
    height: float


def slab_settings(config: SlabDft) -> dict[str, JSON]:
    """Return what of a slab belongs to the level of theory; labels of before do not know it."""
    settings: dict[str, JSON] = {}
    if config.dipole_correction:
        settings["dipole_correction"] = True
    if config.field_V_per_A != 0:
        settings["field_V_per_A"] = config.field_V_per_A
    return settings


def vacuum_for(config: SlabDft, atoms: Atoms) -> Vacuum | None:
    """Return the vacuum of a slab, None where no correction and no field is asked for.

    Raises
    ------
    StructureError
        If the cell has no normal along z, or no vacuum.
    """
    if not config.dipole_correction:
        return None
    a, b, c = atoms.cell.array
    height = float(c[2])
    if max(abs(a[2]), abs(b[2]), abs(c[0]), abs(c[1])) > RIGHT_ANGLE * abs(height):
        raise StructureError(
            "`reference.dipole_correction` wants a slab whose normal is z: give a cell with a and "
            "b in the plane xy and c along z"
        )
    vacuum = _widest(atoms.positions[:, 2] / height, height)
    if vacuum.width < LEAST_VACUUM:
        raise StructureError(
            f"`reference.dipole_correction` needs {LEAST_VACUUM:g} Å along z without atoms and "
            f"the widest layer has {vacuum.width:.1f} Å: set it to false for a cell that is full, "
            "give a slab more vacuum, and keep molecules out of it with `bias.wall`"
        )
    return vacuum


def _widest(scaled: np.ndarray, height: float) -> Vacuum:
    # Twice: the remainder of a tiny negative number is rounded to 1.
    sorted_ = np.sort(scaled % 1.0 % 1.0)
    gaps = np.diff(np.concatenate([sorted_, sorted_[:1] + 1.0]))
    k = int(gaps.argmax())
    middle = float((sorted_[k] + gaps[k] / 2) % 1.0)
    return Vacuum(middle=middle, width=float(gaps[k]) * height, height=height)
