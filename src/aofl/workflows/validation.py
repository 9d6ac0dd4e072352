"""A rehearsal: the whole campaign with a cheap teacher in place of the reference, scored.

The teacher is cheap enough to be asked at every step, beside the rules and unknown to them. So
what a real run can only sample is known here: the true error of every accepted step, which large
errors no rule noticed, which labels were not needed. Absolute figures are the teacher's; how many
labels the rules ask for carries over as far as the teacher's forces resemble the reference's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from aofl.errors import ReferenceFailed
from aofl.records import Event, LedgerLine, OtherEvent
from aofl.records.events import ReactionHappened
from aofl.records.rule_names import AUDITS, INITIAL
from aofl.reference import Reference
from aofl.simulation.run_state import Run

WELL_KEPT = 0.2  # of the steps may be beyond the target, as of the calibrated errors


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredStep:
    """The truth about one accepted step, eV/Å.

    Attributes
    ----------
    largest
        Largest force error of an atom, rms over x, y, z.
    sum_sq, n
        Sum of squares and number of the force components.
    expected, limit
        Calibrated error and threshold at the last look.
    """

    step: int
    largest: float
    sum_sq: float
    n: int
    expected: float | None
    limit: float


@dataclass(slots=True)
class Validation:
    """Asks the teacher about each step that the force field made; called after every step."""

    teacher: Reference
    steps: dict[int, ScoredStep] = field(default_factory=dict)
    n_unknown: int = 0

    def look(self, run: Run) -> None:
        """Score the present step; one that is run again after a rewind counts once."""
        path = run.calculator.state.path
        self.steps = {step: s for step, s in self.steps.items() if step < run.step}
        if path.source != "ff":
            return
        try:
            truth = self.teacher.label(run.atoms).forces
        except ReferenceFailed:
            self.n_unknown += 1
            return
        squares = (np.asarray(run.calculator.results["forces"]) - truth) ** 2
        self.steps[run.step] = ScoredStep(
            step=run.step,
            largest=float(np.sqrt(squares.mean(axis=1)).max()),
            sum_sq=float(squares.sum()),
            n=squares.size,
            expected=path.error,
            limit=path.limit,
        )


def to_csv(steps: Iterable[ScoredStep]) -> str:
    """Return the scored steps as a table, forces in eV/Å."""
    lines = ["step,largest_error,rmse,expected_error,threshold"]
    for s in steps:
        expected = "" if s.expected is None else f"{s.expected:.6g}"
        rmse = math.sqrt(s.sum_sq / s.n)
        lines.append(f"{s.step},{s.largest:.6g},{rmse:.6g},{expected},{s.limit:.6g}")
    return "\n".join(lines) + "\n"


def score(
    steps: Sequence[ScoredStep],
    ledger: Sequence[LedgerLine],
    events: Sequence[Event | OtherEvent],
    target: float,
) -> dict[str, Any]:
    """Return how the rules did, as plain data; forces in eV/Å.

    Parameters
    ----------
    steps
        The accepted steps that the force field made.
    ledger, events
        The records of the run.
    target
        The user's target, eV/Å: a label that shows less was not needed.
    """
    labels = [line for line in ledger if line.action == "label"]
    asked = [line for line in labels if line.rule not in AUDITS | {INITIAL}]
    wasted = [line for line in asked if (line.true_error or 0.0) <= target]
    missed = [s for s in steps if s.largest > s.limit]
    reactions = [event for event in events if isinstance(event, ReactionHappened)]
    unseen = [event for event in reactions if event.seen_by_reference is False]
    n = sum(s.n for s in steps)
    return {
        "steps_scored": len(steps),
        "labels": len(labels),
        "true_rmse": math.sqrt(sum(s.sum_sq for s in steps) / n) if n else None,
        "largest_error": max((s.largest for s in steps), default=None),
        "kept_by_four_of_five": float(np.quantile([s.largest for s in steps], 0.8)) if n else None,
        "steps_beyond_target": sum(s.largest > target for s in steps),
        "steps_beyond_threshold": len(missed),
        "steps_beyond_expected": sum(
            s.expected is not None and s.largest > s.expected for s in steps
        ),
        "labels_asked": len(asked),
        "labels_wasted": len(wasted),
        "reactions": len(reactions),
        "reactions_missed": len(unseen),
        "missed": [event.reaction for event in unseen],
    }


def advice(found: Mapping[str, Any], target: float, accuracy: str) -> str:
    """Return what a rehearsal says to do, in words.

    Parameters
    ----------
    found
        What `score` returned.
    target
        The user's target, eV/Å.
    accuracy
        Of the force field that was rehearsed.
    """
    if not found["steps_scored"]:
        return "every step was labelled: rehearse more steps, or ask for a larger target"
    share = found["steps_beyond_target"] / found["steps_scored"]
    kept = f"{1e3 * found['kept_by_four_of_five']:.0f} meV/Å"
    if share <= WELL_KEPT:
        return (
            f"the target of {1e3 * target:.0f} meV/Å holds: {share:.0%} of the steps were beyond "
            f"it, and four of five kept {kept}"
        )
    larger = {"fast": "standard", "standard": "high"}.get(accuracy)
    other = f"try `force_field.accuracy: {larger}` or " if larger else "try "
    return (
        f"the target of {1e3 * target:.0f} meV/Å does not hold: {share:.0%} of the steps were "
        f"beyond it, and four of five kept {kept}; {other}a lower temperature, set "
        "`learning.strict: true` if the labels can be paid for, or ask for what is kept"
    )
