"""ASE's integrators by name, with the state that a bit-identical resume needs.

Positions, momenta and forces are kept by the caller. What is left is the thermostat's own state:
nothing for Langevin (its noise is a function of the step), one number for Bussi, the chain
variables for Nosé-Hoover, those and the momenta of the cell for constant pressure.
"""

from __future__ import annotations

import math
from operator import attrgetter
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md.bussi import Bussi
from ase.md.langevinbaoab import LangevinBAOAB
from ase.md.md import MolecularDynamics
from ase.md.nose_hoover_chain import MTKNPT, IsotropicMTKNPT, MaskedMTKNPT, NoseHooverChainNVT
from ase.md.verlet import VelocityVerlet

from aofl.config.dynamics import (
    BussiConfig,
    DynamicsConfig,
    LangevinConfig,
    MtkConfig,
    NoseHooverConfig,
    VelocityVerletConfig,
)
from aofl.engines.dynamics import LammpsDynamics
from aofl.engines.shared import SharedForceField
from aofl.errors import StoreError
from aofl.learning.adaptive_calculator import RewindRequested
from aofl.records import FloatArray, Verdict
from aofl.rng import generator
from aofl.simulation.regions import temperatures

STRAINS = 6  # of a cell that does not turn
ALONG_C = (False, False, True)  # what of the cell moves along the normal of the surface


def make_dynamics(config: DynamicsConfig, atoms: Atoms, step: int = 0) -> Any:
    """Return the integrator as it is after a step; it may ask the calculator of `atoms` at once.

    Where the ranks of LAMMPS share the force field, LAMMPS moves the atoms.
    """
    dynamics = _made(config, atoms)
    _aim(dynamics, config, step)
    return dynamics


def _made(config: DynamicsConfig, atoms: Atoms) -> Any:
    timestep, temperature = config.timestep_fs * units.fs, config.initial_temperature
    # The generator is replaced before every step (`advance`).
    rng = generator(0, "thermostat")
    force_field = getattr(atoms.calc, "force_field", None)
    if isinstance(force_field, SharedForceField):
        return LammpsDynamics(config, atoms, force_field)
    match config:
        case VelocityVerletConfig():
            return VelocityVerlet(atoms, timestep)
        case LangevinConfig():
            time_constant = 1000 * units.fs / config.friction_per_ps
            return LangevinBAOAB(
                atoms, timestep, temperature_K=temperature, T_tau=time_constant, rng=rng
            )
        case BussiConfig():
            time_constant = config.time_constant_fs * units.fs
            return Bussi(atoms, timestep, temperature, time_constant, rng=rng)
        case NoseHooverConfig():
            damping = config.time_constant_fs * units.fs
            return NoseHooverChainNVT(atoms, timestep, temperature, damping)
        case MtkConfig():
            return _barostatted(config, atoms)


def _barostatted(config: MtkConfig, atoms: Atoms) -> Any:
    given: dict[str, Any] = {
        "timestep": config.timestep_fs * units.fs,
        "temperature_K": config.initial_temperature,
        "pressure_au": config.target_pressure.at(0.0) * units.GPa,
        "tdamp": config.time_constant_fs * units.fs,
        "pdamp": config.pressure_time_fs * units.fs,
    }
    match config.cell:
        case "isotropic":
            return IsotropicMTKNPT(atoms, **given)
        case "full":
            return _with_six_strains(MTKNPT(atoms, **given))
        case "normal":
            # An array: to NumPy a tuple of booleans, as ASE 3.29 documents it, is no mask of axes.
            mask: Any = np.array(ALONG_C)
            return MaskedMTKNPT(atoms, **given, mask=mask)


def _with_six_strains(dynamics: MTKNPT) -> MTKNPT:
    """Return the integrator with a cell that has the temperature of the atoms.

    Its momentum is a symmetric matrix: six of ASE's nine degrees of freedom, whose kinetic energy
    would be shared by six, half as much again for each.
    """
    barostat: Any = dynamics._barostat
    barostat._R[0] *= STRAINS / barostat._cell_dof
    barostat._cell_dof = STRAINS
    return dynamics


def advance(dynamics: Any, config: DynamicsConfig, seed: int, step: int) -> Verdict | None:
    """Make step number `step`; return the verdict that refused it, None where it was accepted.

    Random numbers depend on seed and step alone, and what thermostat and barostat ask for on the
    step alone. What is an exception inside ASE's integrator is a value from here on.
    """
    if hasattr(dynamics, "rng"):
        dynamics.rng = generator(seed, "thermostat", step)
    _aim(dynamics, config, step)
    try:
        dynamics.step()
    except RewindRequested as refusal:
        return refusal.verdict
    return None


def _aim(dynamics: Any, config: DynamicsConfig, step: int) -> None:
    """Let thermostat and barostat ask for what they do at a step."""
    time_fs = step * config.timestep_fs
    if isinstance(config, LangevinConfig) and config.regions:
        # To ASE the temperature is a factor of each atom's noise: a column serves as a number does.
        dynamics.set_temperature(temperatures(config, dynamics.atoms, time_fs))
    elif config.target_temperature is not None:
        _set_target_temperature(dynamics, config.target_temperature.at(time_fs))
    if config.target_pressure is not None:
        dynamics._pressure_au = config.target_pressure.at(time_fs) * units.GPa


def _set_target_temperature(dynamics: MolecularDynamics, temperature_K: float) -> None:
    """Let a thermostat ask for another temperature from the next step on.

    The masses of chains and of a barostat are proportional to it, so that their periods stay; their
    momenta go with the masses, so that nothing jumps but the target.
    """
    match dynamics:
        case LangevinBAOAB():
            dynamics.set_temperature(temperature_K)
        case Bussi():
            dynamics.temp = temperature_K * units.kB
            dynamics.target_kinetic_energy = 0.5 * dynamics.temp * dynamics.ndof
        case NoseHooverChainNVT():
            _warm(dynamics._thermostat, temperature_K, "_p_eta", "_Q")
        case IsotropicMTKNPT() | MTKNPT():
            _warm(dynamics._thermostat, temperature_K, "_p_eta", "_Q")
            ratio = _warm(dynamics._barostat, temperature_K, "_p_xi", "_R", "_W")
            name = _cell_momentum(dynamics)
            setattr(dynamics, name, getattr(dynamics, name) * ratio)


def _warm(chain: Any, temperature_K: float, momenta: str, *masses: str) -> float:
    """Set the temperature of a chain, and its masses and momenta; return by how much they grow.

    The masses are those of its first temperature times a ratio: a function of the temperature
    alone, whatever was asked for in between.
    """
    kT = units.kB * temperature_K
    first: dict[str, Any] = vars(chain).setdefault(
        "_aofl_first", {"_kT": chain._kT, **{name: getattr(chain, name) for name in masses}}
    )
    growth: float = kT / chain._kT
    chain._kT = kT
    for name in masses:
        setattr(chain, name, first[name] * (kT / first["_kT"]))
    setattr(chain, momenta, getattr(chain, momenta) * growth)
    return growth


def _cell_momentum(dynamics: MolecularDynamics) -> str:
    match dynamics:
        case IsotropicMTKNPT():
            return "_p_eps"
        case MaskedMTKNPT():
            return "_p_c"
        case _:
            return "_p_g"


def settle(dynamics: Any) -> None:
    """Let the path from here on be that of a run resumed here; with ASE it always is."""
    if isinstance(dynamics, LammpsDynamics):
        dynamics.settle()


def set_initial_momenta(atoms: Atoms, temperature_K: float, seed: int) -> None:
    """Draw Maxwell-Boltzmann momenta without drift of the centre of mass."""
    masses = atoms.get_masses()[:, None]
    spread = np.sqrt(masses * units.kB * temperature_K)
    momenta = spread * generator(seed, "velocities").standard_normal((len(atoms), 3))
    atoms.set_momenta(momenta - masses * momenta.sum(axis=0) / masses.sum())


CHAIN = ("_thermostat._eta", "_thermostat._p_eta")
CELL_CHAIN = ("_barostat._xi", "_barostat._p_xi")


def _variables(dynamics: MolecularDynamics) -> tuple[str, ...]:
    """Return the attributes that an integrator remembers beside positions, momenta and cell."""
    match dynamics:
        case NoseHooverChainNVT():
            return CHAIN
        case Bussi():
            return ("transferred_energy",)
        case IsotropicMTKNPT():
            return (*CHAIN, *CELL_CHAIN, "_eps", "_p_eps", "_cell0", "_volume0")
        case MaskedMTKNPT():
            return (*CHAIN, *CELL_CHAIN, "_p_c", "_h0_basis")
        case MTKNPT():
            return (*CHAIN, *CELL_CHAIN, "_p_g")
        case _:
            return ()


def thermostat_state(dynamics: MolecularDynamics) -> FloatArray:
    """Return the own variables of thermostat and barostat as one array, empty if it has none."""
    own = [np.ravel(attrgetter(name)(dynamics)) for name in _variables(dynamics)]
    return np.concatenate([np.empty(0), *own])


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
    for name in _variables(dynamics):
        *path, last = name.split(".")
        owner = attrgetter(path[0])(dynamics) if path else dynamics
        shape = np.shape(getattr(owner, last))
        own, state = state[: math.prod(shape)], state[math.prod(shape) :]
        setattr(owner, last, own.reshape(shape).copy() if shape else float(own[0]))
