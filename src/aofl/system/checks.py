"""What a start structure must keep to: finite, with a cell, no overlap, molecules whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.geometry import get_distances
from ase.neighborlist import neighbor_list

from aofl.errors import StructureError
from aofl.records import FloatArray, IntArray

_LIGHTEST, _HEAVIEST = 0.1, 1000.0  # u: beyond these a mass is in another unit
_OVERLAP: Final = 0.5  # of the sum of covalent radii
_BOND_TOLERANCE: Final = 1e-3  # Å; Packmol writes 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """The least distances after packing, Å; inf where there is no such pair.

    Attributes
    ----------
    molecules
        Between atoms of different molecules, images included.
    electrode
        Between a molecule and the electrode.
    own_image
        Between a molecule and its own periodic images.
    """

    molecules: float
    electrode: float
    own_image: float

    @property
    def least(self) -> float:
        """The smallest of all."""
        return min(self.molecules, self.electrode, self.own_image)


def check_structure(atoms: Atoms) -> None:
    """Check that a structure is finite, has its cell, and no atoms overlap.

    Atoms overlap if they, or an atom and its own image, are closer than half the sum of their
    covalent radii.

    Raises
    ------
    StructureError
        With what is wrong and where.
    """
    if len(atoms) == 0:
        raise StructureError("the structure has no atoms")
    bad = np.flatnonzero(~np.isfinite(atoms.positions).all(axis=1))
    if bad.size:
        raise StructureError(f"the position of atom {bad[0]} is not a finite number")
    if not np.isfinite(atoms.cell.array).all():
        raise StructureError("the cell holds a value that is not a finite number")
    masses = atoms.get_masses()
    strange = np.flatnonzero(~((masses >= _LIGHTEST) & (masses <= _HEAVIEST)))
    if len(strange):
        worst = int(strange[0])
        raise StructureError(
            f"the mass of atom {worst} ({atoms.symbols[worst]}) is {masses[worst]:g}; expected "
            f"{_LIGHTEST:g} to {_HEAVIEST:g} u; correct it, or leave masses out to have those of "
            "the elements"
        )
    if not np.isfinite(atoms.get_momenta()).all():
        raise StructureError(
            "a velocity is not a finite number; leave velocities out to have them drawn"
        )
    for axis in np.flatnonzero(atoms.pbc):
        if atoms.cell.lengths()[axis] == 0:
            raise StructureError(f"the structure is periodic along axis {axis} without a cell")
    if np.linalg.matrix_rank(atoms.cell.array[atoms.pbc]) < atoms.pbc.sum():
        raise StructureError("the periodic cell vectors lie in one plane or line; give a cell")
    _check_overlap(atoms)


def check_whole(atoms: Atoms, templates: list[Atoms], n_slab: int) -> None:
    """Check that the atoms after the slab are the given molecules, undistorted.

    Parameters
    ----------
    templates
        One for each molecule, in the order of the atoms.

    Raises
    ------
    StructureError
        If atoms are missing, of another element, or a distance within a molecule changed.
    """
    start = n_slab
    for template in templates:
        one = atoms[start : start + len(template)]
        if not np.array_equal(one.numbers, template.numbers):
            raise StructureError(f"packmol returned other atoms than asked for, from {start}")
        stretch = np.abs(one.get_all_distances() - template.get_all_distances()).max()
        if stretch > _BOND_TOLERANCE:
            raise StructureError(f"packmol distorted a molecule by {stretch:.3f} Å")
        start += len(template)
    if start != len(atoms):
        raise StructureError(f"packmol returned {len(atoms) - start} atoms too many")


def contacts(atoms: Atoms, molecule_of: IntArray) -> Contacts:
    """Return the least distances between molecules, to the slab, and to own images.

    Parameters
    ----------
    molecule_of
        Number of the molecule of each atom, -1 in the slab; shape (n_atoms,).
    """
    least = {"molecules": np.inf, "electrode": np.inf, "own_image": np.inf}
    for number in range(int(molecule_of.max()) + 1):
        mine = molecule_of == number
        for name, others in (
            ("molecules", (molecule_of > number)),
            ("electrode", molecule_of < 0),
        ):
            if others.any():
                _, distance = get_distances(
                    atoms.positions[mine], atoms.positions[others], cell=atoms.cell, pbc=atoms.pbc
                )
                least[name] = min(least[name], float(distance.min()))
        least["own_image"] = min(least["own_image"], _own_image(atoms, atoms.positions[mine]))
    return Contacts(**least)


def _own_image(atoms: Atoms, positions: FloatArray) -> float:
    """Return the least distance between a molecule and its images next to it."""
    steps = [(-1, 0, 1) if periodic else (0,) for periodic in atoms.pbc]
    shifts = np.array([(i, j, k) for i in steps[0] for j in steps[1] for k in steps[2]])
    vectors = shifts[np.any(shifts != 0, axis=1)] @ atoms.cell.array
    if not len(vectors):
        return float("inf")
    difference = positions[:, None, None] - positions[None, :, None] - vectors
    return float(np.linalg.norm(difference, axis=-1).min())


def _check_overlap(atoms: Atoms) -> None:
    radii = covalent_radii[atoms.numbers]
    first, second, distance = neighbor_list("ijd", atoms, cutoff=2 * _OVERLAP * radii.max())
    limit = _OVERLAP * (radii[first] + radii[second])
    if not np.any(distance < limit):
        return
    worst = int(np.argmin(distance / limit))
    i, j = int(first[worst]), int(second[worst])
    raise StructureError(
        f"atoms {i} ({atoms.symbols[i]}) and {j} ({atoms.symbols[j]}) overlap: they are "
        f"{distance[worst]:.2f} Å apart, expected at least {limit[worst]:.2f} Å"
    )
