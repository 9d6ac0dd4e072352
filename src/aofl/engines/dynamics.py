"""LAMMPS in the place of one of ASE's integrators: `step` moves the atoms, as theirs do.

LAMMPS asks for forces once in a step, after the atoms have moved, and the calculator of the atoms
is asked in turn, as ASE's integrators would: learner, rules and reference know no difference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms

from aofl.config.dynamics import (
    BussiConfig,
    DynamicsConfig,
    LangevinConfig,
    VelocityVerletConfig,
)
from aofl.engines.crew import Crew
from aofl.engines.shared import SharedForceField
from aofl.errors import ConfigError
from aofl.rng import generator

LARGEST_SEED = 900_000_000 - 100_000  # LAMMPS adds the number of the rank


class LammpsDynamics:
    """Atoms that LAMMPS moves.

    It starts LAMMPS at the first step, and after `settle` at the next one: what follows is then a
    function of positions, momenta and forces, as after a resume. `rng` is set before each step; the
    seed of a thermostat is drawn from it when LAMMPS is started.
    """

    def __init__(self, config: DynamicsConfig, atoms: Atoms, force_field: SharedForceField) -> None:
        self.rng = generator(0, "thermostat")
        self._config, self._atoms, self._force_field = config, atoms, force_field
        self._is_started = False
        self._failure: Exception | None = None
        integrator(config, 1)

    def step(self) -> None:
        """Make one step; what the calculator raises in it is raised here.

        Raises
        ------
        RunStopped, StructureError, ConfigError
            If LAMMPS cannot go on.
        """
        crew = self._force_field.crew
        if not self._is_started:
            crew.rank.decide = self._go_on
            seed = int(self.rng.integers(1, LARGEST_SEED))
            crew.load(self._atoms, integrator(self._config, seed))
            self._is_started = True
        crew.rank.decide = self._decide
        crew.move()
        if self._failure is not None:
            failure, self._failure, self._is_started = self._failure, None, False
            raise failure

    def settle(self) -> None:
        """Let LAMMPS start anew at the next step."""
        self._is_started = False

    def _go_on(self) -> None:
        """Answer with the forces that were accepted last, where the atoms still are."""
        self._answer(self._force_field.crew, self._calculator.results)

    def _decide(self) -> None:
        """Ask the calculator; where it refuses, LAMMPS gets no forces, and nobody looks at them."""
        crew = self._force_field.crew
        crew.follow()
        self._force_field.is_asked = True
        try:
            self._atoms.get_forces(apply_constraint=False)
        except Exception as failure:
            self._failure = failure
            crew.apply(0.0, np.zeros(6), np.zeros((len(self._atoms), 3)))
        else:
            self._answer(crew, self._calculator.results)
        finally:
            self._force_field.is_asked = False

    def _answer(self, crew: Crew, results: dict[str, Any]) -> None:
        made = crew.prediction
        is_prediction = made is not None and results["forces"] is made.forces
        forces = None if is_prediction and self._is_started else results["forces"]
        crew.apply(float(results["energy"]), np.asarray(results["stress"]), forces)

    @property
    def _calculator(self) -> Any:
        return self._atoms.calc


def integrator(config: DynamicsConfig, seed: int) -> list[str]:
    """Return the commands of time step, integrator and thermostat, of the group `mobile`.

    Raises
    ------
    ConfigError
        If LAMMPS cannot go on with this thermostat from positions and momenta alone.
    """
    commands = [f"timestep {config.timestep_fs / 1000!r}", "fix motion mobile nve"]
    target = f"{config.initial_temperature!r} {config.initial_temperature!r}"
    match config:
        case VelocityVerletConfig():
            return commands
        case LangevinConfig():
            thermostat = f"langevin {target} {1 / config.friction_per_ps!r} {seed}"
        case BussiConfig():
            thermostat = f"temp/csvr {target} {config.time_constant_fs / 1000!r} {seed}"
        case _:
            raise ConfigError(
                f"`dynamics.name` is {config.name!r}, whose chain `engine: lammps` cannot go on "
                "with after a checkpoint; choose langevin, bussi or velocity_verlet"
            )
    return [*commands, f"fix thermostat mobile {thermostat}"]
