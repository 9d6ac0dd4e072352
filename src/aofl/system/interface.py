"""The start structure: molecules packed between a slab and its periodic image, then checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

import ase.io
import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.geometry import get_distances
from ase.neighborlist import neighbor_list

from aofl.config import FileSystem, InterfaceSystem
from aofl.errors import StructureError
from aofl.rng import generator
from aofl.system.electrode import build_slab
from aofl.system.electrolyte import molecule, pack_between

_OVERLAP: Final = 0.5  # of the sum of covalent radii
_CONTACT_TOLERANCE: Final = 0.95  # of the least distance asked for
_BOND_TOLERANCE: Final = 1e-3  # Å; Packmol writes 1e-6
_GAP_GROWTH: Final = 1.25
_GAP_TRIALS: Final = 8


def build_system(config: InterfaceSystem | FileSystem, seed: int) -> Atoms:
    """Return the start structure that a configuration asks for, checked.

    Parameters
    ----------
    config
        The part `system` of the configuration.
    seed
        Seed of the run; it decides the packing.

    Raises
    ------
    StructureError
        If it cannot be built or read, or is not physical.
    """
    if isinstance(config, FileSystem):
        atoms = _read_structure(Path(config.structure))
    else:
        electrode, electrolyte = config.electrode, config.electrolyte
        slab = build_slab(
            element=electrode.element,
            surface=electrode.surface,
            lattice_constant=electrode.lattice_constant_A,
            size=electrode.size,
        )
        atoms = pack(
            slab,
            electrolyte.molecules,
            gap=electrolyte.gap_A,
            min_distance=electrolyte.min_distance_A,
            seed=seed,
        )
    check_structure(atoms)
    return atoms


def pack(
    slab: Atoms, molecules: Mapping[str, int], *, gap: float, min_distance: float, seed: int
) -> Atoms:
    """Return a slab with molecules in the gap above it, periodic in all directions.

    The new cell is `gap` higher than the bulk cell of the slab. The facing metal layers are thus
    one layer spacing plus `gap` apart, and no atom of a molecule comes nearer than
    `min_distance` to the plane of either.

    Parameters
    ----------
    slab
        From `build_slab`: rectangular, one bulk period high, lowest layer at z = 0.
    molecules
        Name (see `molecule`): how many.
    gap
        Height added to the cell of the slab, Å.
    min_distance
        Least distance between atoms of different molecules, and to the metal layers, Å.
    seed
        Seed of the run, >= 0; the same seed gives the same structure.

    Returns
    -------
    The slab's atoms first, then the molecules in the order given. `tags` hold the slab's
    layers and 0 in the molecules.

    Raises
    ------
    StructureError
        If the molecules do not fit; the message gives a gap that would do.
    """
    templates = [(molecule(name), count) for name, count in molecules.items()]
    packed = _pack_once(slab, templates, gap, min_distance, seed)
    if packed is None:
        raise StructureError(_does_not_fit(slab, templates, gap, min_distance, seed))
    atoms: Atoms = slab + packed
    atoms.set_cell([*slab.cell.lengths()[:2], slab.cell.lengths()[2] + gap])
    _check_packing(atoms, len(slab), templates, min_distance)
    return atoms


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
    for axis in np.flatnonzero(atoms.pbc):
        if atoms.cell.lengths()[axis] == 0:
            raise StructureError(f"the structure is periodic along axis {axis} without a cell")
    if np.linalg.matrix_rank(atoms.cell.array[atoms.pbc]) < atoms.pbc.sum():
        raise StructureError("the periodic cell vectors lie in one plane or line; give a cell")
    _check_overlap(atoms)


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


def _read_structure(path: Path) -> Atoms:
    if not path.is_file():
        raise StructureError(f"{path} is not a file; give a structure that ASE reads")
    try:
        frame = cast(Atoms, ase.io.read(path, index=-1, do_not_split_by_at_sign=True))
    except Exception as error:  # ASE's readers raise whatever their formats lead to
        reason = " ".join(str(error).split()) or type(error).__name__
        raise StructureError(f"{path} cannot be read as a structure: {reason}") from error
    if not frame.pbc.any():
        raise StructureError(f"{path} has no periodic direction; it must hold a cell and pbc")
    frame.calc = None
    return frame


def _pack_once(
    slab: Atoms, templates: list[tuple[Atoms, int]], gap: float, min_distance: float, seed: int
) -> Atoms | None:
    """Return the packed molecules alone, or None if they do not fit."""
    height = slab.cell.lengths()[2] + gap
    lower, upper = slab.positions[:, 2].max() + min_distance, height - min_distance
    if upper <= lower:
        return None
    return pack_between(
        templates,
        np.array([*slab.cell.lengths()[:2], height]),
        lower=lower,
        upper=upper,
        min_distance=min_distance,
        seed=int(generator(seed, "packing").integers(1, 2**31 - 1)),
    )


def _does_not_fit(
    slab: Atoms, templates: list[tuple[Atoms, int]], gap: float, min_distance: float, seed: int
) -> str:
    """Return the message for molecules that do not fit, with a gap that was tried and does."""
    amount = ", ".join(f"{count} {one.get_chemical_formula()}" for one, count in templates)
    message = f"{amount} cannot be packed into a gap of {gap:g} Å at {min_distance:g} Å apart"
    for trial in range(1, _GAP_TRIALS + 1):
        larger = float(np.ceil(gap * _GAP_GROWTH**trial))
        if _pack_once(slab, templates, larger, min_distance, seed) is not None:
            return f"{message}; a gap of {larger:g} Å does"
    return f"{message}, nor into one of {larger:g} Å; take fewer molecules or a wider slab"


def _check_packing(
    atoms: Atoms, n_slab: int, templates: list[tuple[Atoms, int]], min_distance: float
) -> None:
    """Check what Packmol returned: every molecule whole, and none too close to anything."""
    start = n_slab
    for template, count in templates:
        for _ in range(count):
            stop = start + len(template)
            one = atoms[start:stop]
            if not np.array_equal(one.numbers, template.numbers):
                raise StructureError(f"packmol returned other atoms than asked for, from {start}")
            stretch = np.abs(one.get_all_distances() - template.get_all_distances()).max()
            if stretch > _BOND_TOLERANCE:
                raise StructureError(f"packmol distorted a molecule by {stretch:.3f} Å")
            others = np.delete(atoms.positions, np.s_[start:stop], axis=0)
            _, distance = get_distances(one.positions, others, cell=atoms.cell, pbc=True)
            if distance.min() < _CONTACT_TOLERANCE * min_distance:
                raise StructureError(
                    f"packmol placed two molecules {distance.min():.2f} Å apart, asked for "
                    f"{min_distance:g} Å; try another seed or a larger gap"
                )
            start = stop
    if start != len(atoms):
        raise StructureError(f"packmol returned {len(atoms) - start} atoms too many")
