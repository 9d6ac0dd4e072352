"""Labels that the run does not wait for: sent, answered beside the run, learned later.

An audit measures, and need not stop the run; nor need a label some time after a bond has changed,
where no atom is in doubt. With n processes in the background, such a question is sent away and the
atoms go on with the forces of the force field. The answer is taken

    at the next step that waits for a label of its own, with all others that are out,
    or when more than n questions are out, the oldest first,

whichever comes first. Until then a reaction is watched as if the answer were no surprise. Both are
steps of the path and no times of a clock, so a run takes the same path however fast its processes
are, and one that was killed takes it again to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from aofl.learning.failed_label import without_label
from aofl.learning.learner_state import TRUSTED, LearnerState
from aofl.learning.model import Model
from aofl.learning.observation import Frame, Observation
from aofl.learning.question import Answer, AnyOracle, NoLabel
from aofl.learning.step_result import Moved, Now, Refused, Told
from aofl.learning.teaching import Teacher
from aofl.learning.update import compare, noted_late
from aofl.learning.waiting import Waiting
from aofl.records import Verdict
from aofl.records.rule_names import AUDITS


@dataclass(frozen=True, slots=True, kw_only=True)
class LateAnswers:
    """Sends questions away, and takes their answers when they are due.

    Attributes
    ----------
    n_background
        Processes that answer beside the run; with 0 it waits for each label.
    goes_on
        Whether a label that fails may be done without.
    """

    oracle: AnyOracle
    teacher: Teacher
    n_background: int
    goes_on: bool

    def may_be_late(self, now: Now, verdict: Verdict) -> bool:
        """Return whether a label is a measure of a force field that has earned some trust."""
        state = now.state
        is_measure = verdict.rule in AUDITS or (verdict.is_follow_up and _is_quiet(now.seen))
        is_trusted = state.n_labels >= TRUSTED or not self.teacher.conditions.mode.learns
        is_calm = is_trusted and not state.is_drifting
        return self.n_background > 0 and is_measure and is_calm

    def sent(self, now: Now, verdict: Verdict) -> Now:
        """Send a question away, and note that it is out."""
        seen, watch = now.seen, now.state.watch
        waiting = Waiting(
            question=now.question(verdict),
            verdict=verdict,
            seen=replace(seen, chemistry=None, bonded=None),
            watch=watch,
        )
        self.oracle.send(waiting.question)
        if verdict.is_follow_up:
            watch = watch.sent_at(seen.step, seen.timestep_fs)
        state = replace(now.state, watch=watch, waiting=(*now.state.waiting, waiting))
        return replace(now, state=state)

    def taken(self, moved: Moved, frame: Frame, model: Model) -> Moved | Refused:
        """Learn the answers that are due at an accepted step; its energy goes on where it was."""
        waiting = moved.state.waiting
        n = n_due(len(waiting), self.n_background, is_labelled=moved.outcome is not None)
        for one in waiting[:n]:
            came = self._taken(moved, one, model)
            if isinstance(came, Refused):
                return came
            moved = came
        return moved if n == 0 else _joined(moved, frame, model)

    def _taken(self, moved: Moved, waiting: Waiting, model: Model) -> Moved | Refused:
        state = replace(moved.state, waiting=moved.state.waiting[1:])
        now = Now(frame=waiting.question.frame, model=model, seen=waiting.seen, state=state)
        match self.oracle.collect(waiting.question):
            case NoLabel(failure=failure):
                came = without_label(now, failure, goes_on=self.goes_on)
                if isinstance(came, Refused):
                    return replace(came, told=moved.told + came.told)
                state, told = came.state, came.told
            case Answer() as answer:
                state, told = self._learned(now, waiting, answer, moved.state.path.step)
        return replace(moved, state=state, told=moved.told + told)

    def _learned(
        self, now: Now, waiting: Waiting, answer: Answer, step: int
    ) -> tuple[LearnerState, Told]:
        """Let a label test what was predicted at its own step, and learn it at this one."""
        settings = self.teacher.conditions.settings
        outcome = compare(now.seen, answer.label, now.state)
        tested = noted_late(now.state, waiting, answer.label, outcome, settings)
        taught = self.teacher.taught(now, waiting.verdict, answer, outcome, tested)
        line = replace(
            taught.line,
            predicted_error=now.seen.judged.error,
            reactive=waiting.watch.is_on,
            learned_step=step,
        )
        return taught.state, Told(lines=(line,), events=taught.events)


def n_due(n_waiting: int, n_background: int, *, is_labelled: bool) -> int:
    """Return how many of the oldest questions are answered at the end of a step.

    Parameters
    ----------
    n_background
        Processes that answer beside the run.
    is_labelled
        Whether the step has waited for a label of its own.
    """
    return n_waiting if is_labelled else max(0, n_waiting - n_background)


def _is_quiet(seen: Observation) -> bool:
    """Return whether no atom is in doubt and no bond has just changed."""
    has_changes = seen.chemistry is not None and bool(seen.chemistry.changes)
    return not has_changes and seen.judged.excess <= 1.0


def _joined(moved: Moved, frame: Frame, model: Model) -> Moved:
    """Let the energy go on where it was, at a step whose force field has learned since."""
    continuous = moved.forces.energy - moved.state.path.energy_shift
    now = model.predict(frame.structure).energy
    return replace(moved, state=replace(moved.state, energy_shift=now - continuous))
