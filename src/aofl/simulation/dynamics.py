"""ASE's integrators by name, with the state that a bit-identical resume needs.

Positions, momenta and forces are kept by the caller. What is left is the thermostat's own state:
nothing for Langevin (its noise is a function of the step), one number for Bussi, the chain
variables for Nosé-Hoover.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md.bussi import Bussi
from ase.md.langevinbaoab import LangevinBAOAB
from ase.md.md import MolecularDynamics
from ase.md.nose_hoover_chain import NoseHooverChainNVT
from ase.md.verlet import VelocityVerlet

from aofl.config.schema import (
    BussiConfig,
    DynamicsConfig,
    LangevinConfig,
    NoseHooverConfig,
    VelocityVerletConfig,
)
from aofl.errors import StoreError
from aofl.learning.adaptive_calculator import RewindRequested
from aofl.records import FloatArray, Verdict
from aofl.rng import generator


def make_dynamics(config: DynamicsConfig, atoms: Atoms) -> Any:
    """Return the integrator; it asks the calculator of `atoms` for forces at once."""
    timestep = config.timestep_fs * units.fs
    # The generator is replaced before every step (`advance`).
    rng = generator(0, "thermostat")
    match config:
        case VelocityVerletConfig():
            return VelocityVerlet(atoms, timestep)
        case LangevinConfig():
            time_constant = 1000 * units.fs / config.friction_per_ps
            return LangevinBAOAB(
                atoms,
                timestep,
                temperature_K=config.initial_temperature,
                T_tau=time_constant,
                rng=rng,
            )
        case BussiConfig():
            time_constant = config.time_constant_fs * units.fs
            return Bussi(atoms, timestep, config.initial_temperature, time_constant, rng=rng)
        case NoseHooverConfig():
            damping = config.time_constant_fs * units.fs
            return NoseHooverChainNVT(atoms, timestep, config.initial_temperature, damping)


def advance(dynamics: Any, config: DynamicsConfig, seed: int, step: int) -> Verdict | None:
    """Make step number `step`; return the verdict that refused it, None where it was accepted.

    Random numbers depend on seed and step alone, and what the thermostat asks for on the step
    alone. What is an exception inside ASE's integrator is a value from here on.
    """
    if hasattr(dynamics, "rng"):
        dynamics.rng = generator(seed, "thermostat", step)
    if config.target_temperature is not None:
        set_target_temperature(dynamics, config.target_temperature.at(step * config.timestep_fs))
    try:
        dynamics.step()
    except RewindRequested as refusal:
        return refusal.verdict
    return None


def set_target_temperature(dynamics: MolecularDynamics, temperature_K: float) -> None:
    """Let a thermostat ask for another temperature from the next step on.

    The masses of a Nosé-Hoover chain are proportional to it: its period stays.
    """
    match dynamics:
        case LangevinBAOAB():
            dynamics.set_temperature(temperature_K)
        case Bussi():
            dynamics.temp = temperature_K * units.kB
            dynamics.target_kinetic_energy = 0.5 * dynamics.temp * dynamics.ndof
        case NoseHooverChainNVT():
            _set_chain(dynamics._thermostat, temperature_K)


def _set_chain(chain: Any, temperature_K: float) -> None:
    chain._kT = units.kB * temperature_K
    chain._Q[0] = 3 * chain._num_atoms_global * chain._kT * chain._tdamp**2
    chain._Q[1:] = chain._kT * chain._tdamp**2


def set_initial_momenta(atoms: Atoms, temperature_K: float, seed: int) -> None:
    """Draw Maxwell-Boltzmann momenta without drift of the centre of mass."""
    masses = atoms.get_masses()[:, None]
    spread = np.sqrt(masses * units.kB * temperature_K)
    momenta = spread * generator(seed, "velocities").standard_normal((len(atoms), 3))
    atoms.set_momenta(momenta - masses * momenta.sum(axis=0) / masses.sum())


def thermostat_state(dynamics: MolecularDynamics) -> FloatArray:
    """Return the thermostat's own variables as one array, empty if it has none."""
    match dynamics:
        case NoseHooverChainNVT():
            chain: Any = dynamics._thermostat
            return np.concatenate([chain._eta, chain._p_eta])
        case Bussi():
            return np.array([dynamics.transferred_energy])
        case _:
            return np.empty(0)


def restore_thermostat(dynamics: MolecularDynamics, state: FloatArray) -> None:
    """Put back what `thermostat_state` returned; nothing, an empty array, starts it afresh.

    Raises
    ------
    StoreError
        If it is the state of another thermostat.
    """
    if len(state) == 0:
        return
    expected = thermostat_state(dynamics).shape
    if state.shape != expected:
        raise StoreError(
            f"the thermostat of the checkpoint has {state.shape} variables, expected {expected}: "
            "it is of another version; start a new run"
        )
    match dynamics:
        case NoseHooverChainNVT():
            chain: Any = dynamics._thermostat
            chain._eta, chain._p_eta = (half.copy() for half in np.split(state, 2))
        case Bussi():
            dynamics.transferred_energy = float(state[0])
        case _:
            pass
