"""Sums of force errors against the plain formulas."""

import numpy as np
import pytest

from aofl.bayes.error_statistics import error_sums, total
from aofl.records import ErrorSums


@pytest.fixture
def frames():
    rng = np.random.default_rng(7)
    symbols = ["O", "H", "H", "Na"]
    return [(rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), symbols) for _ in range(6)]


def test_sums_of_a_frame_are_those_of_its_components(frames):
    predicted, reference, symbols = frames[0]
    errors = np.abs(predicted - reference)
    found = error_sums(predicted, reference, symbols)
    assert list(found) == ["H", "Na", "O"]
    assert found["H"].n == 6
    assert found["H"].rmse == pytest.approx(np.sqrt(np.mean(errors[1:3] ** 2)))
    assert found["Na"].mae == pytest.approx(np.mean(errors[3]))
    assert found["O"].max == np.max(errors[0])
    assert total(found.values()).rmse == pytest.approx(np.sqrt(np.mean(errors**2)))


def test_sums_add_up_in_any_grouping(frames):
    one, two, three = (error_sums(*frame)["H"] for frame in frames[:3])
    left, right = (one + two) + three, one + (two + three)
    assert left.n == right.n
    assert left.sum_sq == pytest.approx(right.sum_sq)
    assert left.max == right.max


def test_no_data_gives_no_figure():
    assert ErrorSums().rmse is None
    assert ErrorSums().mae is None
    assert total([]) == ErrorSums()
