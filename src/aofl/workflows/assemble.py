"""The composition root: from a configuration to objects. The registries are literal dicts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numba
from ase import Atoms
from threadpoolctl import threadpool_limits

from aofl.config.references import (
    AseConfig,
    Cp2kConfig,
    EspressoConfig,
    GpawConfig,
    ReferenceConfig,
    SocketConfig,
    TbliteConfig,
    VaspConfig,
)
from aofl.config.schema import RunConfig
from aofl.engines.box import box_of
from aofl.engines.mpi import launched, world
from aofl.engines.shared import SharedForceField
from aofl.errors import ConfigError, StructureError
from aofl.forcefield.model import ForceField
from aofl.learning.adaptive_calculator import AdaptiveCalculator
from aofl.records import FloatArray
from aofl.reference import AseReference, Reference, TbliteReference, TbliteSettings
from aofl.reference.background import BackgroundReference
from aofl.reference.codes.cp2k import Cp2kReference
from aofl.reference.codes.espresso import EspressoReference
from aofl.reference.codes.gpaw import GpawReference
from aofl.reference.codes.socket_reference import SocketReference
from aofl.reference.codes.vasp import VaspReference
from aofl.reference.import_path import make_calculator as calculator_at
from aofl.reference.import_path import version_of
from aofl.reference.protocol import ChecksStructures
from aofl.simulation.reaction_log import steps_between_looks
from aofl.simulation.recorder import Recorder
from aofl.simulation.regions import mean_target
from aofl.system import EnergyAndForces, Engines


def _tblite(config: TbliteConfig, _directory: Path) -> Reference:
    return TbliteReference(
        TbliteSettings(
            method=config.method,
            electronic_temperature=config.electronic_temperature_K,
            accuracy=config.accuracy,
            max_iterations=config.max_iterations,
            charge=float(config.charge),
            multiplicity=config.multiplicity,
            threads=config.threads,
        )
    )


def _ase(config: AseConfig, _directory: Path) -> Reference:
    return AseReference(
        calculator_at(config.calculator, config.arguments),
        description={
            "code": config.calculator,
            "version": version_of(config.calculator),
            "method": None,
            "settings": dict(config.arguments),
        },
        is_semi_empirical=config.is_semi_empirical,
    )


def _socket(config: SocketConfig, directory: Path) -> Reference:
    return SocketReference(config, directory)


def _cp2k(config: Cp2kConfig, directory: Path) -> Reference:
    return Cp2kReference(config, directory)


def _gpaw(config: GpawConfig, directory: Path) -> Reference:
    return GpawReference(config, directory)


def _espresso(config: EspressoConfig, directory: Path) -> Reference:
    return EspressoReference(config, directory)


def _vasp(config: VaspConfig, directory: Path) -> Reference:
    return VaspReference(config, directory)


# Each makes a reference from its configuration and the directory it may work in.
REFERENCES: dict[str, Callable[[Any, Path], Reference]] = {
    "tblite": _tblite,
    "cp2k": _cp2k,
    "ase": _ase,
    "socket": _socket,
    "gpaw": _gpaw,
    "espresso": _espresso,
    "vasp": _vasp,
}


@contextmanager
def limited_threads(n_threads: int) -> Iterator[None]:
    """Keep linear algebra and kernels to a number of threads, set once for a whole run.

    More threads than the process has cores are never started: they would wait for one another.
    A library that finds its threads preempted by other work can be twenty times slower than one
    thread is, so the default of a run is one.
    """
    before = numba.get_num_threads()
    bounded = min(n_threads, len(os.sched_getaffinity(0)))
    numba.set_num_threads(min(bounded, before))
    try:
        with threadpool_limits(limits=bounded):
            yield
    finally:
        numba.set_num_threads(before)


def make_reference(config: ReferenceConfig, directory: Path) -> Reference:
    """Return the reference code of a configuration.

    Parameters
    ----------
    directory
        Where the code may put its files; made at the first label where one is needed.
    """
    return REFERENCES[config.name](config, directory.absolute())


@contextmanager
def opened_reference(config: ReferenceConfig, directory: Path) -> Iterator[Reference]:
    """Yield the reference code of a configuration and end its processes afterwards."""
    reference = make_reference(config, directory)
    try:
        yield reference
    finally:
        close = getattr(reference, "close", None)
        if close is not None:
            close()


@contextmanager
def opened_engines(config: RunConfig) -> Iterator[Engines]:
    """Yield what building a system may ask of references: the run's own, and the embedded one.

    Their processes end and their files go afterwards.
    """
    with TemporaryDirectory(prefix="aofl-build-") as scratch, ExitStack() as stack:

        def reference() -> EnergyAndForces:
            opened = opened_reference(config.reference, Path(scratch))
            return _energy_and_forces(stack.enter_context(opened))

        def embedded(charge: int) -> EnergyAndForces:
            return _energy_and_forces(TbliteReference(TbliteSettings(charge=charge)))

        yield Engines(reference=reference, embedded=embedded)


def _energy_and_forces(reference: Reference) -> EnergyAndForces:
    def call(atoms: Atoms) -> tuple[float, FloatArray]:
        label = reference.label(atoms)
        return label.energy, label.forces

    return call


def check_reference(reference: Reference, atoms: Atoms) -> list[str]:
    """Refuse a system that the reference can never label, before anything is written.

    Returns
    -------
    The data of the code that it will be labelled with, for people.

    Raises
    ------
    StructureError
        Naming the code, and the elements or what else is wrong.
    """
    supported = reference.elements_supported()
    missing = sorted(set(atoms.get_chemical_symbols()) - (supported or frozenset()))
    if supported is not None and missing:
        method = reference.describe().get("method", "the reference code")
        raise StructureError(
            f"{method} cannot treat {', '.join(missing)}; "
            "choose another `reference` or change the system"
        )
    return reference.check(atoms) if isinstance(reference, ChecksStructures) else []


def make_force_field(config: RunConfig, atoms: Atoms) -> ForceField | None:
    """Return the force field a run starts with: new, or learned before; None in mode aimd."""
    if config.mode == "aimd":
        return None
    kind = SharedForceField if config.engine == "lammps" else ForceField
    if config.force_field.model is not None:
        return kind.load(Path(config.force_field.model))
    elements = sorted({*atoms.get_chemical_symbols(), *config.force_field.elements})
    return kind(elements, config.force_field.accuracy)


def check_engine(config: RunConfig, atoms: Atoms) -> None:
    """Refuse an engine that is not there or cannot hold a structure.

    Raises
    ------
    ConfigError
        If LAMMPS is missing, or ranks were started for ASE, which uses one.
    StructureError
        If LAMMPS cannot keep a constraint or has no cell.
    """
    if config.engine == "lammps":
        world()
        box_of(atoms)
    elif launched()[1] > 1:
        raise ConfigError(
            f"aofl was started on {launched()[1]} ranks and `engine: ase` uses one; set "
            "`engine: lammps`, or start it without a launcher"
        )


def make_calculator(
    config: RunConfig,
    atoms: Atoms,
    reference: Reference,
    files: Recorder,
    background: BackgroundReference | None = None,
) -> AdaptiveCalculator:
    """Return the adaptive calculator of a run, writing to the files of its directory."""
    dynamics = config.dynamics
    check_engine(config, atoms)
    force_field = make_force_field(config, atoms)
    if isinstance(force_field, SharedForceField):
        force_field.share(config.threads)
    return AdaptiveCalculator(
        reference=reference,
        force_field=force_field,
        mode=config.mode,
        settings=config.learning,
        seed=config.seed,
        labels=config.labels,
        dataset=files.dataset,
        quarantine=files.quarantine,
        on_decision=files.decide,
        on_event=files.tell,
        target_temperature=mean_target(dynamics, atoms),
        relaxation_fs=dynamics.relaxation_fs,
        timestep_fs=dynamics.timestep_fs,
        needs_stress=dynamics.target_pressure is not None,
        bonds_every=steps_between_looks(config.chemistry, dynamics.timestep_fs),
        background=background,
    )
