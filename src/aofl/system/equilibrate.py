"""A short relaxation and heating of packed molecules, in which nothing can react.

With the forces `contacts` (see `aofl.system.restraints`) the molecules move among fixed metal
atoms, and no bond can change. With the forces `reference` everything moves under the reference
code, walls hold the bonds, and guards look at every few steps: a broken or new bond, or atoms
too close, send the atoms back to the last sound positions, at rest.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import numpy as np
from ase import Atoms, units
from ase.constraints import FixAtoms
from ase.data import covalent_radii
from ase.md.langevinbaoab import LangevinBAOAB
from ase.optimize import FIRE

from aofl.ace.neighbors import find_neighbors
from aofl.config import EquilibrationConfig
from aofl.errors import ReferenceFailed, StructureError
from aofl.rng import generator
from aofl.system.checks import check_structure
from aofl.system.engines import Engines, SumCalculator
from aofl.system.interface import Packed
from aofl.system.restraints import SoftContacts, bond_walls, shape_springs

logger = logging.getLogger(__name__)

_LARGEST_FORCE: Final = 0.05  # eV/Å
_LARGEST_STEP: Final = 0.1  # Å
_TIMESTEP_FS: Final = 0.5
_TIME_CONSTANT_FS: Final = 50.0
_LOOK_EVERY: Final = 10  # steps
_RETURNS: Final = 5
_BROKEN: Final = 1.35  # of the length in the molecule as it was packed
_NEW: Final = 1.2  # of the sum of covalent radii, between molecules


def equilibrate(
    packed: Packed, config: EquilibrationConfig, engines: Engines, *, seed: int
) -> Atoms:
    """Return a packed structure after relaxation and heating, at rest, with the same bonds.

    Raises
    ------
    StructureError
        If the molecules do not stay whole, or the reference fails.
    """
    atoms = packed.atoms.copy()
    kept = [constraint.copy() for constraint in atoms.constraints]
    slab = packed.molecule_of < 0
    templates = [kind.atoms for kind in packed.molecules]
    n_slab = int(np.count_nonzero(slab))
    if config.forces == "contacts":
        atoms.set_constraint(FixAtoms(np.flatnonzero(slab)))
        terms = (shape_springs(templates, n_slab), SoftContacts(molecule_of=packed.molecule_of))
        atoms.calc = SumCalculator(*terms)
    else:
        atoms.calc = SumCalculator(engines.reference(), bond_walls(templates, n_slab))
    try:
        _relax(atoms, packed, config.relax_steps)
        _heat(atoms, packed, config, seed)
    except ReferenceFailed as error:
        raise StructureError(
            f"the equilibration stopped, the reference failed: {error}; use "
            "`equilibrate.forces: contacts`"
        ) from error
    done = Atoms(
        atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc,
        tags=atoms.get_tags(), constraint=kept,
    )  # fmt: skip
    check_structure(done)
    return done


def changed_bond(atoms: Atoms, packed: Packed) -> str | None:
    """Return what bond between non-metals broke or formed since packing, None if none did."""
    walls = bond_walls(
        [kind.atoms for kind in packed.molecules], int(np.count_nonzero(packed.molecule_of < 0))
    )
    i, j = walls.pairs.T
    length = np.linalg.norm(atoms.positions[j] - atoms.positions[i], axis=1)
    stretch = length / walls.lengths
    if len(stretch) and stretch.max() > _BROKEN:
        worst = int(stretch.argmax())
        return _told("broke", atoms, packed, int(i[worst]), int(j[worst]), float(length[worst]))
    radii = np.where(packed.molecule_of < 0, 0.0, covalent_radii[atoms.numbers])
    single = np.bincount(packed.molecule_of[packed.molecule_of >= 0]) == 1
    is_ion = (packed.molecule_of >= 0) & single[packed.molecule_of]
    radii = np.where(is_ion, 0.0, radii)
    near = find_neighbors(
        atoms.positions, atoms.cell.array, atoms.pbc, _NEW * 2 * float(radii.max())
    )
    one = np.repeat(np.arange(len(atoms)), np.diff(near.first))
    ratio = np.linalg.norm(near.vectors, axis=1) / (radii[one] + radii[near.second] + 1e-9)
    apart = packed.molecule_of[one] != packed.molecule_of[near.second]
    bonded = apart & (radii[one] > 0) & (radii[near.second] > 0) & (ratio < _NEW)
    if not bonded.any():
        return None
    k = int(np.flatnonzero(bonded)[0])
    distance = float(np.linalg.norm(near.vectors[k]))
    return _told("formed", atoms, packed, int(one[k]), int(near.second[k]), distance)


def _told(what: str, atoms: Atoms, packed: Packed, i: int, j: int, distance: float) -> str:
    name = packed.molecules[int(packed.molecule_of[i])].name
    return (
        f"a bond {what}: {atoms.symbols[i]}{i} of {name} and {atoms.symbols[j]}{j} are "
        f"{distance:.2f} Å apart"
    )


def _relax(atoms: Atoms, packed: Packed, steps: int) -> None:
    if not steps:
        return
    FIRE(atoms, logfile=None, maxstep=_LARGEST_STEP).run(fmax=_LARGEST_FORCE, steps=steps)
    if (change := changed_bond(atoms, packed)) is not None:
        raise StructureError(f"while the packed molecules were relaxed, {change}; try another seed")


def _heat(atoms: Atoms, packed: Packed, config: EquilibrationConfig, seed: int) -> None:
    """Run Langevin dynamics, looking at the bonds every few steps."""
    if not config.heat_steps:
        return
    dynamics: Any = LangevinBAOAB(
        atoms,
        _TIMESTEP_FS * units.fs,
        temperature_K=config.temperature_K,
        T_tau=_TIME_CONSTANT_FS * units.fs,
        rng=generator(seed, "equilibration"),
    )
    sound, returns = atoms.positions.copy(), 0
    for step in range(1, config.heat_steps + 1):
        dynamics.step()
        if step % _LOOK_EVERY and step != config.heat_steps:
            continue
        change = changed_bond(atoms, packed)
        if change is None:
            sound = atoms.positions.copy()
            continue
        returns += 1
        logger.warning("equilibration step %d: %s; back to the last sound positions", step, change)
        if returns > _RETURNS:
            raise StructureError(
                f"while the packed molecules were heated to {config.temperature_K:g} K, {change}, "
                f"again after {_RETURNS} returns; use a lower `equilibrate.temperature_K`"
            )
        atoms.positions = sound
        atoms.set_momenta(np.zeros((len(atoms), 3)))
    atoms.positions = sound
