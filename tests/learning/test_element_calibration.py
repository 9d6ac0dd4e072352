"""Calibration by element: it covers what it says, adapts both ways, and raises the alarm."""

from __future__ import annotations

import numpy as np
import pytest

from aofl.bayes.calibration import Z_90, adapted_width
from aofl.learning.element_calibration import ElementCalibration
from aofl.learning.rules.audit import is_drifting


@pytest.mark.parametrize("misjudged_by", [0.4, 1.0, 3.0])
def test_the_interval_covers_ninety_percent_whatever_the_scale_of_the_errors(
    misjudged_by: float,
) -> None:
    rng, trust = np.random.default_rng(1), ElementCalibration()
    inside = []
    for _ in range(200):
        s = np.exp(rng.normal(size=(10, 1))) * np.ones(3)
        hit, n = trust.note_errors(misjudged_by * s * rng.normal(size=s.shape), s)
        inside.append(hit / n)
    assert 0.85 < np.mean(inside[30:]) < 0.95
    assert trust.width == pytest.approx(misjudged_by * Z_90, rel=0.25)


def test_the_interval_follows_a_drift() -> None:
    rng, trust = np.random.default_rng(2), ElementCalibration()
    s = np.ones((10, 3))
    for k in range(120):
        trust.note_errors((1.0 if k < 60 else 4.0) * rng.normal(size=s.shape), s)
    inside = [trust.note_errors(4.0 * rng.normal(size=s.shape), s)[0] / 30 for _ in range(60)]
    assert 0.85 < np.mean(inside) < 0.95


def test_nothing_missed_narrows_and_all_missed_widens() -> None:
    assert adapted_width(2.0, 0.0) < 2.0 < adapted_width(2.0, 1.0)
    assert adapted_width(2.0, 0.1) == 2.0


def test_the_factor_is_that_of_the_largest_error() -> None:
    trust = ElementCalibration()
    for _ in range(20):
        trust.note_errors(np.diag([3.0, 3.0, 3.0]), np.full((3, 3), 1.0))
    assert trust.factor == pytest.approx(np.sqrt(3.0))


def test_a_small_error_that_was_foretold_smaller_does_not_count() -> None:
    trust = ElementCalibration()
    for _ in range(20):
        trust.note_errors(np.array([[2.0], [0.5]]) * np.ones(3), np.array([[1.0], [0.1]]))
    assert trust.factor == pytest.approx(2.0)


def test_the_alarm_comes_with_surprises_and_goes_with_them() -> None:
    usual, bad = [False, False, False, False, True] * 2, [True, True, False] * 3 + [True]
    assert not is_drifting(usual, False)
    assert is_drifting(bad, False)
    assert is_drifting([True] * 4 + [False] * 6, True)
    assert not is_drifting([True] * 3 + [False] * 7, True)
    assert not is_drifting([True] * 5, False)
