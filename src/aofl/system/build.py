"""The start structure that a configuration asks for: an interface built in code, or a file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from ase import Atoms

from aofl.config import (
    ElectrodeConfig,
    ElectrolyteConfig,
    FileElectrode,
    FileSystem,
    InterfaceSystem,
    SlabElectrode,
)
from aofl.errors import StructureError
from aofl.rng import generator
from aofl.system.checks import check_structure
from aofl.system.composition import Composition, fill
from aofl.system.electrode import build_slab, freeze_layers, slab_of_structure
from aofl.system.engines import Engines
from aofl.system.equilibrate import equilibrate
from aofl.system.files import read_structure
from aofl.system.interface import Gap, Packed, pack_units
from aofl.system.lattice import Lattice, lattice_of, relax_lattice, split_surface
from aofl.system.species import Unit, unit
from aofl.system.surface import add_adatoms, add_coverage, cut_step, on_face, remove_atoms

_NO_ENGINES: Final = Engines()


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A start structure and how it was made.

    Attributes
    ----------
    atoms
        The structure; frozen layers as ASE's `FixAtoms`.
    packed
        As it was packed, before any equilibration; None for a structure file.
    composition
        What fills the gap; None for a structure file.
    min_distance
        The least distance asked for, Å; None for a structure file.
    is_equilibrated
        Whether the molecules moved after they were packed.
    """

    atoms: Atoms
    packed: Packed | None = None
    composition: Composition | None = None
    min_distance: float | None = None
    is_equilibrated: bool = False


def build_system(
    config: InterfaceSystem | FileSystem, seed: int, engines: Engines = _NO_ENGINES
) -> System:
    """Return the start structure that a configuration asks for, checked.

    Parameters
    ----------
    config
        The part `system` of the configuration.
    seed
        Seed of the run; it decides defects, packing and heating.
    engines
        Reference codes, for what has to be relaxed or heated with one.

    Raises
    ------
    StructureError
        If it cannot be built or read, or is not physical.
    """
    if isinstance(config, FileSystem):
        path = Path(config.structure)
        atoms = read_structure(path)
        if not atoms.pbc.any():
            raise StructureError(f"{path} has no periodic direction; it must hold a cell and pbc")
        _checked(atoms, str(path))
        return System(atoms=atoms)
    slab = build_electrode(config.electrode, seed, engines)
    composition, counts = compose(config.electrolyte, slab, engines)
    packed = pack_units(slab, counts, _gap(config, slab, composition), seed=seed)
    check_structure(packed.atoms)
    atoms = packed.atoms
    if config.equilibrate is not None:
        atoms = equilibrate(packed, config.equilibrate, engines, seed=seed)
    return System(
        atoms=atoms,
        packed=packed,
        composition=composition,
        min_distance=config.electrolyte.min_distance_A,
        is_equilibrated=config.equilibrate is not None,
    )


def build_electrode(config: ElectrodeConfig, seed: int, engines: Engines = _NO_ENGINES) -> Atoms:
    """Return the slab of a configuration with its defects, coverage and frozen layers.

    Defects and coverage are made on every face that touches the electrolyte.

    Raises
    ------
    StructureError
        If it cannot be built.
    """
    slab = perfect_slab(config, engines)
    is_perfect = not (config.stepped or config.vacancies or config.adatoms or config.coverage)
    # A perfect slab is left alone: turning it over and back would cost its last digits.
    for lower in () if is_perfect else (False, True)[: config.sides]:
        rng = generator(seed, "surface", int(lower))
        slab = on_face(slab, lower, partial(_imperfect, config=config, rng=rng))
    return freeze_layers(slab, config.frozen_layers, sides=config.sides)


def compose(
    config: ElectrolyteConfig, slab: Atoms, engines: Engines = _NO_ENGINES
) -> tuple[Composition, list[tuple[Unit, int]]]:
    """Return what fills the gap above a slab, and how many of each unit.

    Raises
    ------
    StructureError
        If a name is unknown, or the amounts cannot be had.
    """
    names = [*config.molecules, *config.mol_per_L, *config.mol_per_kg, *config.mixture]
    units = {name: unit(name, config.species, engines) for name in names}
    volume = None if config.gap_A is None else config.gap_A * _area(slab)
    composition = fill(config, units, volume)
    return composition, [(units[name], count) for name, count in composition.counts.items()]


def perfect_slab(config: ElectrodeConfig, engines: Engines = _NO_ENGINES) -> Atoms:
    """Return the slab of a configuration before anything is added to it or taken away."""
    match config:
        case FileElectrode():
            atoms = read_structure(Path(config.structure))
            _checked(atoms, config.structure)
            return slab_of_structure(atoms)
        case SlabElectrode():
            lattice = electrode_lattice(config, engines)
            return build_slab(
                element=config.element,
                surface=config.surface,
                lattice_constant=lattice.a,
                size=config.size,
            )


def electrode_lattice(config: SlabElectrode, engines: Engines = _NO_ENGINES) -> Lattice:
    """Return the crystal of a configuration, its lattice constant relaxed if it asks for that."""
    crystal, _ = split_surface(config.surface)
    lattice = lattice_of(config.element, crystal, config.lattice_constant_A)
    return relax_lattice(lattice, engines.reference()) if config.relaxed else lattice


def _imperfect(slab: Atoms, config: ElectrodeConfig, rng: np.random.Generator) -> Atoms:
    if config.stepped:
        slab = cut_step(slab)
    if config.vacancies:
        slab = remove_atoms(slab, config.vacancies, rng=rng)
    if config.adatoms:
        slab = add_adatoms(slab, config.adatoms, rng=rng)
    if config.coverage is not None:
        slab = add_coverage(slab, config.coverage.species, config.coverage.monolayers, rng=rng)
    return slab


def _gap(config: InterfaceSystem, slab: Atoms, composition: Composition) -> Gap:
    given = config.electrolyte.gap_A
    return Gap(
        height=composition.volume / _area(slab) if given is None else given,
        min_distance=config.electrolyte.min_distance_A,
        vacuum=config.electrode.vacuum_A if config.electrode.sides == 1 else 0.0,
    )


def _area(slab: Atoms) -> float:
    return float(np.prod(slab.cell.lengths()[:2]))


def _checked(atoms: Atoms, source: str) -> None:
    try:
        check_structure(atoms)
    except StructureError as error:
        raise StructureError(f"{source}: {error}") from error
