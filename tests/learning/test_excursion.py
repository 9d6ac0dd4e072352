"""Excursions of the temperature: where they begin, go on and end, and what is said."""

from __future__ import annotations

import math

import pytest

from aofl.learning.excursion import followed, word_about_excursion
from aofl.learning.learner_state import PathState

SIGMA = math.sqrt(2.0 / (3.0 * 66))


def path(step: int, hot: tuple[int, int] | None = None) -> PathState:
    return PathState(step=step, limit=0.3, hot=hot)


def after(step: int, deviations: float, hot: tuple[int, int] | None = None) -> object:
    temperature = 700.0 * (1 + deviations * SIGMA)
    return followed(path(step, hot), temperature, 700.0, 66).hot


@pytest.mark.parametrize(("deviations", "hot"), [(5.9, None), (6.1, (40, 40))])
def test_it_begins_six_deviations_above(deviations: float, hot: object) -> None:
    assert after(40, deviations) == hot


def test_it_goes_on_until_it_is_within_three() -> None:
    assert after(41, 3.1, hot=(40, 40)) == (40, 41)
    assert after(41, 2.9, hot=(40, 40)) == (40, 40)


def test_the_next_one_has_its_own_beginning() -> None:
    assert after(90, 3.1, hot=(40, 60)) == (40, 60)
    assert after(90, 6.1, hot=(40, 60)) == (90, 90)


def test_a_small_cell_scatters_more() -> None:
    assert followed(path(3), 1300.0, 700.0, 66).hot == (3, 3)
    assert followed(path(3), 1300.0, 700.0, 8).hot is None


def test_without_a_thermostat_there_is_none() -> None:
    assert followed(path(3), 1e6, None, 66).hot is None
    assert word_about_excursion(path(3, (3, 3)), 1e6, None, 1.5) is None


def test_its_beginning_is_told_once() -> None:
    said = word_about_excursion(path(3, (3, 3)), 3138.0, 700.0, 1.5)
    assert said is not None
    assert (said.step, said.time_fs, said.temperature_K, said.target_K) == (3, 1.5, 3138.0, 700.0)
    assert "3138 K where the thermostat asks for 700 K" in said.message
    assert word_about_excursion(path(4, (3, 4)), 3138.0, 700.0, 2.0) is None
    assert word_about_excursion(path(9, (3, 4)), 700.0, 700.0, 4.5) is None
