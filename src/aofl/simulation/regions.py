"""The regions of a Langevin thermostat: what is asked of each atom, and what each region has.

Each atom has its own noise, so each may have its own temperature: the metal and the electrolyte,
for instance. Between two temperatures heat flows, and what comes is a steady state, no equilibrium.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms, units
from ase.constraints import FixAtoms

from aofl.config.dynamics import DynamicsConfig, LangevinConfig
from aofl.config.regions import RegionConfig
from aofl.errors import ConfigError
from aofl.records import FloatArray, IntArray
from aofl.schedule import Schedule, mean


def regions_of(config: DynamicsConfig) -> list[RegionConfig]:
    """Return the regions of a thermostat, none where it has one temperature."""
    return config.regions if isinstance(config, LangevinConfig) else []


def temperatures(config: LangevinConfig, atoms: Atoms, time_fs: float) -> FloatArray:
    """Return what is asked of each atom at a time, K, shape (n, 1)."""
    asked = np.full((len(atoms), 1), config.target_temperature.at(time_fs))
    for region in config.regions:
        asked[region.members(atoms.get_chemical_symbols())] = region.target.at(time_fs)
    return asked


def mean_target(config: DynamicsConfig, atoms: Atoms) -> Schedule | None:
    """Return what is asked of all atoms in the mean, K; None without a thermostat."""
    target = config.target_temperature
    if target is None or not regions_of(config):
        return target
    symbols = atoms.get_chemical_symbols()
    members = [region.members(symbols) for region in regions_of(config)]
    rest = len(atoms) - sum(map(len, members))
    return mean(
        [target, *(region.target for region in regions_of(config))], [rest, *map(len, members)]
    )


def region_temperatures(config: DynamicsConfig, atoms: Atoms) -> list[float]:
    """Return the kinetic temperature of each region and of the other atoms, K.

    Frozen atoms do not count; a region without another has 0 K.
    """
    symbols = atoms.get_chemical_symbols()
    groups = [region.members(symbols) for region in regions_of(config)]
    rest = sorted(set(range(len(atoms))) - {k for group in groups for k in group})
    return [_temperature(atoms, np.array(group, int)) for group in [*groups, rest] if group]


def _temperature(atoms: Atoms, group: IntArray) -> float:
    frozen = [c.get_indices() for c in atoms.constraints if isinstance(c, FixAtoms)]
    group = np.setdiff1d(group, np.concatenate(frozen) if frozen else [])
    momenta, masses = atoms.get_momenta()[group], atoms.get_masses()[group]
    energy = 0.5 * float((momenta**2 / masses[:, None]).sum())
    return 2 * energy / (3 * max(len(group), 1) * units.kB)


def check_regions(config: DynamicsConfig, atoms: Atoms) -> None:
    """Refuse regions that do not fit a structure.

    Raises
    ------
    ConfigError
        If a region has no atom, an atom is not there, or is in two regions.
    """
    seen: dict[int, int] = {}
    for n, region in enumerate(regions_of(config), start=1):
        members = region.members(atoms.get_chemical_symbols())
        if not members or members[-1] >= len(atoms):
            raise ConfigError(
                f"`dynamics.regions`: region {n} ({region.atoms or ', '.join(region.elements)}) "
                f"names atoms that are not there; the structure has {len(atoms)}, "
                f"{atoms.get_chemical_formula(mode='metal')}, with indices from 0"
            )
        twice = [k for k in members if k in seen]
        if twice:
            raise ConfigError(
                f"`dynamics.regions`: atom {twice[0]} ({atoms.symbols[twice[0]]}) is in region "
                f"{seen[twice[0]]} and in region {n}; let it be in one"
            )
        seen |= dict.fromkeys(members, n)
