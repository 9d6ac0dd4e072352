"""The bias: springs, walls and PLUMED, which act on the dynamics and never on a label.

It is added where the integrator asks for forces, after the learner has answered, so labels, learned
forces, rules and audits are those of the reference alone. Springs and walls are a function of
positions and step, without a memory: a rewind and a resume have nothing of them to put back. What
PLUMED remembers is in `aofl.simulation.plumed`.

A spring is k/2 (d - d0(t))^2 of the distance d of two atoms, to the nearest image; a wall is
k/2 (h - h0)^2 of each atom whose height h along the normal of a and b is beyond h0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.abc import GetPropertiesMixin
from ase.geometry import find_mic
from ase.stress import full_3x3_to_voigt_6_stress

from aofl.config.bias import BiasConfig, RestraintConfig, WallConfig
from aofl.config.dynamics import MtkConfig
from aofl.config.schema import (
    RunConfig,
)
from aofl.errors import ConfigError
from aofl.learning.adaptive_calculator import AdaptiveCalculator
from aofl.records import FloatArray
from aofl.simulation.plumed import PlumedBias, check_plumed
from aofl.simulation.push import Push

FURTHEST = 1.0  # Å beyond a wall that a run may start from


def push(bias: BiasConfig, atoms: Atoms, time_fs: float) -> Push:
    """Return energy, forces and virial of springs and walls at a time."""
    forces, virial = np.zeros((len(atoms), 3)), np.zeros((3, 3))
    energy, lengths = 0.0, []
    for spring in bias.restrain:
        i, j = spring.atoms
        vector, length = pair(atoms, spring)
        beyond = length - spring.target.at(time_fs)
        slope = spring.stiffness_eV_per_A2 * beyond * vector / length  # dE/dr_j
        forces[i] += slope
        forces[j] -= slope
        virial += np.outer(slope, vector)
        energy += 0.5 * spring.stiffness_eV_per_A2 * beyond**2
        lengths.append(length)
    if bias.wall is not None:
        beyond_wall, normal = outside(bias.wall, atoms)
        energy += 0.5 * bias.wall.stiffness_eV_per_A2 * float(beyond_wall @ beyond_wall)
        forces -= bias.wall.stiffness_eV_per_A2 * np.outer(beyond_wall, normal)
    return Push(energy=energy, forces=forces, virial=virial, lengths=tuple(lengths))


def pair(atoms: Atoms, spring: RestraintConfig) -> tuple[FloatArray, float]:
    """Return the vector between the atoms of a spring, to the nearest image, and its length, Å."""
    i, j = spring.atoms
    vector, length = find_mic(atoms.positions[j] - atoms.positions[i], atoms.cell, atoms.pbc)
    return np.asarray(vector), float(length)


def outside(wall: WallConfig, atoms: Atoms) -> tuple[FloatArray, FloatArray]:
    """Return how far each atom is beyond a plane, with its sign, Å, (n,), and the normal, (3,)."""
    normal = np.cross(atoms.cell[0], atoms.cell[1])
    normal /= np.linalg.norm(normal)
    heights = atoms.positions @ normal
    low = -np.inf if wall.above_A is None else wall.above_A
    high = np.inf if wall.below_A is None else wall.below_A
    return heights - np.clip(heights, low, high), normal


class BiasedCalculator(GetPropertiesMixin):
    """The learner's calculator with a bias on top, for the integrator alone.

    It keeps nothing: what the learner has accepted is asked for each time, and its step says where
    the bias stands. `plumed` is what has a memory, None where there is none.
    """

    def __init__(
        self,
        learned: AdaptiveCalculator,
        bias: BiasConfig,
        timestep_fs: float,
        plumed: PlumedBias | None = None,
    ) -> None:
        self.learned, self.bias, self.timestep_fs = learned, bias, timestep_fs
        self.plumed = plumed

    def now(self, atoms: Atoms) -> Push:
        """Return what the bias does at the last step that was accepted."""
        step = self.learned.state.path.step
        own = push(self.bias, atoms, step * self.timestep_fs)
        return own if self.plumed is None else own + self.plumed.at(step, atoms)

    def get_property(self, name: str, atoms: Any = None, allow_calculation: bool = True) -> Any:
        """Return a property by its ASE name, the bias included."""
        value = self.learned.get_property(name, atoms, allow_calculation)  # type: ignore[no-untyped-call]
        if value is None:
            return None
        match name:
            case "energy" | "free_energy":
                return value + self.now(atoms).energy
            case "forces":
                return value + self.now(atoms).forces
            case "stress":
                return value + full_3x3_to_voigt_6_stress(
                    self.now(atoms).virial / atoms.get_volume()
                )
            case _:
                return value


def attach(atoms: Atoms, learned: AdaptiveCalculator, config: RunConfig, plumed: Path) -> None:
    """Let atoms follow what was learned, and a bias where there is one.

    `plumed` is the folder of the files of PLUMED, which is yet to be begun or restarted.
    """
    bias, dynamics = config.bias, config.dynamics
    if bias is None:
        atoms.calc = learned
        return
    engine = None if bias.plumed is None else PlumedBias(plumed, dynamics)
    atoms.calc = BiasedCalculator(learned, bias, dynamics.timestep_fs, engine)


def plumed_of(atoms: Atoms) -> PlumedBias | None:
    """Return the PLUMED that atoms follow, None without one."""
    return getattr(atoms.calc, "plumed", None)


def check_bias(config: RunConfig, bias: BiasConfig, atoms: Atoms) -> None:
    """Refuse a bias that does not fit a structure.

    Raises
    ------
    ConfigError
        If an atom is not there or lies beyond a wall, a wall stands in a cell that moves, or PLUMED
        is missing or does not take its input.
    """
    if bias.plumed is not None:
        check_plumed(Path(bias.plumed), atoms, config.dynamics)
    for n, spring in enumerate(bias.restrain, start=1):
        if max(spring.atoms) >= len(atoms):
            raise ConfigError(
                f"`bias.restrain`: spring {n} is between atoms {spring.atoms}, and the structure "
                f"has {len(atoms)}; expected indices from 0 to {len(atoms) - 1}"
            )
    if bias.wall is None:
        return
    if isinstance(config.dynamics, MtkConfig):
        raise ConfigError(
            "`bias.wall` stands in space, and `dynamics.name: mtk` moves the cell; "
            "leave one of them out"
        )
    beyond = np.abs(outside(bias.wall, atoms)[0])
    if beyond.max() > FURTHEST:
        worst = int(beyond.argmax())
        raise ConfigError(
            f"`bias.wall`: {atoms.symbols[worst]} {worst} starts {beyond[worst]:.1f} Å beyond it; "
            f"move the plane (heights count along the normal of a and b, from the origin)"
        )
