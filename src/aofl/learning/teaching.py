"""What a label teaches: it is compared, tests the force field, is learned once, and is told of.

Labels come here from the step that a run is at, from a step before (`aofl.learning.late_answers`),
and from elsewhere: of an exploration before the first step, or of another walker.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from aofl.bayes.error_statistics import error_sums
from aofl.learning.learner_state import LearnerState
from aofl.learning.model import Model
from aofl.learning.observation import Frame
from aofl.learning.observe import Conditions, observe_fully, with_molecules
from aofl.learning.question import Answer
from aofl.learning.step_result import Now, ledger_line
from aofl.learning.target import word_about_target
from aofl.learning.timing import Timing
from aofl.learning.update import Outcome, compare, is_test, learn
from aofl.records import Event, LedgerLine, Verdict
from aofl.records.events import Drifting
from aofl.records.rule_names import RANDOM_AUDIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """What came of a label: the state, the energy of its structure now, eV, and what to tell."""

    state: LearnerState
    energy: float
    line: LedgerLine
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """Teaches a force field labels of one level of theory."""

    conditions: Conditions
    timing: Timing
    level: str

    def taught(
        self, now: Now, verdict: Verdict, answer: Answer, outcome: Outcome, tested: LearnerState
    ) -> Taught:
        """Teach the force field a label that has tested it, and say what came of it."""
        seen, label = now.seen, answer.label
        said, true = seen.prediction.forces[label.counted], label.forces[label.counted]
        state, energy, seconds = self._learned(now, verdict, answer, outcome, tested)
        line = ledger_line(
            verdict,
            step=seen.step,
            time_fs=seen.time_fs,
            predicted_error=now.state.path.error,
            label_id=answer.label_id,
            seconds={"reference": label.seconds, "update": seconds},
            errors=error_sums(said, true, outcome.symbols),
            inside_90=outcome.inside,
            reactive=state.watch.is_on,
            energy_jump_eV=energy - seen.prediction.energy,
            true_error=outcome.largest,
        )
        events: tuple[Event, ...] = (*answer.events, *_alarm(now, tested))
        word = word_about_target(state, seen.step, seen.time_fs)
        if word is not None and self.conditions.mode.learns:
            reached = word.reached_eV_per_A if word.elements else 0.0
            state, events = replace(state, told_reach=reached), (*events, word)
        return Taught(state=state, energy=energy, line=line, events=events)

    def _learned(
        self, now: Now, verdict: Verdict, answer: Answer, outcome: Outcome, state: LearnerState
    ) -> tuple[LearnerState, float, float]:
        """Learn a label, once; return the energy by the force field then, eV, and the time, s.

        A frozen force field learns none, and a rival is only measured by its random audits.
        """
        mode = self.conditions.mode
        is_measure = verdict.rule == RANDOM_AUDIT and not mode.learns_random_audits
        if not mode.learns or is_measure or answer.label_id in state.learned_ids:
            return state, now.seen.prediction.energy, 0.0
        return self._learn(replace(now, state=state), answer, outcome)

    def given(
        self, frame: Frame, model: Model, state: LearnerState, answer: Answer
    ) -> LearnerState:
        """Return the state after learning a label that this run did not ask for.

        It is of an exploration before the first step, or of another walker. It tests the force
        field and shows its environments and chemistry as any label does. It is no step, so path,
        audits and the budget of labels stay as they are.
        """
        path = state.path
        # Its bonds have no past: those of the path are of other atoms, or of another frame.
        state = replace(state, path=replace(path, bonded=None, judged_bonded=None))
        step = max(path.step, 0)
        seen = observe_fully(frame, model, state, self.conditions, self.timing, step=step)
        if answer.label.core is None:  # molecules of a cut-out touch nothing at its rim
            seen = with_molecules(seen, frame, state, self.conditions, self.timing)
        outcome = compare(seen, answer.label, state)
        if is_test(state):
            state = state.tested(outcome.symbols, outcome.difference, outcome.deviations)
        if seen.chemistry is not None:
            state = replace(state, watch=state.watch.knowing(seen.chemistry))
        now = Now(frame=frame, model=model, seen=seen, state=state)
        state, _, _ = self._learn(now, answer, outcome)
        return replace(state, path=path)

    def _learn(
        self, now: Now, answer: Answer, outcome: Outcome
    ) -> tuple[LearnerState, float, float]:
        now.model.level = self.level
        settings, label, label_id = self.conditions.settings, answer.label, answer.label_id
        with self.timing.part("update") as update:
            state, energy = learn(
                now.model, now.state, now.seen, label, label_id, outcome, settings
            )
        return state, energy, update.seconds


def _alarm(now: Now, tested: LearnerState) -> tuple[Drifting, ...]:
    """Return the event of an alarm that begins with this audit."""
    if now.state.is_drifting or not tested.is_drifting:
        return ()
    message = "audits are worse than the force field thinks"
    return (Drifting(step=now.seen.step, time_fs=now.seen.time_fs, message=message),)
