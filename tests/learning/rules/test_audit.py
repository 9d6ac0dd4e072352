"""Audits: labels that no doubt asked for, and the alarm that they raise."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import SETTINGS, observation, state

from aofl.config.schema import LearningConfig
from aofl.learning.rules.audit import (
    audit,
    is_drifting,
    longest_gap,
    next_gap,
    probability,
    random_audit,
)
from aofl.rng import draw

OFTEN = LearningConfig(audit_probability=0.1)
ALWAYS = LearningConfig(audit_probability=1.0)


class TestScheduled:
    @pytest.mark.parametrize(("step", "action"), [(144, "accept"), (145, "label"), (146, "label")])
    def test_the_gap_since_the_last_label_brings_an_audit(self, step: int, action: str) -> None:
        verdict = audit(observation(step=step), state(last_label_step=95, audit_gap=50), SETTINGS)
        assert (verdict.action, verdict.rule) == (action, "audit")

    def test_it_says_how_long_ago_the_last_label_was(self) -> None:
        verdict = audit(observation(step=150), state(last_label_step=95, audit_gap=50), SETTINGS)
        assert (verdict.value, verdict.threshold, verdict.unit) == (55.0, 50.0, "steps")

    def test_a_random_audit_of_the_same_step_goes_first(self) -> None:
        due = state(last_label_step=0, audit_gap=1)
        assert audit(observation(), due, ALWAYS).rule == "random_audit"


class TestRandom:
    def test_the_draw_belongs_to_seed_and_step_alone(self) -> None:
        for seed, step in ((0, 100), (0, 101), (7, 100), (7, 3)):
            drawn = draw(seed, "audit", step)
            known = state(last_doubt_step=step)
            for chance, action in ((drawn, "accept"), (np.nextafter(drawn, 1.0), "label")):
                settings = LearningConfig(audit_probability=float(chance))
                verdict = random_audit(observation(seed=seed, step=step), known, settings)
                assert (verdict.action, verdict.rule) == (action, "random_audit")

    def test_they_come_at_their_rate(self) -> None:
        doubted = [state(audit_gap=10**6, last_doubt_step=k) for k in range(2000)]
        first = [audit(observation(step=k), doubted[k], OFTEN).rule for k in range(2000)]
        again = [audit(observation(step=k), doubted[k], OFTEN).rule for k in range(2000)]
        assert first == again
        assert 150 < first.count("random_audit") < 250

    def test_they_thin_out_while_nothing_is_in_doubt(self) -> None:
        quiet = state(audit_gap=10**6, last_doubt_step=0)
        drawn = [random_audit(observation(step=k), quiet, OFTEN).action for k in range(10_000)]
        n_expected = 0.1 * 500 * (1 + np.log(20))
        assert drawn.count("label") == pytest.approx(n_expected, rel=0.2)

    def test_audits_done_make_them_rarer(self) -> None:
        """After 40 000 audits the chance is a thousandth of 1: none of these steps is drawn."""
        draws = [draw(0, "audit", step) for step in range(100, 200)]
        assert min(draws) > 1e-3
        known = state(n_audits=40_000, last_doubt_step=100)
        seen = [observation(step=step) for step in range(100, 200)]
        assert {random_audit(each, known, ALWAYS).action for each in seen} == {"accept"}

    @pytest.mark.parametrize(
        ("quiet", "n_audits", "chance"),
        [(-3, 0, 0.1), (0, 0, 0.1), (500, 40, 0.1), (501, 40, 0.1 * 500 / 501), (2000, 40, 0.025),
         (500, 41, 0.1 * 40 / 41), (500, 160, 0.025), (2000, 160, 0.00625)],
    )  # fmt: skip
    def test_the_chance_falls_after_500_quiet_steps_and_after_40_audits(
        self, quiet: int, n_audits: int, chance: float
    ) -> None:
        assert probability(quiet, n_audits, 0.1) == pytest.approx(chance, rel=1e-14)

    @given(
        quiet=st.integers(-10, 10**7),
        more=st.integers(0, 10**6),
        n_audits=st.integers(0, 10**5),
        highest=st.floats(0, 1),
    )
    def test_the_chance_is_one_and_never_rises(
        self, quiet: int, more: int, n_audits: int, highest: float
    ) -> None:
        now = probability(quiet, n_audits, highest)
        assert 0.0 <= now <= highest
        assert probability(quiet + more, n_audits, highest) <= now
        assert probability(quiet, n_audits + more, highest) <= now


class TestNextGap:
    @pytest.mark.parametrize(
        ("error", "expected", "gap"),
        [(0.1, 0.2, 16), (0.5, 0.2, 4), (0.25, 0.2, 16), (0.3, 0.2, 16), (0.31, 0.2, 4),
         (0.5, 0.5, 16), (0.5, 0.6, 16), (0.5, 0.49, 4)],
    )  # fmt: skip
    def test_it_halves_where_the_error_exceeds_what_was_expected_and_the_target(
        self, error: float, expected: float, gap: int
    ) -> None:
        assert next_gap(8, error=error, expected=expected, target=0.3, longest=100) == gap

    @pytest.mark.parametrize(
        ("gap", "is_surprise", "then"),
        [(1, True, 1), (2, True, 1), (3, True, 1), (9, True, 4), (200, True, 100), (1, False, 2),
         (50, False, 100), (51, False, 100), (80, False, 100)],
    )  # fmt: skip
    def test_it_stays_between_one_step_and_the_longest(
        self, gap: int, is_surprise: bool, then: int
    ) -> None:
        error = 1.0 if is_surprise else 0.0
        assert next_gap(gap, error=error, expected=0.5, target=0.3, longest=100) == then


class TestLongestGap:
    @pytest.mark.parametrize(
        ("n_audits", "gap"), [(0, 2000), (40, 2000), (41, 2024), (160, 4000), (1000, 10000)]
    )
    def test_it_grows_as_the_root_of_the_audits_beyond_enough(
        self, n_audits: int, gap: int
    ) -> None:
        assert longest_gap(n_audits, LearningConfig()) == gap

    def test_it_is_in_proportion_to_what_is_configured(self) -> None:
        assert longest_gap(160, LearningConfig(audit_max_gap_steps=50)) == 100

    def test_a_long_quiet_run_is_audited_as_its_steps_to_two_thirds(self) -> None:
        """Ten times the steps take 4.6 times the audits; with a fixed gap it would be ten."""
        step, n, seen = 0, 0, {}
        while step < 10**7:
            step, n = step + longest_gap(n, LearningConfig()), n + 1
            seen[len(str(step))] = n
        assert 4.0 < seen[7] / seen[6] < 5.0
        assert seen[7] < 1700


class TestDrift:
    @pytest.mark.parametrize(
        ("n_surprises", "was_drifting", "answer"),
        [(0, False, False), (5, False, False), (6, False, True), (10, False, True),
         (0, True, False), (3, True, False), (4, True, True), (5, True, True)],
    )  # fmt: skip
    def test_the_alarm_comes_with_six_of_ten_surprises_and_goes_with_three(
        self, n_surprises: int, was_drifting: bool, answer: bool
    ) -> None:
        audits = [True] * n_surprises + [False] * (10 - n_surprises)
        assert is_drifting(audits, was_drifting) is answer
        assert is_drifting([True] * 9 + audits, was_drifting) is answer  # older ones are past
        assert is_drifting(audits[::-1], was_drifting) is answer

    def test_few_audits_raise_no_alarm(self) -> None:
        assert not is_drifting([], False)
        assert not is_drifting([True] * 5, False)

    def test_by_chance_it_comes_in_six_of_a_thousand_cases(self) -> None:
        """A fifth of the audits surprises: binomial, six or more among ten."""
        chance = sum(comb(10, k) * 0.2**k * 0.8 ** (10 - k) for k in range(11) if k >= 6)
        assert chance == pytest.approx(0.006, abs=0.0005)
