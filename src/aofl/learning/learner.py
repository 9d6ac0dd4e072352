"""The learner: the method on one page.

    observe -> decide -> (ask the oracle -> compare -> learn) -> forces

One step is a function of a frame, the model and the state, and returns what came of it as a value:
`Moved` with the forces to go on with, or `Refused` with the verdict. On a labelled step the atoms
move on the forces of the reference. The state is frozen and replaced; the model goes on changing
its Gram matrices in place, as copies of them are too large. Nothing here knows files or ASE, and
times are only handed on to be counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from aofl.bayes.error_statistics import error_sums
from aofl.errors import ReferenceFailed
from aofl.learning.excursion import followed, word_about_excursion
from aofl.learning.learner_state import TRUSTED, LearnerState, Source
from aofl.learning.model import Model
from aofl.learning.observation import Frame, Observation
from aofl.learning.observe import (
    Conditions,
    bonds_for_log,
    looked_at,
    observe,
    observe_fully,
    with_environments,
    with_molecules,
)
from aofl.learning.question import Answer, AnyOracle, NoLabel, Question
from aofl.learning.rules.guards import guards
from aofl.learning.rules.policy import decide
from aofl.learning.rules.retrospective import surprise
from aofl.learning.rules.rewinds import refused
from aofl.learning.step_result import Moved, Refused, Told, Unlabelled, ledger_line
from aofl.learning.target import word_about_target
from aofl.learning.timing import Timing
from aofl.learning.update import (
    Outcome,
    compare,
    is_test,
    learn,
    noted,
    noted_late,
    with_cost,
    with_failure,
)
from aofl.learning.waiting import Waiting, n_due
from aofl.records import Event, IntArray, Label, LedgerLine, Prediction, Verdict
from aofl.records.events import Drifting, LabelFailed, Uncertain
from aofl.records.rule_names import AIMD, AUDITS, RANDOM_AUDIT

MAX_FAILURES = 10  # labels in a row
NO_STRESS = (
    "the reference gave no stress, which `dynamics.pressure_GPa` cannot do without: let it compute "
    "one (`reference.stress: true` with CP2K), take another reference, or a fixed cell"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """A step while it is made: what is seen, what is known, and what there is to tell."""

    frame: Frame
    model: Model
    seen: Observation
    state: LearnerState
    told: Told = field(default_factory=Told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """What came of a label: the state, the energy of its structure now, eV, and what to tell."""

    state: LearnerState
    energy: float
    line: LedgerLine
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """Decides at each step whether the reference is asked, and learns what it says.

    Attributes
    ----------
    goes_on
        Whether a label that fails may be done without.
    n_background
        Processes that make audits beside the run; with 0 it waits for each.
    """

    conditions: Conditions
    oracle: AnyOracle
    timing: Timing = field(default_factory=Timing)
    goes_on: bool = True
    n_background: int = 0

    def step(self, frame: Frame, model: Model | None, state: LearnerState) -> Moved | Refused:
        """Make one step of the method.

        Parameters
        ----------
        frame
            Where the atoms have come.
        model
            The force field; it changes where a label is learned. None lets the reference make
            every step, as in mode "aimd".
        state
            Of the step before.
        """
        came = self._made(frame, model, state)
        if isinstance(came, Moved) and model is not None:
            came = self._with_answers(came, frame, model)
        return self._with_heat(came, frame) if isinstance(came, Moved) else came

    def _made(self, frame: Frame, model: Model | None, state: LearnerState) -> Moved | Refused:
        if model is None:
            return self._by_reference(frame, state)
        now = self._observed(frame, model, state)
        with self.timing.part("force_field"):
            verdict = self._decided(now)
        match verdict.action:
            case "rewind" | "stop":
                return _refused(now, verdict)
            case "label":
                return self._labelled(now, verdict)
            case _:
                return _passed(now, verdict)

    def _labelled(self, now: Now, verdict: Verdict) -> Moved | Refused:
        """Ask for a label and go on with it, unless it speaks against the step."""
        full = self._observed_fully(now)
        if self._may_go_on(full.state, verdict):
            return self._sent(full, verdict)
        match self._asked(full, verdict, self._continuous_energy(full)):
            case Refused() as stopped:
                return stopped
            case Unlabelled() as alone:
                now = replace(now, state=alone.state, told=alone.told)
                if verdict.is_doubt:
                    return _refused(now, replace(verdict, action="rewind"))
                return _on_prediction(now, verdict)
            case Moved() as moved:
                objection = self._objection(full, verdict, moved)
                if objection is None:
                    return moved
                state = replace(moved.state, path=full.state.path)
                return _refused(replace(full, state=state, told=moved.told), objection)

    def label(
        self, frame: Frame, model: Model, state: LearnerState, verdict: Verdict, energy: float
    ) -> Moved | Refused | Unlabelled:
        """Label the frame of the last step because the driver says so, as after a rewind.

        Parameters
        ----------
        energy
            Of the frame, as it was accepted, eV: it goes on from there.
        """
        seen = observe_fully(
            frame, model, state, self.conditions, self.timing, step=state.path.step
        )
        now = self._looked(Now(frame=frame, model=model, seen=seen, state=state))
        now = self._with_molecules(now)
        return self._asked(now, verdict, energy - state.path.energy_shift)

    def learn_given(
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
        now = self._with_molecules(Now(frame=frame, model=model, seen=seen, state=state))
        outcome = compare(now.seen, answer.label, state)
        if is_test(state):
            state = state.tested(seen.symbols, outcome.difference, seen.prediction.deviations)
        if now.seen.chemistry is not None:
            state = replace(state, watch=state.watch.knowing(now.seen.chemistry))
        model.level = self.oracle.level
        settings = self.conditions.settings
        with self.timing.part("update"):
            state, _ = learn(
                model, state, now.seen, answer.label, answer.label_id, outcome, settings
            )
        return replace(state, path=path)

    # What is answered later

    def _may_go_on(self, state: LearnerState, verdict: Verdict) -> bool:
        """Return whether a label is a measure of a force field that has earned some trust."""
        is_trusted = state.n_labels >= TRUSTED or not self.conditions.mode.learns
        is_calm = is_trusted and not state.is_drifting
        return self.n_background > 0 and verdict.rule in AUDITS and is_calm

    def _sent(self, now: Now, verdict: Verdict) -> Moved:
        """Send a question away and go on with the forces of the force field."""
        seen = replace(now.seen, chemistry=None, bonded=None)
        waiting = Waiting(
            frame=now.frame, seen=seen, verdict=verdict, reactive=now.state.watch.is_on
        )
        self.oracle.send(waiting.question)
        state = replace(now.state, waiting=(*now.state.waiting, waiting))
        return _passed(replace(now, state=state), verdict)

    def _with_answers(self, moved: Moved, frame: Frame, model: Model) -> Moved | Refused:
        """Learn the answers that are due at an accepted step; its energy goes on where it was."""
        waiting = moved.state.waiting
        n = n_due(len(waiting), self.n_background, is_labelled=moved.outcome is not None)
        for one in waiting[:n]:
            came = self._answered(moved, one, model)
            if isinstance(came, Refused):
                return came
            moved = came
        return moved if n == 0 else self._joined(moved, frame, model)

    def _answered(self, moved: Moved, waiting: Waiting, model: Model) -> Moved | Refused:
        """Take the answer to a question that was sent, and learn it."""
        state = replace(moved.state, waiting=moved.state.waiting[1:])
        now = Now(frame=waiting.frame, model=model, seen=waiting.seen, state=state)
        match self.oracle.collect(waiting.question):
            case NoLabel(failure=failure):
                came = self._without(now, failure)
                if isinstance(came, Refused):
                    return replace(came, told=moved.told + came.told)
                state, told = came.state, came.told
            case Answer() as answer:
                outcome = compare(now.seen, answer.label, state)
                settings = self.conditions.settings
                tested = noted_late(state, waiting, answer.label, outcome, settings)
                taught = self._taught(now, waiting.verdict, answer, outcome, tested)
                line = replace(
                    taught.line,
                    predicted_error=now.seen.judged.error,
                    reactive=waiting.reactive,
                    learned_step=moved.state.path.step,
                )
                state, told = taught.state, Told(lines=(line,), events=taught.events)
        return replace(moved, state=state, told=moved.told + told)

    def _joined(self, moved: Moved, frame: Frame, model: Model) -> Moved:
        """Let the energy go on where it was, at a step whose force field has learned since."""
        continuous = moved.forces.energy - moved.state.path.energy_shift
        now = model.predict(frame.structure).energy
        return replace(moved, state=replace(moved.state, energy_shift=now - continuous))

    def _with_heat(self, moved: Moved, frame: Frame) -> Moved:
        """Follow the temperature at a step that was accepted."""
        path, n_atoms = moved.state.path, len(frame.structure)
        target = self.conditions.temperature_at(path.step)
        path = followed(path, frame.temperature, target, n_atoms)
        if path is moved.state.path:
            return moved
        time_fs = path.step * self.conditions.timestep_fs
        word = word_about_excursion(path, frame.temperature, target, time_fs)
        told = moved.told if word is None else moved.told + Told(events=(word,))
        return replace(moved, state=replace(moved.state, path=path), told=told)

    # What is seen

    def _observed(self, frame: Frame, model: Model, state: LearnerState) -> Now:
        seen = observe(frame, model, state, self.conditions, self.timing)
        return self._looked(Now(frame=frame, model=model, seen=seen, state=state))

    def _observed_fully(self, now: Now) -> Now:
        """Look at what a label is compared with, where the step did not need it."""
        if now.seen.judgement is None:
            seen = observe_fully(
                now.frame, now.model, now.state, self.conditions, self.timing, step=now.seen.step
            )
            seen = replace(seen, chemistry=now.seen.chemistry, bonded=now.seen.bonded)
            now = self._looked(replace(now, seen=seen))
        seen = with_environments(now.seen, now.model, self.timing)
        return self._with_molecules(replace(now, seen=seen))

    def _with_molecules(self, now: Now) -> Now:
        seen = with_molecules(now.seen, now.frame, now.state, self.conditions, self.timing)
        return replace(now, seen=seen)

    def _looked(self, now: Now) -> Now:
        """Note a look at the deviations; a frozen force field tells where it becomes unsure."""
        if now.seen.judgement is None:
            return now
        state = looked_at(now.state, now.seen, self.conditions.mode)
        if state.path.is_unsure and not now.state.path.is_unsure:
            judged = now.seen.judged
            event = Uncertain(
                step=now.seen.step,
                time_fs=now.seen.time_fs,
                value=judged.error,
                threshold=judged.limit,
            )
            now = replace(now, told=now.told + Told(events=(event,)))
        return replace(now, state=state)

    # What is decided

    def _decided(self, now: Now) -> Verdict:
        """Return the verdict of the rules; while labels fail, of the guards alone."""
        is_holding = now.seen.step < now.state.hold_until
        rules = self.conditions.mode.rules[: 1 if is_holding else None]
        return decide(rules, now.seen, now.state, self.conditions.settings)

    def _objection(self, full: Now, verdict: Verdict, moved: Moved) -> Verdict | None:
        """Return why a step is refused although it has a label, or None.

        A step that was doubted must break no guard with the forces of its label; and a label that
        is far off undoes the steps that led to it.
        """
        if verdict.is_doubt:
            known = replace(full.seen.prediction, forces=moved.forces.forces)
            seen = replace(full.seen, prediction=known)
            if guards(seen, moved.state, self.conditions.settings).action != "accept":
                return replace(verdict, action="rewind")
        if self.conditions.mode.undoes_surprises and moved.outcome is not None:
            second = surprise(moved.outcome, full.seen, moved.state)
            return second if second.action == "rewind" else None
        return None

    # What the reference says

    def _asked(
        self, now: Now, verdict: Verdict, continuous: float | None
    ) -> Moved | Refused | Unlabelled:
        """Ask the oracle; compare, learn and write down what it says.

        Parameters
        ----------
        continuous
            The energy without the jumps so far, eV; None where it begins with this label.
        """
        match self.oracle.ask(_question(now, verdict)):
            case NoLabel(failure=failure):
                return self._without(now, failure)
            case Answer(label=label) if self._lacks_stress(label):
                return Refused(verdict=_stop(NO_STRESS), state=now.state, told=now.told)
            case Answer() as answer:
                return self._led(now, verdict, answer, continuous)

    def _lacks_stress(self, label: Label) -> bool:
        return self.conditions.needs_stress and label.stress is None

    def _led(self, now: Now, verdict: Verdict, answer: Answer, continuous: float | None) -> Moved:
        """Let a label test the force field, then teach it; the atoms go on with its forces."""
        seen, label = now.seen, answer.label
        outcome = compare(seen, label, now.state)
        tested = noted(now.state, seen, label, verdict, outcome, self.conditions.settings)
        taught = self._taught(now, verdict, answer, outcome, tested)
        begun = label.energy if continuous is None else continuous
        shift = label.energy - begun
        state = _at_step(taught.state, now.frame, seen.step, "reference", shift, seen.bonded)
        return Moved(
            forces=_forces_of(label),
            verdict=verdict,
            state=replace(state, energy_shift=taught.energy - begun),
            told=now.told + Told(lines=(taught.line,), events=taught.events),
            outcome=outcome,
        )

    def _taught(
        self, now: Now, verdict: Verdict, answer: Answer, outcome: Outcome, tested: LearnerState
    ) -> Taught:
        """Teach the force field a label that has tested it, and say what came of it."""
        seen, label = now.seen, answer.label
        state, energy, seconds = self._learned(now, verdict, answer, outcome, tested)
        line = ledger_line(
            verdict,
            step=seen.step,
            time_fs=seen.time_fs,
            predicted_error=now.state.path.error,
            label_id=answer.label_id,
            seconds={"reference": label.seconds, "update": seconds},
            errors=error_sums(seen.prediction.forces, label.forces, seen.symbols),
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
        with self.timing.part("update") as update:
            now.model.level = self.oracle.level
            state, energy = learn(
                now.model,
                state,
                now.seen,
                answer.label,
                answer.label_id,
                outcome,
                self.conditions.settings,
            )
        return state, energy, update.seconds

    def _without(self, now: Now, failure: ReferenceFailed) -> Refused | Unlabelled:
        """Go on without a label for a while, or stop where nothing can replace it."""
        step, is_trained = now.seen.step, now.model.learned is not None
        if not (is_trained and self.goes_on):
            why = "`labels.on_failure` is stop" if is_trained else "nothing can replace it"
            reason = f"no label at step {step} and {why}: {failure}"
            return Refused(verdict=_stop(reason), state=now.state, told=now.told, failure=failure)
        state = with_failure(now.state, step)
        event = LabelFailed(step=step, time_fs=now.seen.time_fs, message=str(failure))
        told = now.told + Told(events=(event,))
        if state.failures < MAX_FAILURES:
            return Unlabelled(state=state, told=told)
        reason = (
            f"the reference failed {state.failures} times in a row, last at step {step}: {failure}"
        )
        return Refused(verdict=_stop(reason), state=state, told=told, failure=failure)

    def _by_reference(self, frame: Frame, state: LearnerState) -> Moved | Refused:
        """Make a step of AIMD: the reference's forces, whatever they are."""
        step, verdict = (
            state.path.step + 1,
            Verdict(action="label", rule=AIMD, reason="every step"),
        )
        time_fs = step * self.conditions.timestep_fs
        question = Question(frame=frame, step=step, time_fs=time_fs, rule=verdict.rule)
        answer = self.oracle.ask(question)
        if isinstance(answer, NoLabel):
            reason = f"no label at step {step} and nothing can replace it: {answer.failure}"
            return Refused(verdict=_stop(reason), state=state, told=Told(), failure=answer.failure)
        if self._lacks_stress(answer.label):
            return Refused(verdict=_stop(NO_STRESS), state=state, told=Told())
        seconds = {"reference": answer.label.seconds, "update": 0.0}
        line = ledger_line(
            verdict, step=step, time_fs=time_fs, label_id=answer.label_id, seconds=seconds
        )
        bonded = bonds_for_log(frame, state, self.conditions, self.timing, step)
        state = _at_step(
            with_cost(state, step, answer.label), frame, step, "reference", 0.0, bonded
        )
        return Moved(
            forces=_forces_of(answer.label),
            verdict=verdict,
            state=state,
            told=Told(lines=(line,), events=answer.events),
        )

    def _continuous_energy(self, now: Now) -> float | None:
        """Return the energy that a label joins, eV; None where it begins with this label."""
        begins = now.seen.step == 0 and self.conditions.mode.learns
        return None if begins else now.seen.prediction.energy - now.state.energy_shift


def _question(now: Now, verdict: Verdict) -> Question:
    is_trusted = now.state.n_labels >= TRUSTED
    return Question(
        frame=now.frame,
        prediction=now.seen.prediction,
        expected_errors=now.seen.judged.errors if is_trusted else None,
        step=now.seen.step,
        time_fs=now.seen.time_fs,
        rule=verdict.rule,
    )


def _passed(now: Now, verdict: Verdict) -> Moved:
    """Accept a step that no rule asks about; a change that nobody asks about is past."""
    state, told = now.state, now.told
    if verdict.action == "skip":
        state = replace(state, n_skips=state.n_skips + 1)
        told += Told(lines=(_line(now, verdict),))
    if now.seen.chemistry is not None:
        path = replace(state.path, judged_bonded=now.seen.chemistry.bonded)
        state = replace(state, path=path)
    return _on_prediction(replace(now, state=state, told=told), verdict)


def _on_prediction(now: Now, verdict: Verdict) -> Moved:
    """Let the atoms go on with the forces of the force field."""
    seen, shift = now.seen, now.state.energy_shift
    state = _at_step(now.state, now.frame, seen.step, "ff", shift, seen.bonded)
    return Moved(forces=now.seen.prediction, verdict=verdict, state=state, told=now.told)


def _refused(now: Now, verdict: Verdict) -> Refused:
    """Write a refusal down; the path stays where it was."""
    state = refused(now.state, verdict, now.seen.step, now.seen.timestep_fs)
    told = now.told + Told(lines=(_line(now, verdict),))
    return Refused(verdict=verdict, state=state, told=told)


def _line(now: Now, verdict: Verdict) -> LedgerLine:
    return ledger_line(
        verdict,
        step=now.seen.step,
        time_fs=now.seen.time_fs,
        predicted_error=now.state.path.error,
    )


def _alarm(now: Now, tested: LearnerState) -> tuple[Drifting, ...]:
    """Return the event of an alarm that begins with this audit."""
    if now.state.is_drifting or not tested.is_drifting:
        return ()
    message = "audits are worse than the force field thinks"
    return (Drifting(step=now.seen.step, time_fs=now.seen.time_fs, message=message),)


def _stop(reason: str) -> Verdict:
    return Verdict(action="stop", rule="reference", reason=reason)


def _at_step(
    state: LearnerState,
    frame: Frame,
    step: int,
    source: Source,
    energy_shift: float,
    bonded: IntArray | None,
) -> LearnerState:
    """Return the state with the path at an accepted step.

    Parameters
    ----------
    bonded
        Covalent bonds of the frame; None where nobody looked, which leaves those of before.
    """
    path = replace(
        state.path,
        step=step,
        previous_positions=frame.structure.positions.copy(),
        bonded=state.path.bonded if bonded is None else bonded,
        source=source,
        energy_shift=energy_shift,
    )
    return replace(state, path=path)


def _forces_of(label: Label) -> Prediction:
    """Return what a label says in place of a prediction."""
    n = len(label.forces)
    return Prediction(
        energy=label.energy,
        forces=label.forces.copy(),
        stress=np.zeros(6) if label.stress is None else label.stress.copy(),
        energies=np.full(n, label.energy / n),
    )
