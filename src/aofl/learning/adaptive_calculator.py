"""The method itself: an ASE calculator that predicts, decides, asks and learns.

    predict -> decide -> (ask the reference -> believe it? -> store -> learn) -> forces

ASE's integrators ask for forces once per step, between drift and last kick, so momenta never feel
forces that were not accepted; any ASE driver (dynamics, optimiser, NEB) learns on the fly through
this class. On a labelled step the atoms move on the forces of the reference.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator, all_changes

from aofl.calculator import Calculator
from aofl.config.schema import LabelsConfig, LearningConfig
from aofl.errors import ModelError, RunStopped, StructureError
from aofl.forcefield.model import ForceField
from aofl.learning import ledger
from aofl.learning.labelling import ask, label
from aofl.learning.observation import Observation
from aofl.learning.observe import is_check_due, look, look_at_bonds
from aofl.learning.oracle import Oracle
from aofl.learning.rules.chemistry import RULE as CHEMISTRY
from aofl.learning.rules.chemistry import is_time_to_look
from aofl.learning.rules.guards import guards
from aofl.learning.rules.policy import decide, rules_of
from aofl.learning.rules.retrospective import RULE as SURPRISE
from aofl.learning.rules.retrospective import surprise
from aofl.learning.timing import Timing
from aofl.learning.update import Outcome, fresh_memory, note_cost
from aofl.records import FloatArray, IntArray, Label, Mode, Verdict
from aofl.reference import AseReference, Reference
from aofl.store import Dataset

logger = logging.getLogger(__name__)


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
        Called with one JSON-able record for each decision and for each other happening.
    target_temperature
        For the temperature guard, K; None leaves it out.
    timestep_fs
        Of the dynamics; the chemistry rule counts in it.
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
        self.record = on_decision or (lambda record: None)
        self._on_event = on_event or (lambda record: None)
        self.wall = Timing()
        self.labeller = Oracle(
            reference=_as_reference(reference),
            wall=self.wall,
            settings=labels or LabelsConfig(),
            dataset=dataset,
            quarantine=quarantine,
            seed=seed,
            on_event=self._on_event,
        )
        _check_level(force_field, self.labeller.level)
        self.force_field = force_field
        self.mode = mode
        self.settings = settings or LearningConfig()
        self.seed = seed
        self.target_temperature = target_temperature
        self.timestep_fs = timestep_fs
        self.memory = fresh_memory(1e-3 * self.settings.target_force_error_meV_per_A, force_field)
        self.step = -1
        self.last_source = "reference"
        self.last_error: float | None = None
        self.last_limit = self.memory.target
        self.is_unsure = False
        self.energy_shift = 0.0
        self.bonded: IntArray | None = None
        self.learned_ids: list[int] = []
        self.can_rewind = False  # a driver that has a frame to go back to says so before a step
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
        if (atoms := self.atoms) is None:
            raise StructureError("the calculator was called without atoms; attach it to some")
        if self.mode == "aimd":
            self._follow_reference(atoms)
        else:
            self._learn_or_predict(atoms)
        self.previous_positions = atoms.positions.copy()

    def label_here(self, atoms: Atoms, verdict: Verdict) -> None:
        """Label a structure because the driver says so, as after a rewind."""
        situation = look(self, atoms, check=True)
        energy = self.results.get("energy")
        continuous = None if energy is None else energy - self.energy_shift
        label(self, atoms, situation, verdict, continuous)

    def join_energy(self, atoms: Atoms) -> None:
        """Let the energy go on where it was at a frame that the run went back to unlabelled."""
        if self.force_field is not None:
            continuous = self.results["energy"] - self.energy_shift
            self.memory.energy_shift = self.force_field.predict(atoms).energy - continuous

    def _follow_reference(self, atoms: Atoms) -> None:
        answer = ask(self, atoms, None, "aimd")
        verdict = Verdict(action="label", rule="aimd", reason="every step")
        seconds = {"reference": answer.seconds, "update": 0.0}
        self.record(
            ledger.decision(
                verdict, self.step, self.time_fs, None,
                label_id=self.labeller.ids[-1], seconds=seconds,
            )
        )  # fmt: skip
        note_cost(self.memory, self.step, answer)
        self.adopt_label(answer)

    def _learn_or_predict(self, atoms: Atoms) -> None:
        situation = look(self, atoms, check=is_check_due(self))
        is_holding = self.step < self.memory.hold_until
        if self.mode == "aofl" and not is_holding and is_time_to_look(self.step, self.timestep_fs):
            situation = look_at_bonds(self, atoms, situation, with_species=False)
        rules = rules_of(self.mode, self.settings)[: 1 if is_holding else None]
        with self.wall.part("force_field"):
            verdict = decide(rules, situation, self.memory, self.settings)
        if verdict.action in ("rewind", "stop"):
            self._refuse(verdict)
        if verdict.action == "skip":
            self.memory.n_skips += 1
            self.record(ledger.decision(verdict, self.step, self.time_fs, self.last_error))
        if verdict.action != "label" and situation.sighting is not None:
            self.bonded = situation.sighting.bonded  # a change that nobody asks about is past
        outcome = label(self, atoms, situation, verdict) if verdict.action == "label" else None
        if verdict.is_doubt and not self._is_cleared(situation, outcome):
            self._refuse(replace(verdict, action="rewind"))
        if outcome is None:
            self._adopt_prediction(situation)
        elif self.mode == "aofl":
            second = surprise(outcome, situation, self.memory)
            if second.action == "rewind":
                self._refuse(second)

    def _is_cleared(self, situation: Observation, outcome: Outcome | None) -> bool:
        """Return whether a step that was doubted breaks no guard with the forces of its label."""
        if outcome is None:
            return False
        known = replace(situation.prediction, forces=self.results["forces"])
        verdict = guards(replace(situation, prediction=known), self.memory, self.settings)
        return verdict.action == "accept"

    def _refuse(self, verdict: Verdict) -> None:
        """Write down a step that is not accepted, and leave it to the driver."""
        if verdict.rule == CHEMISTRY:
            self.memory.watch.note_rewind(self.step, self.timestep_fs)
        elif verdict.rule == SURPRISE:
            self.memory.n_surprises += 1
            self.memory.surprised_at = self.step
        elif verdict.action == "rewind":
            self.memory.n_rewinds += 1
            self.memory.refused_at = self.step
        self.record(ledger.decision(verdict, self.step, self.time_fs, self.last_error))
        if verdict.action == "stop":
            value = f" ({verdict.value:.3g} {verdict.unit})" if verdict.value is not None else ""
            raise RunStopped(f"step {self.step}: {verdict.reason}{value}")
        raise RewindRequested(verdict)

    def adopt_label(self, label: Label) -> None:
        """Take the forces of a label for this step."""
        self.last_source = "reference"
        n = len(label.forces)
        self.results = {
            "energy": label.energy,
            "free_energy": label.energy,
            "energies": np.full(n, label.energy / n),
            "forces": label.forces.copy(),
            "stress": np.zeros(6) if label.stress is None else label.stress.copy(),
        }

    def _adopt_prediction(self, situation: Observation) -> None:
        prediction, self.last_source = situation.prediction, "ff"
        self.energy_shift = self.memory.energy_shift
        self.results = {
            "energy": prediction.energy,
            "free_energy": prediction.energy,
            "energies": prediction.energies,
            "forces": prediction.forces,
            "stress": prediction.stress,
        }

    def tell(self, **what: Any) -> None:
        """Write down a happening that is no decision."""
        self._on_event({"step": self.step, "time_fs": self.time_fs, **what})

    @property
    def time_fs(self) -> float:
        """Simulated time, fs."""
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
