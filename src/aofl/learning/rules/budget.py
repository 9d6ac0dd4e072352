"""The budget: caps on labels, on the time they take, and on how many come per picosecond.

A spent total stops the run, cleanly: it resumes once more is granted. The rate is there against
runaway retraining (learn, jump, doubt, learn): while it is spent, calls that doubt asked for are
skipped, unless the error is `URGENT` times its threshold. Audits and chemistry are not doubt.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from aofl.config.schema import LearningConfig
from aofl.learning.learner_state import LearnerState
from aofl.learning.observation import Observation
from aofl.records import Verdict
from aofl.records.rule_names import BUDGET, UNCERTAINTY

URGENT = 5.0  # thresholds
WINDOW_FS = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """A total that is used up: its key in the section `budget`, what was used, and its limit."""

    key: str
    value: float
    limit: float
    unit: str


def what_is_spent(state: LearnerState, settings: LearningConfig) -> Spent | None:
    """Return the total that is used up, None while both last."""
    budget = settings.budget
    hours = state.reference_seconds / 3600.0
    for key, value, limit, unit in (
        ("max_labels", float(state.n_asked + len(state.waiting)), budget.max_labels, "labels"),
        ("max_reference_hours", hours, budget.max_reference_hours, "h"),
    ):
        if limit is not None and value >= limit:
            return Spent(key=key, value=value, limit=float(limit), unit=unit)
    return None


def within_budget(
    verdict: Verdict, seen: Observation, state: LearnerState, settings: LearningConfig
) -> Verdict:
    """Return a "label" as it is, or turned into "stop" or "skip" where the budget is spent."""
    if (spent := what_is_spent(state, settings)) is not None:
        advice = f"`learning.budget.{spent.key}` is spent; `aofl resume` can grant more"
        return replace(
            verdict, action="stop", rule=BUDGET, reason=advice, value=spent.value,
            threshold=spent.limit, unit=spent.unit,
        )  # fmt: skip
    budget = settings.budget
    if verdict.rule != UNCERTAINTY or verdict.value is None or verdict.threshold is None:
        return verdict
    since = seen.step - WINDOW_FS / seen.timestep_fs
    recent = sum(step > since for step in state.label_steps)
    is_urgent = verdict.value > URGENT * verdict.threshold
    if budget.max_labels_per_ps is None or recent < budget.max_labels_per_ps or is_urgent:
        return verdict
    return replace(
        verdict, action="skip", rule=BUDGET, reason="as many labels in a picosecond as allowed"
    )
