"""One row of `thermo.csv`; the fields are its columns, in their order."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

Source = Literal["reference", "ff"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermoRow:
    """The state of a run at one step.

    Attributes
    ----------
    step
        Counted from 0, the start structure.
    time_fs
        Simulated time, fs.
    temperature_K
        Kinetic temperature, K.
    potential_eV, kinetic_eV
        Energies of the whole cell, eV.
    energy_shift_eV
        What of the potential energy is jumps at labels and updates, eV.
    predicted_error_eV_per_A, threshold_eV_per_A
        Calibrated largest force error at the last look, and what it is held against, eV/Å; the
        error is empty where it is not known.
    source
        Whose forces were followed: "reference", or "ff" for the force field.
    n_labels, n_skips
        Labels so far, and labels that similarity spared.
    n_bonds, n_reactions
        Covalent bonds now, and reactions so far.
    target_K
        What the thermostat asks for, K; empty without one.
    volume_A3, pressure_GPa, target_GPa
        Of the cell, with the share of the moving atoms and along the normal where it alone moves,
        and what the barostat asks for; empty without one.
    bias_eV, restrained_A
        Energy of springs, walls and PLUMED, eV, which is in no other energy, and the lengths of the
        springs, Å, in their order with a space between; empty without a bias.
    regions_K
        Kinetic temperature of each region of the thermostat and, last, of the other atoms, K, with
        a space between; empty without regions. `target_K` is the mean over all atoms then.
    """

    step: int
    time_fs: float
    temperature_K: float  # noqa: N815 - the names are those of the columns
    potential_eV: float  # noqa: N815
    kinetic_eV: float  # noqa: N815
    energy_shift_eV: float  # noqa: N815
    predicted_error_eV_per_A: float | None  # noqa: N815
    threshold_eV_per_A: float  # noqa: N815
    source: Source
    n_labels: int
    n_skips: int
    n_bonds: int
    n_reactions: int
    target_K: float | None = None  # noqa: N815
    volume_A3: float | None = None  # noqa: N815
    pressure_GPa: float | None = None  # noqa: N815
    target_GPa: float | None = None  # noqa: N815
    bias_eV: float | None = None  # noqa: N815
    restrained_A: str | None = None  # noqa: N815
    regions_K: str | None = None  # noqa: N815


THERMO_COLUMNS = tuple(column.name for column in fields(ThermoRow))
