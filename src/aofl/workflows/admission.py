"""Whether a run can begin: all that it would refuse, asked before anything is written.

`check` and every verb that makes a run directory ask here, so that a run never refuses what `check`
called sound, and a run that refuses leaves no directory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from aofl.config.schema import RunConfig
from aofl.errors import ConfigError, ModelError, StoreError, StructureError
from aofl.forcefield.model import ForceField
from aofl.learning.adaptive_calculator import AdaptiveCalculator
from aofl.reference import Reference
from aofl.simulation.dynamics import make_dynamics
from aofl.store import format_atoms
from aofl.workflows.assemble import check_engine, check_reference, make_force_field
from aofl.workflows.conditions import check_conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What a run that can begin begins with.

    Attributes
    ----------
    data
        Of the reference code that the structure will be labelled with, for people.
    force_field
        New or learned before; None in mode aimd.
    """

    data: list[str]
    force_field: ForceField | None


def admit(config: RunConfig, atoms: Atoms, reference: Reference) -> Admission:
    """Return what a run begins with.

    Parameters
    ----------
    atoms
        As `aofl.workflows.build.build` returns them; not changed.

    Raises
    ------
    ConfigError, StructureError, ModelError
        If reference, force field, integrator or run directory cannot take the system.
    """
    data = check_reference(reference, atoms)
    try:
        format_atoms(atoms)
    except StoreError as error:
        raise StructureError(f"the start structure cannot be kept: {error}") from error
    force_field = make_force_field(config, atoms)
    _check_force_field(config, force_field, atoms, reference)
    check_conditions(config, atoms, reference)
    _check_dynamics(config, atoms)
    check_engine(config, atoms)
    return Admission(data=data, force_field=force_field)


def _check_force_field(
    config: RunConfig, force_field: ForceField | None, atoms: Atoms, reference: Reference
) -> None:
    if force_field is None:
        return
    unknown = sorted(set(atoms.get_chemical_symbols()) - set(force_field.elements))
    if unknown:
        raise ModelError(
            f"`force_field.model` knows {', '.join(force_field.elements)} but the structure holds "
            f"{', '.join(unknown)}; start a new force field with all elements"
        )
    # It refuses a model of another level of theory.
    AdaptiveCalculator(
        reference=reference,
        force_field=force_field,
        mode=config.mode,
        settings=config.learning,
        labels=config.labels,
    )


def _check_dynamics(config: RunConfig, atoms: Atoms) -> None:
    """Make the integrator on forces of zero; ASE's say in their own words what they cannot do."""
    copy: Any = atoms.copy()
    if copy.get_number_of_degrees_of_freedom() < 1:
        raise StructureError(
            f"all {len(atoms)} atoms are fixed, so nothing can move; leave some of them free"
        )
    copy.calc = SinglePointCalculator(copy, energy=0.0, forces=np.zeros((len(copy), 3)))
    try:
        make_dynamics(config.dynamics, copy)
    except (ValueError, RuntimeError, NotImplementedError) as error:
        raise ConfigError(
            f"`dynamics.name` is {config.dynamics.name!r}, which cannot begin with this system: "
            f"{str(error).rstrip('.')}; choose another"
        ) from error
