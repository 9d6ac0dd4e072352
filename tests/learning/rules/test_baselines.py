"""The rules of the well-known codes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rule_cases import SETTINGS, observation, prediction, state

from aofl.config.schema import LearningConfig
from aofl.learning.learner_state import LearnerState
from aofl.learning.observation import Observation
from aofl.learning.rules.baselines import flare_like, updated_threshold, vasp_like

RULES = {"vasp_like": vasp_like, "flare_like": flare_like}


def deviating(std: float, **changes: Any) -> Observation:
    """Return an observation whose second atom has deviations `std`, the others smaller ones."""
    deviations = np.full((3, 3), 0.5 * std)
    deviations[1] = std
    return observation(prediction=prediction(forces_std=deviations), **changes)


def above(threshold: float) -> float:
    return float(np.nextafter(threshold, 10.0))


class TestBoth:
    """With a threshold of 0.25 eV/Å, of steps long after the last label."""

    KNOWN = state(vasp_threshold=0.25, force_noise=0.125, last_label_step=0)

    @pytest.mark.parametrize("rule", RULES)
    def test_the_largest_deviation_counts_and_its_atom_is_named(self, rule: str) -> None:
        verdict = RULES[rule](deviating(0.375), self.KNOWN, SETTINGS)
        assert (verdict.action, verdict.rule) == ("label", rule)
        assert (verdict.atom, verdict.element, verdict.value) == (1, "H", 0.375)
        assert (verdict.threshold, verdict.unit) == (0.25, "eV/Å")

    @pytest.mark.parametrize("rule", RULES)
    @pytest.mark.parametrize(("std", "action"), [(0.25, "accept"), (above(0.25), "label")])
    def test_a_deviation_at_the_threshold_passes_and_none_above(
        self, rule: str, std: float, action: str
    ) -> None:
        verdict = RULES[rule](deviating(std), self.KNOWN, SETTINGS)
        assert (verdict.action, verdict.rule) == (action, rule)

    @pytest.mark.parametrize("rule", RULES)
    def test_it_is_the_root_mean_square_over_the_components(self, rule: str) -> None:
        std = np.zeros((3, 3))
        std[2] = [0.3, 0.0, 0.4]  # rms 0.289
        seen = observation(prediction=prediction(forces_std=std))
        verdict = RULES[rule](seen, self.KNOWN, SETTINGS)
        assert (verdict.action, verdict.atom) == ("label", 2)
        assert verdict.value == pytest.approx(0.5 / np.sqrt(3))

    @pytest.mark.parametrize("rule", RULES)
    def test_neither_calibration_nor_target_count(self, rule: str) -> None:
        wide = state(
            vasp_threshold=0.25, force_noise=0.125, last_label_step=0, target=9.0, calibration={}
        )
        assert RULES[rule](deviating(0.26), wide, SETTINGS).action == "label"

    @pytest.mark.parametrize("rule", RULES)
    def test_the_first_label_is_always_asked_for_and_a_step_without_a_look_passes(
        self, rule: str
    ) -> None:
        unseen = observation(prediction=prediction(None))
        assert RULES[rule](unseen, self.KNOWN, SETTINGS).action == "accept"
        assert RULES[rule](unseen, state(n_labels=0), SETTINGS).rule == "initial"
        first = RULES[rule](deviating(1e-9), state(n_labels=0), SETTINGS)
        assert (first.action, first.rule) == ("label", "initial")
        second = replace(self.KNOWN, n_labels=1)
        assert RULES[rule](deviating(1e-9), second, SETTINGS).action == "accept"


class TestVasp:
    def known(self, last_label: int) -> LearnerState:
        return state(vasp_threshold=0.25, last_label_step=last_label)

    @pytest.mark.parametrize(
        ("std", "last_label", "action"),
        [(0.2, 50, "accept"), (0.3, 50, "label"), (0.3, 95, "accept"), (0.3, 91, "accept"),
         (0.3, 90, "label"), (0.5, 91, "accept"), (above(0.5), 91, "label"), (9.0, 99, "label")],
    )  # fmt: skip
    def test_labels_keep_ten_steps_apart_but_for_twice_the_threshold(
        self, std: float, last_label: int, action: str
    ) -> None:
        verdict = vasp_like(deviating(std), self.known(last_label), SETTINGS)
        assert (verdict.action, verdict.rule) == (action, "vasp_like")


class TestVaspThreshold:
    def test_it_moves_once_ten_errors_are_known(self) -> None:
        assert updated_threshold(0.002, [0.1] * 9, cx=0.5) == 0.002
        assert updated_threshold(0.002, [0.1] * 10, cx=0.5) == pytest.approx(0.15)

    def test_the_last_ten_count(self) -> None:
        assert updated_threshold(0.002, [9.0, *[0.1] * 10], cx=0.5) == pytest.approx(0.15)

    @pytest.mark.parametrize("cx", [-0.5, 0.0, 1.0, 2.0])
    def test_it_is_one_plus_cx_times_their_mean(self, cx: float) -> None:
        history = [0.09, 0.11] * 5
        assert updated_threshold(0.002, history, cx=cx) == pytest.approx((1 + cx) * 0.1)

    @pytest.mark.parametrize(("relative", "moves"), [(0.39, True), (0.41, False)])
    def test_it_stays_while_the_relative_standard_error_is_above_0_4(
        self, relative: float, moves: bool
    ) -> None:
        """Symmetric about the middle, so without a slope; std of the sample over sqrt(10)."""
        shape = np.array([1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0, -1.0, 1.0])
        shape -= shape.mean()
        shape *= np.sqrt(10) / shape.std(ddof=1)  # standard error 1
        history = (1.0 + relative * shape).tolist()
        after = updated_threshold(0.002, history, cx=1.0)
        assert after == pytest.approx(2.0 if moves else 0.002)

    @pytest.mark.parametrize("slope", [0.19, -0.19, 0.21, -0.21])
    def test_it_stays_while_the_relative_slope_is_above_0_2(self, slope: float) -> None:
        history = (1.0 + slope * (np.arange(10) - 4.5)).tolist()
        after = updated_threshold(0.002, history, cx=1.0)
        assert after == pytest.approx(2.0 if abs(slope) < 0.2 else 0.002)


class TestFlare:
    @pytest.mark.parametrize(("std", "action"), [(0.375, "accept"), (above(0.375), "label")])
    def test_the_threshold_is_the_configured_multiple_of_the_noise(
        self, std: float, action: str
    ) -> None:
        settings = LearningConfig(flare_multiple=3.0)
        known = state(force_noise=0.125, last_label_step=99)
        assert flare_like(deviating(std), known, settings).action == action
