"""Audits: labels that no doubt asked for, and the alarm that they raise."""

from __future__ import annotations

import numpy as np
import pytest
from rule_cases import SETTINGS, observation, state

from aofl.config.schema import LearningConfig
from aofl.learning.rules.audit import ENOUGH, QUIET, audit, is_drifting, next_gap, probability

OFTEN = LearningConfig(audit_probability=0.1)


def test_the_gap_brings_an_audit() -> None:
    assert audit(observation(step=144), state(), SETTINGS).action == "accept"
    due = audit(observation(step=145), state(), SETTINGS)
    assert (due.action, due.rule) == ("label", "audit")


def test_random_audits_come_at_their_rate_and_depend_on_the_step_alone() -> None:
    doubted = [state(audit_gap=10**6, last_doubt_step=k) for k in range(2000)]
    first = [audit(observation(step=k), doubted[k], OFTEN).rule for k in range(2000)]
    again = [audit(observation(step=k), doubted[k], OFTEN).rule for k in range(2000)]
    assert first == again
    assert 150 < first.count("random_audit") < 250


def test_random_audits_thin_out_while_nothing_is_in_doubt() -> None:
    quiet = state(audit_gap=10**6, last_doubt_step=0)
    drawn = [audit(observation(step=k), quiet, OFTEN).rule for k in range(20 * QUIET)]
    n_expected = 0.1 * QUIET * (1 + np.log(20))
    assert drawn.count("random_audit") == pytest.approx(n_expected, rel=0.2)
    assert probability(QUIET, ENOUGH, 0.1) == 0.1
    assert probability(4 * QUIET, ENOUGH, 0.1) == 0.025
    assert probability(QUIET, 4 * ENOUGH, 0.1) == 0.025


def test_the_gap_doubles_without_and_halves_with_a_surprise() -> None:
    assert next_gap(8, error=0.1, expected=0.2, target=0.3, longest=100) == 16
    assert next_gap(8, error=0.5, expected=0.2, target=0.3, longest=100) == 4
    assert next_gap(8, error=0.25, expected=0.2, target=0.3, longest=100) == 16
    assert next_gap(80, error=0.1, expected=0.2, target=0.3, longest=100) == 100


def test_the_alarm_comes_with_surprises_and_goes_with_them() -> None:
    usual, bad = [False, False, False, False, True] * 2, [True, True, False] * 3 + [True]
    assert not is_drifting(usual, False)
    assert is_drifting(bad, False)
    assert is_drifting([True] * 4 + [False] * 6, True)
    assert not is_drifting([True] * 3 + [False] * 7, True)
    assert not is_drifting([True] * 5, False)
