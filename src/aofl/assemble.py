"""The composition root: from a configuration to objects. The registries are literal dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
from ase import Atoms
from threadpoolctl import threadpool_limits

from aofl.config.schema import RunConfig, TbliteConfig, VelocityVerletConfig
from aofl.errors import StructureError
from aofl.forcefield.model import ForceField
from aofl.learning.adaptive_calculator import AdaptiveCalculator
from aofl.learning.files import RunFiles
from aofl.records import FloatArray
from aofl.reference import Reference, TbliteReference, TbliteSettings
from aofl.system import EnergyAndForces, Engines


def _tblite(config: TbliteConfig) -> Reference:
    return TbliteReference(
        TbliteSettings(
            method=config.method,
            electronic_temperature=config.electronic_temperature_K,
            accuracy=config.accuracy,
            max_iterations=config.max_iterations,
            threads=config.threads,
        )
    )


REFERENCES: dict[str, Callable[[Any], Reference]] = {"tblite": _tblite}


@contextmanager
def limited_threads(n_threads: int) -> Iterator[None]:
    """Keep linear algebra and kernels to a number of threads, set once for a whole run.

    A library that finds its threads preempted by other work can be twenty times slower than one
    thread is, so the default of a run is one.
    """
    before = numba.get_num_threads()
    numba.set_num_threads(min(n_threads, numba.get_num_threads()))
    try:
        with threadpool_limits(limits=n_threads):
            yield
    finally:
        numba.set_num_threads(before)


def make_reference(config: RunConfig) -> Reference:
    """Return the reference code of a configuration."""
    return REFERENCES[config.reference.name](config.reference)


def make_engines(config: RunConfig) -> Engines:
    """Return what building a system may ask of references: the run's own, and the embedded one."""
    return Engines(
        reference=lambda: _energy_and_forces(make_reference(config)),
        embedded=lambda charge: _energy_and_forces(TbliteReference(TbliteSettings(charge=charge))),
    )


def _energy_and_forces(reference: Reference) -> EnergyAndForces:
    def call(atoms: Atoms) -> tuple[float, FloatArray]:
        label = reference.label(atoms)
        return label.energy, label.forces

    return call


def check_reference(reference: Reference, atoms: Atoms) -> None:
    """Refuse a system that the reference can never label, before anything is written.

    Raises
    ------
    StructureError
        Naming the elements and the code.
    """
    supported = reference.elements_supported()
    if supported is None:
        return
    missing = sorted(set(atoms.get_chemical_symbols()) - supported)
    if missing:
        method = reference.describe().get("method", "the reference code")
        raise StructureError(
            f"{method} cannot treat {', '.join(missing)}; "
            "choose another `reference` or change the system"
        )


def make_force_field(config: RunConfig, atoms: Atoms) -> ForceField | None:
    """Return the force field a run starts with: new, or learned before; None in mode aimd."""
    if config.mode == "aimd":
        return None
    if config.force_field.model is not None:
        return ForceField.load(Path(config.force_field.model))
    elements = sorted(set(atoms.get_chemical_symbols()))
    return ForceField(elements, config.force_field.accuracy)


def make_calculator(
    config: RunConfig, atoms: Atoms, reference: Reference, files: RunFiles
) -> AdaptiveCalculator:
    """Return the adaptive calculator of a run, writing to the files of its directory."""
    dynamics = config.dynamics
    has_thermostat = not isinstance(dynamics, VelocityVerletConfig)
    return AdaptiveCalculator(
        reference=reference,
        force_field=make_force_field(config, atoms),
        mode=config.mode,
        settings=config.learning,
        seed=config.seed,
        dataset=files.dataset,
        on_decision=files.ledger.append,
        on_event=files.events.append,
        target_temperature=dynamics.temperature_K if has_thermostat else None,
        timestep_fs=dynamics.timestep_fs,
    )
