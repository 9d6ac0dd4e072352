"""Whether a structure and its reference can be held at a pressure, or put under a bias."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from aofl.config.dynamics import DynamicsConfig, MtkConfig, NoseHooverConfig
from aofl.config.references import Cp2kConfig
from aofl.config.schema import (
    RunConfig,
)
from aofl.errors import ConfigError, StructureError
from aofl.forcefield.rows import widest_gap
from aofl.reference import Reference
from aofl.simulation.bias import check_bias
from aofl.simulation.regions import check_regions
from aofl.structure import Structure

LARGEST_GAP = 5.0  # Å: an interface that was built apart closes it, vacuum does not
KEEPS_THE_CELL = "take `dynamics.name: bussi`, which keeps the cell"
RIGHT_ANGLE = 1e-6  # cosine


def check_conditions(config: RunConfig, atoms: Atoms, reference: Reference) -> None:
    """Refuse a cell that cannot be pressed on, a pressure that is none, and a bias that fits not.

    Raises
    ------
    StructureError
        If the cell is not periodic, holds vacuum or frozen atoms, or has no normal to move along.
    ConfigError
        If the reference gives no stress, or one that is off by gigapascals and is not asked for;
        or if a bias or the regions of the thermostat do not fit the structure.
    """
    dynamics = config.dynamics
    if isinstance(dynamics, MtkConfig):
        _check_cell(dynamics, atoms)
        _check_stress(config, dynamics, reference)
    check_regions(dynamics, atoms)
    if config.bias is not None:
        check_bias(config, config.bias, atoms)


def _check_cell(dynamics: MtkConfig, atoms: Atoms) -> None:
    if not atoms.pbc.all():
        raise StructureError(
            "`dynamics.pressure_GPa` needs a cell that is periodic along a, b and c, and that of "
            f"the start structure is so along {atoms.pbc.sum()} of them; {KEEPS_THE_CELL}"
        )
    if atoms.constraints:
        raise StructureError(
            "`dynamics.name` is 'mtk', which cannot keep frozen atoms where they are in a cell "
            f"that moves; leave out `frozen_layers`, or {KEEPS_THE_CELL}"
        )
    gap = widest_gap(Structure.of(atoms))
    if gap > LARGEST_GAP:
        raise StructureError(
            f"the cell has {gap:.1f} Å of vacuum (at most {LARGEST_GAP:g} Å), which "
            f"`dynamics.pressure_GPa` would only close; fill it, or {KEEPS_THE_CELL}"
        )
    a, b, c = np.array(atoms.cell) / atoms.cell.lengths()[:, None]
    if dynamics.cell == "normal" and max(abs(a @ c), abs(b @ c)) > RIGHT_ANGLE:
        raise StructureError(
            "`dynamics.cell` is 'normal', but the cell vector c is not normal to a and b; take "
            "'isotropic' or 'full', or a cell whose c is"
        )


def _check_stress(config: RunConfig, dynamics: MtkConfig, reference: Reference) -> None:
    code = config.reference
    if isinstance(code, Cp2kConfig) and code.input is None and not code.stress:
        raise ConfigError(
            "`reference.stress` is false, and `dynamics.pressure_GPa` follows the stress; set it "
            "to true"
        )
    if reference.is_semi_empirical and not dynamics.trust_pressure:
        raise ConfigError(
            "`dynamics.pressure_GPa` follows the pressure of the reference, and that of a "
            "semi-empirical method can be off by gigapascals (GFN1-xTB: 9.4 GPa for sodium at its "
            "measured lattice constant); look at it with `aofl validate`, take a DFT reference or "
            "a fixed cell, or set `dynamics.trust_pressure: true`"
        )


def by_itself(config: RunConfig) -> RunConfig:
    """Return the configuration of a run that learns no labels of neighbours."""
    labels = config.labels.model_copy(update={"share_with": None})
    return config.model_copy(update={"labels": labels})


def at_fixed_cell(dynamics: DynamicsConfig) -> DynamicsConfig:
    """Return the dynamics of a stage: of a molecule in vacuum no pressure can be held."""
    if not isinstance(dynamics, MtkConfig):
        return dynamics
    return NoseHooverConfig(
        name="nose_hoover",
        timestep_fs=dynamics.timestep_fs,
        steps=dynamics.steps,
        temperature_K=dynamics.temperature_K,
        time_constant_fs=dynamics.time_constant_fs,
    )
