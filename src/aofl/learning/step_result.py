"""A step as values: while it is made (`Now`), what came of it, and what there is to tell of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from aofl.errors import ReferenceFailed
from aofl.learning.learner_state import TRUSTED, LearnerState
from aofl.learning.model import Model
from aofl.learning.observation import Frame, Observation
from aofl.learning.question import Question
from aofl.learning.update import Outcome
from aofl.records import Event, LedgerLine, Prediction, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What there is to write down of a step: lines of the ledger, and events."""

    lines: tuple[LedgerLine, ...] = ()
    events: tuple[Event, ...] = ()

    def __add__(self, more: Told) -> Told:
        return Told(lines=self.lines + more.lines, events=self.events + more.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """A step while it is made: what is seen, what is known, and what there is to tell."""

    frame: Frame
    model: Model
    seen: Observation
    state: LearnerState
    told: Told = field(default_factory=Told)

    def question(self, verdict: Verdict) -> Question:
        """Return what the oracle is asked in the name of a verdict."""
        is_trusted = self.state.n_labels >= TRUSTED
        return Question(
            frame=self.frame,
            prediction=self.seen.prediction,
            expected_errors=self.seen.judged.errors if is_trusted else None,
            step=self.seen.step,
            time_fs=self.seen.time_fs,
            rule=verdict.rule,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The step is accepted: the atoms go on with these forces, of the reference or the model.

    `outcome` says how the prediction fared where a label came.
    """

    forces: Prediction
    verdict: Verdict
    state: LearnerState
    told: Told
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The step is not accepted: the verdict says why, and whether to rewind or to stop.

    `failure` is what the reference said where that is the reason.
    """

    verdict: Verdict
    state: LearnerState
    told: Told
    failure: ReferenceFailed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlabelled:
    """A label was asked for and none came; the force field goes on alone."""

    state: LearnerState
    told: Told


# What of a verdict stands in the ledger; that it is a follow-up is said by its reason.
IN_LEDGER = [part.name for part in fields(Verdict) if part.name != "is_follow_up"]


def ledger_line(verdict: Verdict, *, step: int, time_fs: float, **what: Any) -> LedgerLine:
    """Return the line of the ledger that says what was decided at a step.

    Parameters
    ----------
    what
        Further fields of the line, as `predicted_error` and what a label has shown.
    """
    said = {name: getattr(verdict, name) for name in IN_LEDGER}
    return LedgerLine(step=step, time_fs=time_fs, **said, **what)
