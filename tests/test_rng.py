"""Random numbers that depend on seed, stream and step alone."""

import numpy as np
import pytest

from aofl.rng import draw, generator


def test_a_draw_belongs_to_seed_stream_and_step():
    assert draw(3, "audit", 7) == draw(3, "audit", 7)
    others = {draw(3, "audit", 8), draw(4, "audit", 7), draw(3, "other", 7), draw(37, "audit", 0)}
    assert len(others | {draw(3, "audit", 7)}) == 5


def test_draws_are_uniform_and_not_correlated_from_step_to_step():
    drawn = np.array([draw(0, "audit", step) for step in range(20_000)])
    assert 0 <= drawn.min() < drawn.max() < 1
    counts, _ = np.histogram(drawn, bins=20, range=(0, 1))
    # Chi-squared of 19 degrees of freedom: above 44 once in a thousand.
    assert np.sum((counts - 1000) ** 2 / 1000) < 44
    assert np.corrcoef(drawn[1:], drawn[:-1])[0, 1] == pytest.approx(0, abs=4 / np.sqrt(20_000))


def test_streams_of_a_generator_are_told_apart():
    assert generator(0, "thermostat", 3).random() == generator(0, "thermostat", 3).random()
    assert generator(0, "thermostat", 3).random() != generator(0, "packing", 3).random()
