"""Calibration by element: it covers what it says, and adapts both ways."""

from __future__ import annotations

import numpy as np
import pytest

from aofl.bayes.calibration import HIGHEST, Z_90, adapted_width
from aofl.learning.element_calibration import CEILING, ElementCalibration


@pytest.mark.parametrize("misjudged_by", [0.4, 1.0, 3.0])
def test_the_interval_covers_ninety_percent_whatever_the_scale_of_the_errors(
    misjudged_by: float,
) -> None:
    rng, known = np.random.default_rng(1), ElementCalibration()
    inside = []
    for _ in range(200):
        s = np.exp(rng.normal(size=(10, 1))) * np.ones(3)
        errors = misjudged_by * s * rng.normal(size=s.shape)
        inside.append(known.inside(errors, s) / s.size)
        known = known.tested(errors, s)
    assert 0.85 < np.mean(inside[30:]) < 0.95
    assert known.width == pytest.approx(misjudged_by * Z_90, rel=0.25)


def test_the_interval_follows_a_drift() -> None:
    rng, known = np.random.default_rng(2), ElementCalibration()
    s, inside = np.ones((10, 3)), []
    for k in range(180):
        errors = (1.0 if k < 60 else 4.0) * rng.normal(size=s.shape)
        inside.append(known.inside(errors, s) / s.size)
        known = known.tested(errors, s)
    assert 0.85 < np.mean(inside[120:]) < 0.95


def test_nothing_missed_narrows_and_all_missed_widens() -> None:
    assert adapted_width(2.0, 0.0) < 2.0 < adapted_width(2.0, 1.0)
    assert adapted_width(2.0, 0.1) == 2.0


def repeated(errors: np.ndarray, s: np.ndarray) -> ElementCalibration:
    """Return the calibration after twenty equal tests."""
    known = ElementCalibration()
    for _ in range(20):
        known = known.tested(errors, s)
    return known


def test_the_factor_is_that_of_the_largest_error() -> None:
    known = repeated(np.diag([3.0, 3.0, 3.0]), np.full((3, 3), 1.0))
    assert known.factor == pytest.approx(np.sqrt(3.0))


def test_a_small_error_that_was_foretold_smaller_does_not_count() -> None:
    known = repeated(np.array([[2.0], [0.5]]) * np.ones(3), np.array([[1.0], [0.1]]) * np.ones(3))
    assert known.factor == pytest.approx(2.0)


def test_an_unreachable_target_gives_way_to_what_labels_reach() -> None:
    known = ElementCalibration(ratios=(2.0,) * 20, reached=(0.4,) * 10)
    assert known.threshold(0.4, 0.0) == pytest.approx(1.2 * 2.0 * 0.4)
    assert known.threshold(0.5, 0.3) == pytest.approx(1.2 * 2.0 * 0.5)
    assert known.threshold(0.1, 0.0) == pytest.approx(CEILING * 0.1)


def test_a_young_force_field_is_cautious() -> None:
    assert ElementCalibration().factor == HIGHEST
    few, more = (ElementCalibration(ratios=(2.0,) * n).factor for n in (3, 10))
    assert few > more > 2.0
