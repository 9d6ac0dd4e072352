"""The uncertainty rule: calibrated errors above their thresholds, and when to look at them."""

from __future__ import annotations

import numpy as np
import pytest
from rule_cases import SETTINGS, judgement, observation, prediction, state

from aofl.learning.element_calibration import ElementCalibration
from aofl.learning.rules.uncertainty import first_label, uncertainty


@pytest.mark.parametrize(("std", "action"), [(0.149, "accept"), (0.151, "label")])
def test_labels_above_the_calibrated_threshold(std: float, action: str) -> None:
    # c = 2, threshold = 0.3 eV/Å: the limit on the deviation is 0.15 eV/Å.
    verdict = uncertainty(observation(prediction=prediction(std)), state(), SETTINGS)
    assert verdict.action == action


@pytest.mark.parametrize(
    ("error", "action"), [(0.5, "accept"), (np.nextafter(0.5, 1.0), "label"), (np.nan, "label")]
)
def test_an_error_as_large_as_its_threshold_passes_and_none_above_or_unknown(
    error: float, action: str
) -> None:
    seen = observation(judgement=judgement([0.1, error, 0.2], [0.5, 0.5, 0.5]))
    verdict = uncertainty(seen, state(), SETTINGS)
    assert (verdict.action, verdict.rule) == (action, "uncertainty")


def test_the_atom_that_is_worst_beside_its_own_threshold_is_named() -> None:
    seen = observation(judgement=judgement([0.9, 0.6, 0.1], [1.0, 0.5, 0.5]))
    verdict = uncertainty(seen, state(), SETTINGS)
    assert (verdict.action, verdict.atom, verdict.element) == ("label", 1, "H")
    assert (verdict.value, verdict.threshold, verdict.unit) == (0.6, 0.5, "eV/Å")


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


def test_a_step_that_nobody_looked_at_passes_whatever_is_known() -> None:
    unseen = observation(prediction=prediction(None))
    for known in (state(), state(n_labels=0)):
        assert uncertainty(unseen, known, SETTINGS).action == "accept"


def test_before_the_first_label_every_step_is_asked_about() -> None:
    sure = observation(prediction=prediction(1e-9))
    first = uncertainty(sure, state(n_labels=0), SETTINGS)
    assert first == first_label(sure, state())
    assert (first.action, first.rule) == ("label", "initial")
    assert (first.value, first.threshold, first.unit) == (None, 0.3, "eV/Å")
    assert uncertainty(sure, state(n_labels=1), SETTINGS).action == "accept"
