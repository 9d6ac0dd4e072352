"""The method itself: an ASE calculator that predicts, decides, asks and learns.

    predict -> decide -> (ask the reference -> believe it? -> store -> learn) -> forces

ASE's integrators ask for forces once per step, between drift and last kick, so momenta never feel
forces that were not accepted; any ASE driver (dynamics, optimiser, NEB) learns on the fly through
this class. On a labelled step the atoms move on the forces of the reference.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator, Calculator, all_changes

from aofl.analysis.accuracy import error_sums
from aofl.config.schema import LabelsConfig, LearningConfig
from aofl.errors import ModelError, ReferenceFailed, RunStopped, StructureError
from aofl.forcefield.model import ForceField
from aofl.learning import ledger
from aofl.learning.audit import RANDOM, SCHEDULED, next_gap
from aofl.learning.labeller import Labeller
from aofl.learning.memory import HISTORY, Memory
from aofl.learning.policy import RULES, decide
from aofl.learning.situation import Situation
from aofl.learning.uncertainty import CHECK_EVERY, has_grown
from aofl.learning.wall import WallClock
from aofl.records import (
    FloatArray,
    Label,
    Mode,
    Prediction,
    Verdict,
)
from aofl.reference import AseReference, Reference
from aofl.store import Dataset

logger = logging.getLogger(__name__)

HOLD_STEPS = 10  # after a failed label: failures persist in a region
MAX_FAILURES = 20  # in a row
TRUSTED_AFTER = 10  # labels before the force field may call a label an outlier
RATIOS_KEPT = 100


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

    Parameters
    ----------
    reference
        A `Reference`, or any ASE calculator, which is wrapped into one.
    force_field
        What learns; None makes one of accuracy "standard" for the elements of the first
        structure. Not used in mode "aimd".
    mode
        "aofl" (uncertainty and similarity), "cofl" (uncertainty alone), "aimd" (reference at
        every step) or "mlff" (frozen force field; guards and audits still watch).
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
        Called with one JSON-able record for each decision and for each other happening.
    target_temperature
        For the temperature guard, K; None leaves it out.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012

    def __init__(
        self,
        *,
        reference: Reference | BaseCalculator,
        force_field: ForceField | None = None,
        mode: Mode = "aofl",
        settings: LearningConfig | None = None,
        seed: int = 0,
        labels: LabelsConfig | None = None,
        dataset: Dataset | None = None,
        quarantine: Path | None = None,
        on_decision: Callable[[dict[str, Any]], None] | None = None,
        on_event: Callable[[dict[str, Any]], None] | None = None,
        target_temperature: float | None = None,
        timestep_fs: float = 1.0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._record = on_decision or (lambda record: None)
        self._tell = on_event or (lambda record: None)
        self.wall = WallClock()
        self.labeller = Labeller(
            reference=_as_reference(reference),
            wall=self.wall,
            settings=labels or LabelsConfig(),
            dataset=dataset,
            quarantine=quarantine,
            seed=seed,
            on_event=self._tell,
        )
        _check_level(force_field, self.labeller.level)
        self.force_field = force_field
        self.mode = mode
        self.settings = settings or LearningConfig()
        self.seed = seed
        self.target_temperature = target_temperature
        self.timestep_fs = timestep_fs
        self.memory = Memory(target=1e-3 * self.settings.target_force_error_meV_per_A)
        self.step = -1
        self.last_source = "reference"
        self.last_error: float | None = None
        self.previous_positions: FloatArray | None = None

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Compute one step: the cycle of the method.

        Raises
        ------
        RewindRequested
            If a guard refuses the structure.
        RunStopped
            If the reference fails where it cannot be done without.
        """
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        self.step += 1
        atoms = self._structure()
        if self.mode == "aimd":
            self._follow_reference(atoms)
        else:
            self._learn_or_predict(atoms)
        self.previous_positions = atoms.positions.copy()

    def _structure(self) -> Atoms:
        """Return the structure that ASE handed over, a copy of the caller's."""
        atoms: Atoms | None = self.atoms
        if atoms is None:
            raise StructureError("the calculator was called without atoms; attach it to some")
        return atoms

    def label_here(self, atoms: Atoms, verdict: Verdict) -> None:
        """Label a structure because the driver says so, as after a rewind."""
        situation = self._look(atoms, check=True)
        self._label(atoms, situation, verdict)

    def _follow_reference(self, atoms: Atoms) -> None:
        label = self._ask(atoms, None, "aimd")
        verdict = Verdict(action="label", rule="aimd", reason="every step")
        seconds = {"reference": label.seconds, "update": 0.0}
        self._record(
            ledger.decision(
                verdict, self.step, self._time(), None,
                label_id=self.labeller.ids[-1], seconds=seconds,
            )
        )  # fmt: skip
        self._adopt_label(label)

    def _learn_or_predict(self, atoms: Atoms) -> None:
        situation = self._look(atoms, check=self._is_check_due())
        with self.wall.part("force_field"):
            verdict = decide(self._rules(), situation, self.memory, self.settings)
        if verdict.action == "rewind":
            self.memory.n_rewinds += 1
            self._record(ledger.decision(verdict, self.step, self._time(), self.last_error))
            raise RewindRequested(verdict)
        if verdict.action == "skip":
            self.memory.n_skips += 1
            self._record(ledger.decision(verdict, self.step, self._time(), self.last_error))
        if verdict.action != "label" or not self._label(atoms, situation, verdict):
            self._adopt_prediction(situation.prediction)

    def _is_check_due(self) -> bool:
        """Return whether to look at the deviations: regularly, and until the last look was fine."""
        is_safe = self.last_error is not None and self.last_error <= self.memory.threshold
        return not is_safe or self.step % CHECK_EVERY == 0

    def _rules(self) -> Any:
        rules = RULES[self.mode]
        is_holding = self.step < self.memory.hold_until
        return rules[:1] if is_holding else rules

    def _look(self, atoms: Atoms, *, check: bool) -> Situation:
        """Return the situation, with the deviations of the forces to check, or where they grew."""
        if self.force_field is None:
            self.force_field = ForceField(sorted(set(atoms.get_chemical_symbols())))
        if not check:
            with self.wall.part("force_field"):
                prediction = self.force_field.predict(atoms, energies_std=True)
            if not has_grown(prediction.energies_std, self.memory.seen_energies_std):
                return self._situation(atoms, prediction)
        with self.wall.part("uncertainty"):
            prediction = self.force_field.predict(atoms, forces_std="sampled", energies_std=True)
        local = prediction.energies_std
        self.memory.seen_energies_std = [] if local is None else local.tolist()
        largest = float(self.memory.calibrated_errors(prediction.deviations).max())
        self.last_error = largest if self.memory.n_labels else None
        return self._situation(atoms, prediction)

    def _situation(self, atoms: Atoms, prediction: Prediction) -> Situation:
        return Situation(
            step=self.step,
            numbers=atoms.numbers.astype(np.int64),
            symbols=atoms.get_chemical_symbols(),
            positions=atoms.positions,
            cell=atoms.cell.array,
            pbc=atoms.pbc,
            previous_positions=self.previous_positions,
            temperature=float(atoms.get_temperature()),
            target_temperature=self.target_temperature,
            prediction=prediction,
            seed=self.seed,
        )

    def _label(self, atoms: Atoms, situation: Situation, verdict: Verdict) -> bool:
        """Ask for a label, test the force field on it, and learn it; False if there is none."""
        if situation.prediction.forces_std is None:
            situation = self._look(atoms, check=True)
        prediction = situation.prediction
        try:
            label = self._ask(atoms, prediction, verdict.rule)
        except ReferenceFailed as error:
            self._note_failure(error)
            return False
        self.memory.failures = 0
        expected = self.last_error
        errors = np.sqrt(np.mean((prediction.forces - label.forces) ** 2, axis=1))
        self._calibrate(situation, verdict, errors)
        seconds = {"reference": label.seconds, "update": 0.0}
        if self.mode != "mlff":
            before = self.wall.seconds["update"]
            with self.wall.part("update"):
                self._learn(atoms, situation, label, errors)
            seconds["update"] = self.wall.seconds["update"] - before
        self.last_error = expected
        self._record(
            ledger.decision(
                verdict, self.step, self._time(), expected,
                label_id=self.labeller.ids[-1], seconds=seconds,
                true_error=float(errors.max()),
                errors=error_sums(prediction.forces, label.forces, situation.symbols),
            )
        )  # fmt: skip
        self._adopt_label(label)
        return True

    def _ask(self, atoms: Atoms, prediction: Prediction | None, rule: str) -> Label:
        """Return a label, or stop the run where nothing can replace it."""
        expected = None
        if prediction is not None and self.memory.n_labels >= TRUSTED_AFTER:
            expected = self.memory.calibrated_errors(prediction.deviations)
        try:
            return self.labeller.label(
                atoms,
                prediction,
                expected_errors=expected,
                provenance={"step": self.step, "time_fs": self._time(), "rule": rule},
            )
        except ReferenceFailed as error:
            has_force_field = self.force_field is not None and self.force_field.learned is not None
            if has_force_field and self.labeller.settings.on_failure == "continue":
                raise
            why = "`labels.on_failure` is stop" if has_force_field else "nothing can replace it"
            raise RunStopped(f"no label at step {self.step} and {why}: {error}") from error

    def _calibrate(self, situation: Situation, verdict: Verdict, errors: FloatArray) -> None:
        """Let a label test the uncertainty, before it is learned."""
        memory, std = self.memory, situation.prediction.deviations
        expected = float(memory.calibrated_errors(std).max())
        if memory.n_labels > 0:
            memory.ratios.append(float((errors / memory.raw_errors(std)).max()))
            memory.ratios = memory.ratios[-RATIOS_KEPT:]
        if verdict.rule in (SCHEDULED, RANDOM):
            memory.n_audits += 1
        if verdict.rule == SCHEDULED:
            memory.audit_gap = next_gap(
                memory.audit_gap,
                float(errors.max()),
                expected,
                memory.target,
                self.settings.audit_max_gap_steps,
            )
        memory.last_label_step = self.step

    def _learn(self, atoms: Atoms, situation: Situation, label: Label, errors: FloatArray) -> None:
        """Absorb a label; note what it teaches about distances and about the reachable error."""
        memory, force_field = self.memory, self.force_field
        environments = situation.prediction.environments
        if force_field is None or environments is None:
            raise ValueError("learning needs a force field and a prediction that was checked")
        memory.note_distances(situation.symbols, environments, errors)
        force_field.learn(atoms, label)
        force_field.level = self.labeller.level
        memory.remember(situation.symbols, environments, self.labeller.ids[-1])
        memory.n_labels += 1
        memory.force_noise = force_field.force_noise
        std = force_field.predict(atoms, forces_std="sampled").deviations
        reached = float(np.sqrt(np.mean(std**2, axis=1)).max())
        memory.reached_std = [*memory.reached_std, reached][-HISTORY:]

    def _note_failure(self, error: ReferenceFailed) -> None:
        memory = self.memory
        memory.n_failed += 1
        memory.failures += 1
        memory.hold_until = self.step + HOLD_STEPS
        logger.warning("step %d: no label: %s", self.step, error)
        event = {"step": self.step, "time_fs": self._time(), "event": "label_failed"}
        self._tell({**event, "message": str(error)})
        if memory.failures >= MAX_FAILURES:
            raise RunStopped(
                f"the reference failed {memory.failures} times in a row, last at step "
                f"{self.step}: {error}"
            ) from error

    def _adopt_label(self, label: Label) -> None:
        self.last_source = "reference"
        n = len(label.forces)
        stress = label.stress if label.stress is not None else np.zeros(6)
        self.results = {
            "energy": label.energy,
            "free_energy": label.energy,
            "energies": np.full(n, label.energy / n),
            "forces": label.forces.copy(),
            "stress": stress.copy(),
        }

    def _adopt_prediction(self, prediction: Prediction) -> None:
        self.last_source = "ff"
        self.results = {
            "energy": prediction.energy,
            "free_energy": prediction.energy,
            "energies": prediction.energies,
            "forces": prediction.forces,
            "stress": prediction.stress,
        }

    def _time(self) -> float:
        return self.step * self.timestep_fs


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
