"""ASE's face of the learner: a calculator that learns, and the only place that raises a rewind.

ASE's integrators ask for forces once per step, between drift and last kick, so momenta never feel
forces that were not accepted; any ASE driver (dynamics, optimiser, NEB) learns on the fly through
this class. What a step does is in `aofl.learning.learner`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.calculator import BaseCalculator, all_changes

from aofl.calculator import Calculator
from aofl.config.schema import LabelsConfig, LearningConfig
from aofl.errors import ModelError, RunStopped, StructureError
from aofl.forcefield.model import ForceField
from aofl.learning.learner import Learner
from aofl.learning.learner_state import LearnerState
from aofl.learning.observation import Frame
from aofl.learning.observe import Conditions
from aofl.learning.oracle import Oracle
from aofl.learning.question import Answer
from aofl.learning.rules.policy import Mode, mode_of
from aofl.learning.step_result import Moved, Refused, Told, Unlabelled
from aofl.learning.timing import Timing
from aofl.learning.update import fresh_state
from aofl.records import Event, LabelledStructure, LedgerLine, Prediction, Verdict
from aofl.records import Mode as ModeName
from aofl.records.events import ExcursionBegan, LabelFailed, TargetMissed
from aofl.reference import AseReference, Reference
from aofl.reference.background import BackgroundReference
from aofl.schedule import Schedule
from aofl.store import Dataset
from aofl.structure import Structure

logger = logging.getLogger(__name__)

OWN_ARRAYS = ("numbers", "positions")  # what a structure holds already


class RewindRequested(RunStopped):
    """A step was refused; the driver should go back to a trusted frame."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        where = f" ({verdict.element} {verdict.atom})" if verdict.atom is not None else ""
        super().__init__(
            f"step refused by the rule {verdict.rule}: {verdict.reason}{where}, value "
            f"{verdict.value}, limit {verdict.threshold} {verdict.unit}; "
            "use a shorter time step or start from a relaxed structure"
        )


class AdaptiveCalculator(Calculator):
    """Forces from a force field that learns from a reference code while it runs.

    `state` is all that survives a step (`aofl.learning.learner_state`). A driver that has a frame
    to go back to sets `can_rewind` before a step.

    Parameters
    ----------
    reference
        A `Reference`, or any ASE calculator, which is wrapped into one.
    force_field
        What learns; None makes one of accuracy "standard" for the elements of the first
        structure. Not used in mode "aimd".
    mode
        "aofl" (chemistry, uncertainty and similarity), "cofl" (uncertainty alone), "aimd"
        (reference at every step) or "mlff" (frozen force field; guards, audits and its own
        uncertainty still watch).
    settings
        Thresholds of the rules.
    seed
        Of the random audits.
    labels
        When a label is believed, and what a run does without one.
    dataset
        Where labels are kept; a structure found there is not computed again.
    quarantine
        Where structures without a label are kept.
    on_decision, on_event
        Called with a record for each decision and for each other happening.
    target_temperature
        Of the thermostat, K, one or a schedule, for the temperature guard; None leaves it out.
    relaxation_fs
        Time in which the temperature follows its target, fs; for targets that fall.
    timestep_fs
        Of the dynamics; the chemistry rule counts in it.
    bonds_every
        Steps between the looks at the bonds of who follows the reactions; None where nobody does.
    needs_stress
        Whether the driver follows the stress: then a label without one stops the run.
    background
        What makes labels beside the run; None waits for each.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012

    def __init__(
        self,
        *,
        reference: Reference | BaseCalculator,
        force_field: ForceField | None = None,
        mode: ModeName = "aofl",
        settings: LearningConfig | None = None,
        seed: int = 0,
        labels: LabelsConfig | None = None,
        dataset: Dataset | None = None,
        quarantine: Path | None = None,
        on_decision: Callable[[LedgerLine], None] | None = None,
        on_event: Callable[[Event], None] | None = None,
        target_temperature: float | Schedule | None = None,
        relaxation_fs: float = 0.0,
        timestep_fs: float = 1.0,
        bonds_every: int | None = None,
        needs_stress: bool = False,
        background: BackgroundReference | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        settings, labels = settings or LearningConfig(), labels or LabelsConfig()
        self.timing = Timing()
        self.oracle = Oracle(
            reference=_as_reference(reference),
            timing=self.timing,
            settings=labels,
            dataset=dataset,
            quarantine=quarantine,
            background=background,
            seed=seed,
        )
        _check_level(force_field, self.oracle.level)
        self.learner = Learner(
            conditions=Conditions(
                mode=mode_of(mode, settings),
                settings=settings,
                seed=seed,
                timestep_fs=timestep_fs,
                target_temperature=_schedule(target_temperature),
                relaxation_fs=relaxation_fs,
                bonds_every=bonds_every,
                needs_stress=needs_stress,
            ),
            oracle=self.oracle,
            timing=self.timing,
            goes_on=labels.on_failure == "continue",
            n_background=0 if background is None else labels.background,
            cut=labels.cut,
        )
        self.force_field = force_field
        target = 1e-3 * settings.target_force_error_meV_per_A
        self.state: LearnerState = fresh_state(target, force_field, is_strict=settings.strict)
        self.can_rewind = False
        self._on_decision = on_decision or (lambda line: None)
        self._on_event = on_event or (lambda event: None)

    @property
    def mode(self) -> Mode:
        """What the mode does."""
        return self.learner.conditions.mode

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Make one step of the method.

        Raises
        ------
        RewindRequested
            If a rule refuses the structure.
        RunStopped
            If the reference fails where it cannot be done without, or a budget is spent.
        """
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        if (atoms := self.atoms) is None:
            raise StructureError("the calculator was called without atoms; attach it to some")
        frame = frame_of(atoms, can_rewind=self.can_rewind)
        self._take(self.learner.step(frame, self._model_for(frame), self.state))

    def label_here(self, atoms: Atoms, verdict: Verdict) -> None:
        """Label the frame of the last step because the driver says so, as after a rewind.

        Without a label the step goes on as it was.

        Raises
        ------
        RunStopped
            If the reference fails where it cannot be done without.
        """
        frame = frame_of(atoms, can_rewind=self.can_rewind)
        model = self._model_for(frame)
        if model is None:
            raise ValueError("in mode aimd every step has its label")
        energy = self.results["energy"]
        self._take(self.learner.label(frame, model, self.state, verdict, energy))

    def learn_given(self, label_ids: Iterable[int]) -> None:
        """Learn labels of the data set that this run did not ask for, in this order.

        Raises
        ------
        ModelError
            If they cannot be fitted.
        """
        for label_id in label_ids:
            entry = self._known(label_id)
            frame = Frame(structure=Structure.labelled(entry))
            model, answer = self._model_for(frame), Answer(label=entry.label, label_id=label_id)
            if model is None or not self.mode.learns:
                raise ValueError(f"in mode {self.mode} no label is learned")
            self.state = self.learner.learn_given(frame, model, self.state, answer)

    def _known(self, label_id: int) -> LabelledStructure:
        if self.oracle.dataset is None:
            raise ValueError("without a data set there are no labels to begin with")
        return self.oracle.dataset[label_id]

    def join_energy(self, atoms: Atoms) -> None:
        """Let the energy go on where it was at a frame that the run went back to unlabelled."""
        if self.force_field is None:
            return
        continuous = self.results["energy"] - self.state.path.energy_shift
        now = self.force_field.predict(atoms).energy
        self.state = replace(self.state, energy_shift=now - continuous)

    def _take(self, came: Moved | Refused | Unlabelled) -> None:
        """Take what came of a step: keep the state, tell, go on with the forces, or raise."""
        self.state = came.state
        self._tell(came.told)
        match came:
            case Moved():
                self.results = results_of(came.forces)
            case Refused(verdict=verdict, failure=failure):
                raise _exception(verdict, self.state.path.step + 1, failure) from failure

    def _tell(self, told: Told) -> None:
        for line in told.lines:
            self._on_decision(line)
        for event in told.events:
            if isinstance(event, LabelFailed):
                logger.warning("step %d: no label: %s", event.step, event.message)
            if isinstance(event, (TargetMissed, ExcursionBegan)):
                logger.warning("step %d: %s", event.step, event.message)
            self._on_event(event)

    def _model_for(self, frame: Frame) -> ForceField | None:
        """Return the force field, made for the first frame where none was given."""
        if not self.mode.has_force_field:
            return None
        if self.force_field is None:
            self.force_field = ForceField(sorted(set(frame.structure.symbols)))
        return self.force_field


def frame_of(atoms: Atoms, *, can_rewind: bool = False) -> Frame:
    """Return what the learner sees of ASE's atoms."""
    arrays = {name: a for name, a in atoms.arrays.items() if name not in OWN_ARRAYS}
    return Frame(
        structure=Structure.of(atoms),
        temperature=float(atoms.get_temperature()),
        can_rewind=can_rewind,
        annotations={"arrays": arrays, "info": atoms.info},
    )


def results_of(forces: Prediction) -> dict[str, Any]:
    """Return what a step goes on with, by ASE's property names."""
    return {
        "energy": forces.energy,
        "free_energy": forces.energy,
        "energies": forces.energies,
        "forces": forces.forces,
        "stress": forces.stress,
    }


def _exception(verdict: Verdict, step: int, failure: Exception | None) -> RunStopped:
    if verdict.action == "rewind":
        return RewindRequested(verdict)
    if failure is not None:
        return RunStopped(verdict.reason)
    value = f" ({verdict.value:.3g} {verdict.unit})" if verdict.value is not None else ""
    return RunStopped(f"step {step}: {verdict.reason}{value}")


def _schedule(target: float | Schedule | None) -> Schedule | None:
    return Schedule.constant(float(target)) if isinstance(target, int | float) else target


def _check_level(force_field: ForceField | None, level: str) -> None:
    """Refuse a force field that was learned at another level of theory than its labels to come."""
    known = force_field.level if force_field is not None else None
    if known not in (None, level):
        raise ModelError(
            f"the force field was learned from {known} and the reference makes {level}: use that "
            "reference, or train a force field on labels of this one (`aofl label`, `aofl train`)"
        )


def _as_reference(reference: Reference | BaseCalculator) -> Reference:
    return AseReference(reference) if isinstance(reference, BaseCalculator) else reference
