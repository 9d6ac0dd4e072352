"""The uncertainty rule: calibrated errors above their thresholds, and when to look at them."""

from __future__ import annotations

import numpy as np
import pytest
from rule_cases import SETTINGS, observation, prediction, state

from aofl.learning.element_calibration import ElementCalibration
from aofl.learning.rules.uncertainty import GROWTH, has_grown, uncertainty


@pytest.mark.parametrize(("std", "action"), [(0.149, "accept"), (0.151, "label")])
def test_labels_above_the_calibrated_threshold(std: float, action: str) -> None:
    # c = 2, threshold = 0.3 eV/Å: the limit on the deviation is 0.15 eV/Å.
    verdict = uncertainty(observation(prediction=prediction(std)), state(), SETTINGS)
    assert verdict.action == action


def test_the_noise_belongs_to_the_error() -> None:
    noisy = state(force_noise=0.14)
    verdict = uncertainty(observation(noisy, prediction=prediction(0.06)), noisy, SETTINGS)
    assert verdict.action == "label"


def test_elements_are_calibrated_apart() -> None:
    usual = state().calibration
    uneven = state(calibration={**usual, "H": ElementCalibration(ratios=(4.0,) * 20)})
    seen = observation(uneven, prediction=prediction(0.1))
    judged = seen.judged
    np.testing.assert_allclose(judged.errors, [0.2, 0.4, 0.4])
    assert (judged.atom, judged.error, judged.limit) == (1, pytest.approx(0.4), 0.3)
    verdict = uncertainty(seen, uneven, SETTINGS)
    assert (verdict.action, verdict.element) == ("label", "H")


def test_a_look_is_due_where_one_atom_grew_however_small_its_deviation() -> None:
    seen = [1.0, 0.01, 0.2]
    assert not has_grown(np.array(seen), seen)
    assert not has_grown(GROWTH * np.array(seen), seen)
    assert has_grown(np.array([1.0, 0.01 * GROWTH * 1.001, 0.2]), seen)
    assert has_grown(None, seen)
    assert has_grown(np.array(seen), [])
    assert has_grown(np.array(seen), seen[:2])
