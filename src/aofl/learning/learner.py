"""The learner: the method on one page.

    observe -> decide -> (ask the oracle -> compare -> learn) -> forces

One step is a function of a frame, the model and the state, and returns what came of it as a value:
`Moved` with the forces to go on with, or `Refused` with the verdict. On a labelled step the atoms
move on the forces of the reference, unless only parts of them were labelled
(`aofl.learning.cut_labels`). The state is frozen and replaced; the model goes on changing
its Gram matrices in place, as copies of them are too large. Nothing here knows files or ASE, and
times are only handed on to be counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from aofl.config.schema import CutConfig
from aofl.learning.cut_labels import CutLabels, Shown
from aofl.learning.excursion import followed, word_about_excursion
from aofl.learning.failed_label import stop, without_label
from aofl.learning.late_answers import LateAnswers
from aofl.learning.learner_state import LearnerState, Source
from aofl.learning.model import Model
from aofl.learning.observation import Frame
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
from aofl.learning.step_result import Moved, Now, Refused, Told, Unlabelled, ledger_line
from aofl.learning.teaching import Teacher
from aofl.learning.timing import Timing
from aofl.learning.update import compare, noted, with_cost
from aofl.records import IntArray, Label, LedgerLine, Prediction, Verdict
from aofl.records.events import Uncertain
from aofl.records.rule_names import AIMD

NO_STRESS = (
    "the reference gave no stress, which `dynamics.pressure_GPa` cannot do without: let it compute "
    "one (`reference.stress: true` with CP2K), take another reference, or a fixed cell"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """Decides at each step whether the reference is asked, and learns what it says.

    Attributes
    ----------
    goes_on
        Whether a label that fails may be done without.
    n_background
        Processes that make labels beside the run; with 0 it waits for each.
    cut
        How structures are cut that are too large for a label; None labels every one whole.
    """

    conditions: Conditions
    oracle: AnyOracle
    timing: Timing = field(default_factory=Timing)
    goes_on: bool = True
    n_background: int = 0
    cut: CutConfig | None = None

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
        if isinstance(came, Moved) and came.state.waiting and model is not None:
            came = self._late.taken(came, frame, model)
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
        if self._late.may_be_late(full, verdict):
            return _passed(self._late.sent(full, verdict), verdict)
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
        """Return the state after learning a label that this run did not ask for."""
        return self._teacher.given(frame, model, state, answer)

    @property
    def _teacher(self) -> Teacher:
        return Teacher(conditions=self.conditions, timing=self.timing, level=self.oracle.level)

    @property
    def _late(self) -> LateAnswers:
        return LateAnswers(
            oracle=self.oracle,
            teacher=self._teacher,
            n_background=self.n_background,
            goes_on=self.goes_on,
        )

    @property
    def _cuts(self) -> CutLabels:
        return CutLabels(
            oracle=self.oracle, teacher=self._teacher, settings=self.cut, goes_on=self.goes_on
        )

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
        if self._cuts.applies(now.frame):
            shown = self._cuts.asked(now, verdict)
            return _led_alone(shown, verdict, continuous) if isinstance(shown, Shown) else shown
        match self.oracle.ask(now.question(verdict)):
            case NoLabel(failure=failure):
                return without_label(now, failure, goes_on=self.goes_on)
            case Answer(label=label) if self._lacks_stress(label):
                return Refused(verdict=stop(NO_STRESS), state=now.state, told=now.told)
            case Answer() as answer:
                return self._led(now, verdict, answer, continuous)

    def _lacks_stress(self, label: Label) -> bool:
        return self.conditions.needs_stress and label.stress is None

    def _led(self, now: Now, verdict: Verdict, answer: Answer, continuous: float | None) -> Moved:
        """Let a label test the force field, then teach it; the atoms go on with its forces."""
        seen, label = now.seen, answer.label
        outcome = compare(seen, label, now.state)
        tested = noted(now.state, seen, label, verdict, outcome, self.conditions.settings)
        taught = self._teacher.taught(now, verdict, answer, outcome, tested)
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
            return Refused(verdict=stop(reason), state=state, told=Told(), failure=answer.failure)
        if self._lacks_stress(answer.label):
            return Refused(verdict=stop(NO_STRESS), state=state, told=Told())
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


def _led_alone(shown: Shown, verdict: Verdict, continuous: float | None) -> Moved:
    """Go on with the forces of the force field after labels of cut-outs."""
    energy = shown.now.seen.prediction.energy
    shift = 0.0 if continuous is None else energy - continuous
    state = replace(shown.now.state, energy_shift=shift)
    moved = _on_prediction(replace(shown.now, state=state), verdict)
    return replace(moved, outcome=shown.outcome)


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
