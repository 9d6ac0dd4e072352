"""The word about the target: when it is out of reach, when that changes, when it is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rule_cases import SYMBOLS, state

from aofl.learning.element_calibration import CEILING, ElementCalibration
from aofl.learning.learner_state import LearnerState
from aofl.learning.target import word_about_target
from aofl.records.events import TargetMissed

NOISE = 0.1


def reaching(oxygen: float, **changes: object) -> LearnerState:
    """Return a state whose labels reach so much on oxygen, eV/Å, and 0.12 on hydrogen."""
    quiet = ElementCalibration(ratios=(1.0,) * 20, reached=(0.0,))
    factor = oxygen / (1.2 * NOISE)
    worse = ElementCalibration(ratios=(factor,) * 20, reached=(0.0,))
    return state(calibration={"H": quiet, "O": worse}, force_noise=NOISE, **changes)


def word(known: LearnerState) -> TargetMissed | None:
    return word_about_target(known, step=7, time_fs=3.5)


def test_a_target_in_reach_or_nearly_so_needs_no_word() -> None:
    assert word(reaching(0.29)) is None
    assert word(reaching(0.32)) is None
    assert word(reaching(0.34)) is not None


def test_what_is_out_of_reach_is_named_with_what_is_reached() -> None:
    said = word(reaching(0.45))
    assert said is not None
    assert (said.step, said.time_fs, said.elements) == (7, 3.5, ("O",))
    assert (said.target_eV_per_A, said.reached_eV_per_A) == (0.3, pytest.approx(0.45))
    assert "target of 300 meV/Å is out of reach: forces on O can be off by 450" in said.message
    assert "labels are asked for above that" in said.message


def test_before_the_tenth_label_nothing_is_said() -> None:
    assert word(reaching(0.9, n_labels=9)) is None
    assert word(reaching(0.9, n_labels=10)) is not None


@pytest.mark.parametrize(
    ("now", "speaks"), [(0.45, False), (0.55, False), (0.57, True), (0.37, False), (0.35, True)]
)
def test_a_change_by_a_quarter_is_worth_another_word(now: float, speaks: bool) -> None:
    assert (word(reaching(now, told_reach=0.45)) is not None) is speaks


def test_that_it_is_kept_again_is_said_once() -> None:
    said = word(reaching(0.29, told_reach=0.45))
    assert said is not None
    assert said.elements == ()
    assert "kept again" in said.message
    assert word(reaching(0.29, told_reach=0.0)) is None


def test_strict_never_widens_and_says_what_that_means() -> None:
    wide, strict = reaching(0.6), reaching(0.6, is_strict=True)
    assert wide.threshold == pytest.approx(0.6)
    assert strict.threshold == 0.3
    np.testing.assert_array_equal(strict.limits(SYMBOLS), 0.3)
    said = word(strict)
    assert said is not None
    assert "`learning.strict` keeps it" in said.message


def test_what_is_reached_has_no_ceiling_as_the_threshold_has() -> None:
    far = reaching(2.0)
    assert far.threshold == CEILING * 0.3
    assert far.reach["O"] == pytest.approx(2.0)
    assert replace(far, calibration={}).reach == {}
