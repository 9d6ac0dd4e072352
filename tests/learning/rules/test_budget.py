"""The budget: spent totals stop, a spent rate skips what doubt asked for."""

from __future__ import annotations

from typing import Any

from rule_cases import observation, state

from aofl.config.schema import BudgetConfig, LearningConfig
from aofl.learning.rules.budget import within_budget
from aofl.records import Verdict

BUDGET = BudgetConfig(max_labels=50, max_reference_hours=1.0, max_labels_per_ps=10)


def judged(
    rule: str = "uncertainty",
    value: float | None = 0.4,
    budget: BudgetConfig = BUDGET,
    **known: Any,
) -> Verdict:
    verdict = Verdict(action="label", rule=rule, reason="", value=value, threshold=0.3)
    settings = LearningConfig(budget=budget)
    return within_budget(verdict, observation(step=5000), state(**known), settings)


def test_a_spent_total_stops_with_advice() -> None:
    assert judged(n_asked=49).action == "label"
    stopped = judged(n_asked=50)
    assert (stopped.action, stopped.rule, stopped.value) == ("stop", "budget", 50.0)
    assert "learning.budget.max_labels" in stopped.reason
    assert judged(reference_seconds=3600.0).action == "stop"


def test_a_spent_rate_skips_doubt_but_neither_audits_nor_urgency() -> None:
    busy = {"label_steps": tuple(range(4400, 4500, 10))}
    assert judged(**busy).action == "skip"
    assert judged(value=2.0, **busy).action == "label"
    assert judged(rule="audit", **busy).action == "label"
    assert judged(label_steps=tuple(range(3900, 4000, 10))).action == "label"
