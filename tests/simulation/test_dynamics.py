"""Thermostats that follow a schedule: what they ask for, what they reach, and a kill on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT

from aofl.config import config_from_mapping
from aofl.simulation.dynamics import (
    advance,
    make_dynamics,
    restore_thermostat,
    set_initial_momenta,
    thermostat_state,
)

HEAT_AND_COOL = [
    {"ps": 0, "K": 200},
    {"ps": 0.2, "K": 800},
    {"ps": 0.3, "K": 800},
    {"ps": 0.3, "K": 100},
]
NAMES = ["langevin", "bussi", "nose_hoover"]


def settings(name: str, temperature: Any, **more: Any) -> Any:
    extra = {"friction_per_ps": 50.0} if name == "langevin" else {"time_constant_fs": 20.0}
    mapping = {
        "system": {"structure": "some.xyz"},
        "dynamics": {
            "name": name, "timestep_fs": 2.0, "temperature_K": temperature, "steps": 1000,
            **extra, **more,
        },
    }  # fmt: skip
    return config_from_mapping(mapping).dynamics


def copper(size: int = 3) -> Atoms:
    atoms = bulk("Cu", cubic=True) * (size, size, size)
    set_initial_momenta(atoms, 200.0, 3)
    atoms.calc = EMT()
    return atoms


def moved(atoms: Atoms, config: Any, first: int, last: int, state: Any = ()) -> Any:
    """Make steps `first + 1` to `last` with an integrator made afresh; return its state."""
    dynamics = make_dynamics(config, atoms, first)
    restore_thermostat(dynamics, np.array(state))
    for step in range(first + 1, last + 1):
        assert advance(dynamics, config, 7, step) is None
    return thermostat_state(dynamics)


@pytest.mark.parametrize("name", NAMES)
def test_a_constant_schedule_is_the_number_to_the_last_bit(name: str) -> None:
    one, other = copper(2), copper(2)
    moved(one, settings(name, 200.0), 0, 20)
    moved(other, settings(name, [{"ps": 0, "K": 200}, {"ps": 1, "K": 200}]), 0, 20)
    assert np.array_equal(one.positions, other.positions)


@pytest.mark.parametrize("name", NAMES)
def test_an_integrator_made_afresh_on_the_way_changes_no_bit(name: str) -> None:
    config = settings(name, HEAT_AND_COOL)
    one, other = copper(2), copper(2)
    moved(one, config, 0, 160)
    state = moved(other, config, 0, 80)
    moved(other, config, 80, 160, state)
    assert np.array_equal(one.positions, other.positions)
    assert np.array_equal(one.get_momenta(), other.get_momenta())


@pytest.mark.parametrize("name", NAMES)
def test_the_atoms_follow_heat_hold_and_quench(name: str) -> None:
    config = settings(name, HEAT_AND_COOL)
    atoms, dynamics = copper(), None
    dynamics = make_dynamics(config, atoms)
    seen = {}
    for step in range(1, 501):
        advance(dynamics, config, 7, step)
        seen[step] = atoms.get_temperature()
    hot = np.mean([seen[step] for step in range(110, 150)])
    cold = np.mean([seen[step] for step in range(300, 500)])
    sigma = 800 * np.sqrt(2 / (3 * len(atoms)))
    assert abs(hot - 800) < 3 * sigma
    assert abs(cold - 100) < 25


def test_the_period_of_a_chain_does_not_depend_on_the_temperature() -> None:
    config = settings("nose_hoover", HEAT_AND_COOL)
    atoms = copper(2)
    dynamics = make_dynamics(config, atoms)
    for step in (1, 100):
        advance(dynamics, config, 7, step)
        chain = dynamics._thermostat
        ratio = chain._Q[1] / (units.kB * config.target_temperature.at(step * 2.0))
        assert ratio == pytest.approx((20.0 * units.fs) ** 2)
