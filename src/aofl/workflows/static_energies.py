"""The static energies of one substance: relaxed, in two cells, with equation of state.

A crystal is computed at its measured cell, its positions relaxed. Sampling of the Brillouin zone is
a length: a code with k-points gets as many of them as make the primitive cell that long in each
direction (a grid that contains Gamma), any other the cell repeated as often. Energies are made at a
shorter and at a longer length, and their difference says how far from converged they are; the
shorter serves to relax and for the equation of state. A molecule is relaxed alone, in a box of 10 Å
where the code knows no open boundaries.

Every label goes through the cache of labels: what was computed before a kill is not computed again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.optimize import BFGS

from aofl.config.references import Cp2kConfig, PeriodicDft, ReferenceConfig
from aofl.errors import AoflError, StructureError
from aofl.records import FloatArray, Label
from aofl.reference import LabelLimits, Reference
from aofl.reference.gate import believed_label
from aofl.reference.level import level_of
from aofl.reference.protocol import ChecksStructures
from aofl.store import LabelCache, structure_hash
from aofl.system.engines import SumCalculator
from aofl.thermochemistry.equation_of_state import equilibrium
from aofl.thermochemistry.measured import Substance, structure_of
from aofl.workflows.assemble import make_reference

METAL_FACTOR = 1.7  # a metal needs so much longer a cell than an insulator
SHORTER = 0.75  # of the length, for relaxation, equation of state and the look at convergence
LARGEST_FORCE = 0.05  # eV/Å, of a relaxed structure
MOST_STEPS = 60
BOX_A = 10.0  # of a molecule, where a code knows no open boundaries
STEP, POINTS = 0.02, 3  # of the lattice constant, to either side of the minimum
LARGEST_STRAIN = 0.4
SMOOTH = 0.02  # eV for a formula unit, rms: what the energies may lie from their equation of state

Repeats = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticEnergies:
    """What a reference says of a substance, for a formula unit.

    Attributes
    ----------
    energy, energy_shorter
        In the longer and the shorter cell, eV; a molecule has one.
    n_atoms, kpoints
        Of the longer cell.
    lattice_constant, bulk_modulus
        Of a cubic crystal, Å and GPa; None where the energy has no minimum near.
    pressure
        At the measured cell, GPa; None where the code gives no stress.
    bond
        Between the first two atoms of a molecule, Å.
    notes
        What is to be known, in words.
    made, found
        Labels that were computed, and that the cache knew.
    """

    name: str
    energy: float
    energy_shorter: float
    n_atoms: int
    kpoints: tuple[int, int, int]
    lattice_constant: float | None = None
    bulk_modulus: float | None = None
    pressure: float | None = None
    bond: float | None = None
    notes: tuple[str, ...] = ()
    made: int = 0
    found: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One substance to compute, with the length of its cell, Å."""

    substance: Substance
    edge: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeWorker:
    """Makes the worker of one process; see `aofl.workflows.worker_pool`.

    Attributes
    ----------
    directory
        Gets `labels` (the cache) and `work`.
    """

    config: ReferenceConfig
    directory: Path

    def __call__(self, number: int) -> Worker:
        """Return the worker with this number."""
        return Worker(self.config, self.directory, number)


@dataclass(slots=True)
class Worker:
    """Computes one substance after the other, each with the reference code that fits it."""

    config: ReferenceConfig
    directory: Path
    number: int
    _references: dict[str, Reference] = field(default_factory=dict)

    def __call__(self, task: Task) -> StaticEnergies:
        """Return what the reference says of a substance.

        Raises
        ------
        AoflError
            Naming what could not be computed.
        """
        config = with_multiplicity(self.config, task.substance.multiplicity)
        labels = _Labels(self._reference, self.directory / "labels")
        if task.substance.phase == "solid":
            return _crystal(task, config, labels)
        return _molecule(task, config, labels)

    def close(self) -> None:
        """End the processes of the reference codes."""
        for reference in self._references.values():
            close = getattr(reference, "close", None)
            if close is not None:
                close()
        self._references.clear()

    def _reference(self, config: ReferenceConfig) -> Reference:
        """Return the reference of a configuration; one at a time holds processes and files."""
        key = config.model_dump_json()
        if key not in self._references:
            self.close()
            where = self.directory / "work" / f"worker-{self.number}"
            self._references[key] = make_reference(config, where)
        return self._references[key]


def with_multiplicity(config: ReferenceConfig, multiplicity: int) -> ReferenceConfig:
    """Return the configuration for a neutral system of this multiplicity.

    Raises
    ------
    StructureError
        If it is an open shell and the reference has no key for that.
    """
    fields = type(config).model_fields
    is_own_input = isinstance(config, Cp2kConfig) and config.input is not None
    if "multiplicity" not in fields or is_own_input:
        if multiplicity > 1:
            raise StructureError(
                f"it has {multiplicity - 1} unpaired electrons, and `reference` has no key "
                "`multiplicity` to say so"
            )
        return config
    closed = fields["multiplicity"].default
    update = {"multiplicity": multiplicity if multiplicity > 1 else closed}
    return config.model_copy(update=update | ({"charge": 0} if "charge" in fields else {}))


def repeats(atoms: Atoms, edge: float) -> Repeats:
    """Return how often a primitive cell fits into a length, rounded up, along each vector.

    Parameters
    ----------
    edge
        Å.
    """
    first, second, third = (max(1, ceil(edge / d - 1e-6)) for d in atoms.cell.lengths())
    return first, second, third


def sampled(atoms: Atoms, config: ReferenceConfig, n: Repeats) -> tuple[Atoms, ReferenceConfig]:
    """Return a cell and a configuration that sample a crystal as a cell repeated n times does."""
    is_own_input = isinstance(config, Cp2kConfig) and config.input is not None
    if isinstance(config, PeriodicDft) and not is_own_input:
        return atoms, config.model_copy(update={"kpoints": n})
    return atoms * n, config


class _Labels:
    """Labels by way of the cache, and how many of them were made and found."""

    def __init__(self, reference: Callable[[ReferenceConfig], Reference], directory: Path) -> None:
        self._reference = reference
        self._directory = directory
        self.made = 0
        self.found = 0

    def reference(self, config: ReferenceConfig) -> Reference:
        """Return the reference code of a configuration."""
        return self._reference(config)

    def label(self, atoms: Atoms, config: ReferenceConfig) -> Label:
        """Return a believed label of a structure."""
        reference = self._reference(config)
        cache = LabelCache(self._directory, level_of(reference.describe()))
        digest = structure_hash(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc)
        label = cache.find(digest)
        if label is not None:
            self.found += 1
            return label
        label = believed_label(reference, atoms, limits=LabelLimits())
        cache.keep(digest, label)
        self.made += 1
        return label


def _repeated(labels: _Labels, config: ReferenceConfig, n: Repeats) -> SumCalculator:
    """Return the calculator of a primitive cell whose labels are made in a cell that repeats it."""

    def of_primitive(primitive: Atoms) -> tuple[float, FloatArray]:
        cell, chosen = sampled(primitive, config, n)
        label = labels.label(cell, chosen)
        forces = label.forces.reshape(-1, len(primitive), 3).mean(axis=0)
        return label.energy * len(primitive) / len(cell), forces - forces.mean(axis=0)

    return SumCalculator(of_primitive)


def _crystal(task: Task, config: ReferenceConfig, labels: _Labels) -> StaticEnergies:
    substance, atoms = task.substance, structure_of(task.substance)
    length = task.edge * (METAL_FACTOR if substance.is_metal else 1.0)
    longer, shorter = repeats(atoms, length), repeats(atoms, SHORTER * length)
    notes = _relax(atoms, _repeated(labels, config, shorter))
    cell, chosen = sampled(atoms, config, longer)
    label = labels.label(cell, chosen)

    def energy_of(scale: float) -> float:
        scaled = atoms.copy()
        if scale != 1.0:  # else a last bit would make it another structure to the cache
            scaled.set_cell(scale * atoms.cell.array, scale_atoms=True)
        made, setting = sampled(scaled, config, shorter)
        return labels.label(made, setting).energy * substance.n_atoms / len(made)

    found = _Cubic()
    if substance.is_cubic and substance.cell is not None:
        volume = atoms.get_volume() * substance.n_atoms / len(atoms)
        found = _equation_of_state(energy_of, substance.cell[0], volume)
    pressure = None if label.stress is None else -float(label.stress[:3].mean()) / units.GPa
    if pressure is not None and not substance.is_cubic:
        notes += (f"under {pressure:+.1f} GPa at its measured cell",)
    return StaticEnergies(
        name=substance.name,
        energy=label.energy * substance.n_atoms / len(cell),
        energy_shorter=energy_of(1.0),
        n_atoms=len(cell),
        kpoints=getattr(chosen, "kpoints", (1, 1, 1)),
        lattice_constant=found.lattice_constant,
        bulk_modulus=found.bulk_modulus,
        pressure=pressure,
        notes=notes + found.notes,
        made=labels.made,
        found=labels.found,
    )


def _molecule(task: Task, config: ReferenceConfig, labels: _Labels) -> StaticEnergies:
    atoms = _placed(structure_of(task.substance), labels.reference(config))
    atoms, config = sampled(atoms, config, (1, 1, 1))
    notes = _relax(atoms, _repeated(labels, config, (1, 1, 1)))
    energy = labels.label(_bare(atoms), config).energy
    return StaticEnergies(
        name=task.substance.name,
        energy=energy,
        energy_shorter=energy,
        n_atoms=len(atoms),
        kpoints=(1, 1, 1),
        bond=float(atoms.get_distance(0, 1)) if len(atoms) > 1 else None,
        notes=notes,
        made=labels.made,
        found=labels.found,
    )


def _placed(atoms: Atoms, reference: Reference) -> Atoms:
    """Return a molecule without a cell, or in a box where the code does not take it without."""
    try:
        if isinstance(reference, ChecksStructures):
            reference.check(atoms)
        return atoms
    except StructureError:
        boxed = Atoms(atoms.numbers, atoms.positions, cell=[BOX_A] * 3, pbc=True)
        boxed.center()
        return boxed


def _relax(atoms: Atoms, calculator: SumCalculator) -> tuple[str, ...]:
    """Relax positions in place at the cell as it is; return what is to be said of it."""
    if len(atoms) == 1:
        return ()
    atoms.calc = calculator
    is_relaxed = BFGS(atoms, logfile=None).run(fmax=LARGEST_FORCE, steps=MOST_STEPS)
    atoms.calc = None
    return () if is_relaxed else (f"not relaxed in {MOST_STEPS} steps",)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cubic:
    """What the equation of state says of a cubic crystal, Å and GPa."""

    lattice_constant: float | None = None
    bulk_modulus: float | None = None
    notes: tuple[str, ...] = ()


def _equation_of_state(
    energy_of: Callable[[float], float], constant: float, volume: float
) -> _Cubic:
    """Follow the energy over the lattice constant to its minimum.

    Parameters
    ----------
    energy_of
        Energy of a formula unit at a multiple of the measured lattice constant, eV.
    constant, volume
        Measured, Å and Å^3 for a formula unit.
    """
    try:
        scales, energies = _around_minimum(energy_of)
    except AoflError as error:
        return _Cubic(notes=(f"no equation of state: {error}",))
    found = equilibrium(volume * scales**3, energies)
    if found is None:
        low, high = scales[0] * constant, scales[-1] * constant
        return _Cubic(
            notes=(f"no minimum of the energy near; looked at {low:.2f} to {high:.2f} Å",)
        )
    if found.residual > SMOOTH:
        lie = f"its energies lie {found.residual:.2g} eV from any"
        said = f"{lie}: more than one electronic state, or a grid that jumps with the cell"
        return _Cubic(notes=(f"no equation of state: {said}",))
    return _Cubic(
        lattice_constant=constant * (found.volume / volume) ** (1.0 / 3.0),
        bulk_modulus=found.bulk_modulus / units.GPa,
    )


def _around_minimum(energy_of: Callable[[float], float]) -> tuple[FloatArray, FloatArray]:
    """Return seven scales with the lowest energy in their middle, as far as one is found."""
    energies = {int(k): energy_of(1.0 + STEP * k) for k in range(-POINTS, POINTS + 1)}
    while True:
        lowest = min(energies, key=lambda k: energies[k])
        wanted = range(lowest - POINTS, lowest + POINTS + 1)
        missing = [k for k in wanted if k not in energies and abs(k) * STEP <= LARGEST_STRAIN]
        if not missing:
            chosen = [k for k in wanted if k in energies]
            return 1.0 + STEP * np.array(chosen), np.array([energies[k] for k in chosen])
        k = min(missing, key=abs)
        energies[k] = energy_of(1.0 + STEP * k)


def _bare(atoms: Atoms) -> Atoms:
    return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
