"""Schedules: the value at any time, and how they are written and refused."""

from __future__ import annotations

import numpy as np
import pytest

from aofl.config import LearningConfig, config_from_mapping, dump_config
from aofl.config.plain_yaml import read_yaml
from aofl.errors import ConfigError
from aofl.learning.observe import Conditions
from aofl.learning.rules.policy import mode_of
from aofl.schedule import Schedule

MELT = [
    {"ps": 0, "K": 300},
    {"ps": 1, "K": 300},
    {"ps": 3, "K": 900},
    {"ps": 4, "K": 900},
    {"ps": 4, "K": 200},
]


def configured(temperature: object, name: str = "langevin") -> object:
    return config_from_mapping(
        {
            "system": {"structure": "some.xyz"},
            "dynamics": {
                "name": name, "timestep_fs": 1.0, "temperature_K": temperature, "steps": 5000,
            },
        }
    )  # fmt: skip


@pytest.fixture
def melt() -> Schedule:
    return configured(MELT).dynamics.target_temperature


@pytest.mark.parametrize(
    ("time_fs", "value"),
    [
        (0, 300),
        (1000, 300),
        (1500, 450),
        (2000, 600),
        (3500, 900),
        (3999, 900),
        (4000, 200),
        (9e9, 200),
    ],
)
def test_lines_join_the_points_and_two_at_one_time_are_a_step(melt, time_fs, value) -> None:
    assert melt.at(time_fs) == pytest.approx(value)


def test_it_is_what_interpolation_says_between_the_points(melt) -> None:
    times = np.linspace(1, 3999, 500)
    assert np.allclose([melt.at(t) for t in times], np.interp(times, melt.times_fs, melt.values))


def test_a_number_is_the_schedule_of_one_value() -> None:
    given = configured(350).dynamics
    assert (given.target_temperature.at(0), given.target_temperature.at(7e5)) == (350, 350)
    assert configured(350, "velocity_verlet").dynamics.target_temperature is None


def test_the_highest_of_a_span_is_found_between_its_ends(melt) -> None:
    spans = np.random.default_rng(0).uniform(-500, 5000, (200, 2))
    for since, until in np.sort(spans[spans.max(axis=1) > 0]):
        grid = np.linspace(max(since, 0), until, 2001)
        assert melt.highest(since, until) == pytest.approx(max(map(melt.at, grid)), abs=2)


def test_after_a_quench_the_atoms_may_be_as_hot_as_they_just_were(melt) -> None:
    settings = LearningConfig()
    given = Conditions(
        mode=mode_of("aofl", settings),
        settings=settings,
        target_temperature=melt,
        relaxation_fs=100.0,
    )
    assert [given.temperature_at(step) for step in (0, 2000, 4000, 4499, 4501)] == [
        300, 600, 900, 900, 200,
    ]  # fmt: skip


def test_it_is_read_back_as_it_was_written(tmp_path) -> None:
    (tmp_path / "run.yaml").write_text(dump_config(configured(MELT)))
    assert config_from_mapping(read_yaml(tmp_path / "run.yaml")) == configured(MELT)


@pytest.mark.parametrize(
    ("temperature", "sentence"),
    [
        ("warm", r"`dynamics.temperature_K` is 'warm'; it should be a valid number"),
        (-3, r"`dynamics.temperature_K` is -3; it should be greater than 0"),
        ([], r"`dynamics.temperature_K`: the points are at no ps; expected 0 first"),
        (None, r"`dynamics.temperature_K`: null is neither a number nor a list of points"),
        ({"ps": 0, "K": 3}, r"'K': 3\} is neither a number nor a list of points such as \{ps: 5"),
        ([300, 900], r"point 1 is 300; expected one such as \{ps: 5, K: 900\}"),
        ([{"ps": 0, "K": 300}, {"ps": 1, "k": 2}], r"point 2 is \{'ps': 1, 'k': 2\}; expected"),
        ([{"ps": 0, "K": -3}], r"point 1 asks for -3 K; expected more than 0"),
        ([{"ps": 1, "K": 300}], r"the points are at 1 ps; expected 0 first"),
        ([{"ps": 0, "K": 3}, {"ps": 2, "K": 3}, {"ps": 1, "K": 3}], r"at 0, 2, 1 ps; expected"),
    ],
)
def test_what_is_no_schedule_is_told_with_the_point_that_is_wrong(temperature, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        configured(temperature)


def test_constant_energy_takes_one_temperature_alone() -> None:
    with pytest.raises(ConfigError, match=r"`dynamics.temperature_K` is .*valid number"):
        configured(MELT, "velocity_verlet")
