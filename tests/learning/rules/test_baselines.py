"""The rules of the well-known codes, the budget, and the watch over a frozen force field."""

from __future__ import annotations

import numpy as np
import pytest
from rule_cases import SETTINGS, memory, prediction, situation

from aofl.config.schema import BudgetConfig, LearningConfig
from aofl.learning.rules.baselines import flare_like, updated_threshold, vasp_like
from aofl.learning.rules.budget import within_budget
from aofl.learning.rules.frozen_model import LOOKS, production
from aofl.learning.rules.policy import decide, rules_of
from aofl.records import Verdict


class TestVasp:
    def test_the_threshold_moves_once_ten_errors_are_known_and_steady(self) -> None:
        assert updated_threshold(0.002, [0.1] * 9, cx=0.5) == 0.002
        assert updated_threshold(0.002, [9.0, *[0.1] * 10], cx=0.5) == pytest.approx(0.15)
        wild = [0.01] * 9 + [10.0]
        assert updated_threshold(0.002, wild, cx=0.5) == 0.002
        steep = np.geomspace(1.0, 1e-3, 10).tolist()
        assert updated_threshold(0.002, steep, cx=0.5) == 0.002

    @pytest.mark.parametrize(
        ("error", "last_label", "action"),
        [(0.09, 50, "accept"), (0.15, 50, "label"), (0.15, 95, "accept"), (0.25, 95, "label"),
         (0.15, 90, "label")],
    )  # fmt: skip
    def test_labels_keep_ten_steps_apart_but_for_large_errors(
        self, error: float, last_label: int, action: str
    ) -> None:
        known = memory(vasp_threshold=0.1, last_label_step=last_label)
        assert vasp_like(situation(prediction=prediction(error)), known, SETTINGS).action == action


@pytest.mark.parametrize(("error", "action"), [(0.19, "accept"), (0.21, "label")])
def test_flare_asks_above_a_multiple_of_the_noise(error: float, action: str) -> None:
    known = memory(force_noise=0.1)
    assert flare_like(situation(prediction=prediction(error)), known, SETTINGS).action == action


@pytest.mark.parametrize("rule", ["vasp", "flare"])
def test_the_rivals_neither_screen_nor_schedule_audits(rule: str) -> None:
    rules = rules_of("cofl", LearningConfig(cofl_rule=rule, audit_probability=0.0))
    quiet = memory(force_noise=0.1, vasp_threshold=0.1, last_label_step=-1000)
    assert decide(rules, situation(prediction=prediction(0.01)), quiet, SETTINGS).action == "accept"
    first = decide(rules, situation(prediction=prediction(1.0)), memory(n_labels=0), SETTINGS)
    assert (first.action, first.rule) == ("label", "initial")


class TestBudget:
    def judged(self, rule: str = "uncertainty", value: float = 0.4, **known: object) -> Verdict:
        verdict = Verdict(action="label", rule=rule, reason="", value=value, threshold=0.3)
        budget = BudgetConfig(max_labels=50, max_reference_hours=1.0, max_labels_per_ps=10)
        settings = LearningConfig(budget=budget)
        return within_budget(verdict, situation(step=5000), memory(**known), settings)

    def test_a_spent_total_stops_with_advice(self) -> None:
        assert self.judged(n_asked=49).action == "label"
        stopped = self.judged(n_asked=50)
        assert (stopped.action, stopped.rule, stopped.value) == ("stop", "budget", 50.0)
        assert "learning.budget.max_labels" in stopped.reason
        assert self.judged(reference_seconds=3600.0).action == "stop"

    def test_a_spent_rate_skips_doubt_but_neither_audits_nor_urgency(self) -> None:
        busy = {"label_steps": list(range(4400, 4500, 10))}
        assert self.judged(**busy).action == "skip"
        assert self.judged(value=2.0, **busy).action == "label"
        assert self.judged(rule="audit", **busy).action == "label"
        assert self.judged(label_steps=list(range(3900, 4000, 10))).action == "label"


def test_a_frozen_force_field_that_is_lost_for_long_stops_the_run() -> None:
    lost = situation(prediction=prediction(5.0))
    assert production(lost, memory(n_unsure=LOOKS - 1), SETTINGS).action == "accept"
    stopped = production(lost, memory(n_unsure=LOOKS), SETTINGS)
    assert stopped.action == "stop"
    assert "mode: aofl" in stopped.reason
