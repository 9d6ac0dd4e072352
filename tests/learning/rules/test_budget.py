"""The budget: spent totals stop, a spent rate skips what doubt asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rule_cases import observation, state

from aofl.config.schema import BudgetConfig, LearningConfig
from aofl.learning.rules.budget import within_budget
from aofl.records import Verdict

BUDGET = BudgetConfig(max_labels=50, max_reference_hours=1.0, max_labels_per_ps=10)


def asked(rule: str = "uncertainty", **changes: Any) -> Verdict:
    values: dict[str, Any] = {"value": 0.5, "threshold": 0.25, "unit": "eV/Å", "atom": 2, **changes}
    return Verdict(action="label", rule=rule, reason="why", element="H", **values)


def judged(
    verdict: Verdict | None = None,
    *,
    budget: BudgetConfig = BUDGET,
    timestep_fs: float = 1.0,
    **known: Any,
) -> Verdict:
    """Return what the budget makes of a verdict at step 5000."""
    seen = observation(step=5000, timestep_fs=timestep_fs)
    settings = LearningConfig(budget=budget)
    return within_budget(verdict or asked(), seen, state(**known), settings)


class TestTotals:
    @pytest.mark.parametrize(
        ("known", "key", "spent", "limit", "unit"),
        [({"n_asked": 50}, "max_labels", 50.0, 50.0, "labels"),
         ({"n_asked": 73}, "max_labels", 73.0, 50.0, "labels"),
         ({"reference_seconds": 3600.0}, "max_reference_hours", 1.0, 1.0, "h"),
         ({"reference_seconds": 5400.0}, "max_reference_hours", 1.5, 1.0, "h")],
    )  # fmt: skip
    @pytest.mark.parametrize("rule", ["uncertainty", "audit", "chemistry", "initial"])
    def test_a_spent_total_stops_with_advice_whoever_asked(
        self, rule: str, known: dict[str, Any], key: str, spent: float, limit: float, unit: str
    ) -> None:
        stopped = judged(asked(rule), **known)
        assert (stopped.action, stopped.rule) == ("stop", "budget")
        assert (stopped.value, stopped.threshold, stopped.unit) == (spent, limit, unit)
        assert f"`learning.budget.{key}` is spent" in stopped.reason
        assert "aofl resume" in stopped.reason

    @pytest.mark.parametrize("known", [{"n_asked": 49}, {"reference_seconds": 3599.9}])
    def test_until_then_the_verdict_stands(self, known: dict[str, Any]) -> None:
        verdict = asked()
        assert judged(verdict, **known) is verdict

    def test_labels_learned_elsewhere_cost_nothing(self) -> None:
        assert judged(n_labels=1000, n_asked=0).action == "label"

    def test_null_is_no_limit(self) -> None:
        free = BudgetConfig(max_labels=None, max_reference_hours=None, max_labels_per_ps=None)
        busy = tuple(range(4001, 5000))
        known = {"n_asked": 10**6, "reference_seconds": 1e9, "label_steps": busy}
        assert judged(budget=free, **known).action == "label"


class TestRate:
    @pytest.mark.parametrize(
        ("timestep_fs", "first", "action"),
        [(1.0, 4001, "skip"), (1.0, 4000, "label"), (0.5, 3001, "skip"), (0.5, 3000, "label")],
    )
    def test_ten_labels_in_the_last_picosecond_are_as_many_as_allowed(
        self, timestep_fs: float, first: int, action: str
    ) -> None:
        """Ten labels, the first of which is just inside or at the end of the window."""
        steps = (10, 20, first, *range(4900, 4909))
        assert judged(label_steps=steps, timestep_fs=timestep_fs).action == action

    def test_nine_labels_are_fewer_than_ten(self) -> None:
        assert judged(label_steps=tuple(range(4900, 4909))).action == "label"

    def test_a_skip_says_why_and_keeps_what_was_asked_about(self) -> None:
        skipped = judged(label_steps=tuple(range(4900, 4910)))
        assert (skipped.action, skipped.rule) == ("skip", "budget")
        assert "in a picosecond" in skipped.reason
        assert (skipped.atom, skipped.value, skipped.threshold) == (2, 0.5, 0.25)

    @pytest.mark.parametrize(
        ("value", "action"), [(1.25, "skip"), (np.nextafter(1.25, 2.0), "label")]
    )
    def test_more_than_five_thresholds_are_urgent(self, value: float, action: str) -> None:
        verdict = asked(value=float(value))
        assert judged(verdict, label_steps=tuple(range(4900, 4910))).action == action

    @pytest.mark.parametrize(
        "verdict",
        [asked("audit"), asked("random_audit"), asked("chemistry"), asked("rewind"),
         asked(value=None), asked(threshold=None)],
        ids=lambda verdict: f"{verdict.rule} {verdict.value} {verdict.threshold}",
    )  # fmt: skip
    def test_what_is_no_doubt_or_has_no_size_is_never_skipped(self, verdict: Verdict) -> None:
        assert judged(verdict, label_steps=tuple(range(4900, 4990))) is verdict
