"""What a label teaches: first it tests what was predicted, then it is learned.

The test comes before the learning, so every label is one that the force field had not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from aofl.bayes.calibration import HIGHEST, LOWEST, Z_90
from aofl.chemistry.snapshot import ChemistrySnapshot
from aofl.config.schema import LearningConfig
from aofl.forcefield.model import ForceField
from aofl.learning.element_calibration import ElementCalibration
from aofl.learning.learner_state import Judgement, LearnerState
from aofl.learning.observation import Observation
from aofl.learning.rules.audit import RANDOM, SCHEDULED, is_drifting, next_gap
from aofl.learning.rules.baselines import updated_threshold
from aofl.records import FloatArray, Label, Prediction, Verdict

LARGEST_OVER_TYPICAL = 2.0  # the largest error of a frame, in typical ones
HISTORY = 10
LABEL_STEPS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a prediction fared when its label came.

    Attributes
    ----------
    errors
        Force error of each atom, rms over x, y, z, eV/Å, shape (n,).
    inside
        Element to force components inside the 90 % interval, and their number.
    is_surprise
        Whether the worst error, beside its threshold, was above it.
    judged
        What was thought before.
    """

    errors: FloatArray
    inside: dict[str, tuple[int, int]]
    is_surprise: bool
    judged: Judgement


def compare(memory: LearnerState, situation: Observation, label: Label) -> Outcome:
    """Compare a prediction with its label, and let the calibration learn from it."""
    prediction, symbols = situation.prediction, situation.symbols
    judged = memory.judge(symbols, prediction.deviations)
    difference = prediction.forces - label.forces
    errors = np.sqrt(np.mean(difference**2, axis=1))
    inside = {}
    if _is_test(memory):
        inside = memory.note_errors(symbols, difference, prediction.deviations)
    return Outcome(
        errors=errors,
        inside=inside,
        is_surprise=bool((errors > judged.limits).any()),
        judged=judged,
    )


def _is_test(memory: LearnerState) -> bool:
    """Return whether a label tests the calibration.

    A force field of no label foretells nothing, and one of a single label is so far off that its
    ratio, the largest for long, says nothing of those to come.
    """
    has_one_label = memory.n_labels == 1 and not any(t.ratios for t in memory.trust.values())
    return bool(memory.trust) and not has_one_label


def note_audit(
    memory: LearnerState, verdict: Verdict, outcome: Outcome, step: int, settings: LearningConfig
) -> bool:
    """Set the next audit by the outcome of this label; return whether an alarm begins."""
    if verdict.rule not in (SCHEDULED, RANDOM) or outcome.is_surprise:
        memory.last_doubt_step = step
    if verdict.rule not in (SCHEDULED, RANDOM):
        return False
    largest, expected = float(outcome.errors.max()), float(outcome.judged.errors.max())
    memory.n_audits += 1
    memory.audit_surprises = [*memory.audit_surprises, largest > expected][-HISTORY:]
    if verdict.rule == SCHEDULED:
        longest = settings.audit_max_gap_steps
        memory.audit_gap = next_gap(memory.audit_gap, largest, expected, memory.target, longest)
    before = memory.is_drifting
    memory.is_drifting = is_drifting(memory.audit_surprises, before)
    begins = memory.is_drifting and not before
    if begins:
        memory.audit_gap = 1
    return begins


def note_cost(memory: LearnerState, step: int, label: Label) -> None:
    """Count a label against the budget."""
    memory.n_asked += 1
    memory.reference_seconds += label.seconds
    memory.label_steps = [*memory.label_steps, step][-LABEL_STEPS:]
    memory.last_label_step = step


def note_chemistry(
    memory: LearnerState,
    sighting: ChemistrySnapshot,
    step: int,
    outcome: Outcome,
    timestep_fs: float,
) -> None:
    """Remember what chemistry this label has shown, and set when to ask next."""
    memory.watch.note_label(
        sighting, step, is_surprise=outcome.is_surprise, timestep_fs=timestep_fs
    )


def learn(
    memory: LearnerState,
    force_field: ForceField,
    atoms: Atoms,
    label: Label,
    prediction: Prediction,
    errors: FloatArray,
    label_id: int,
    cx: float,
) -> float:
    """Absorb a label; note what it teaches of distances and of the error that can be reached.

    Parameters
    ----------
    prediction, errors
        What was predicted, with its environments, and by how much it was wrong by atom.
    cx
        Of the threshold of `vasp_like`.

    Returns
    -------
    float
        Energy of the structure by the updated force field, eV.
    """
    symbols, environments = atoms.get_chemical_symbols(), prediction.environments
    if environments is None:
        raise ValueError("learning needs a prediction that was checked")
    memory.note_distances(symbols, environments, errors)
    force_field.learn(atoms, label)
    memory.remember(symbols, environments, label_id)
    memory.n_labels += 1
    memory.force_noise = force_field.force_noise
    after = force_field.predict(atoms, forces_std="sampled")
    memory.note_reached(symbols, after.deviations)
    largest = float(np.sqrt(np.mean(after.deviations**2, axis=1)).max())
    memory.vasp_history = [*memory.vasp_history, largest][-HISTORY:]
    memory.vasp_threshold = updated_threshold(memory.vasp_threshold, memory.vasp_history, cx)
    return after.energy


def fresh_memory(target: float, force_field: ForceField | None) -> LearnerState:
    """Return the memory of a run that begins, with what its force field brings along.

    Parameters
    ----------
    target
        The force error that is aimed at, eV/Å.
    """
    memory = LearnerState(target=target)
    if force_field is not None and force_field.learned is not None:
        memory.trust = trust_of(force_field)
        memory.force_noise = force_field.force_noise
    return memory


def trust_of(force_field: ForceField) -> dict[str, ElementCalibration]:
    """Return the calibration to start with, for a force field that was learned elsewhere."""
    found = {}
    for element, (deviation, noise) in zip(
        force_field.elements, force_field.calibration, strict=True
    ):
        factor = LARGEST_OVER_TYPICAL * float(max(deviation, noise))
        found[element] = ElementCalibration(
            initial=min(max(factor, LOWEST), HIGHEST), width=Z_90 * float(max(deviation, noise))
        )
    return found


def calibration_of(memory: LearnerState, force_field: ForceField) -> FloatArray:
    """Return the calibration factors of a force field as its labels have shown, (n_species, 2)."""
    known = [
        memory.trust.get(element, ElementCalibration()).width / Z_90
        for element in force_field.elements
    ]
    return np.repeat(np.array(known)[:, None], 2, axis=1)
