"""The update: what a label teaches. First it tests what was predicted, then it is learned.

The test comes before the learning, so every label is one that the force field had not seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aofl.bayes.calibration import HIGHEST, LOWEST, Z_90
from aofl.config.schema import LearningConfig
from aofl.learning.element_calibration import ElementCalibration
from aofl.learning.learner_state import LearnerState, PathState
from aofl.learning.model import Model
from aofl.learning.observation import Judgement, Observation
from aofl.learning.rules.audit import is_drifting, longest_gap, next_gap
from aofl.learning.rules.baselines import updated_threshold
from aofl.learning.waiting import Waiting
from aofl.records import FloatArray, IntArray, Label, Verdict
from aofl.records.rule_names import AUDIT, AUDITS

LARGEST_OVER_TYPICAL = 2.0  # the largest error of a frame, in typical ones
HISTORY = 10
LABEL_STEPS = 2000
HOLD_STEPS = 10  # after a failed label, twice as many after the next: failures persist
LONGEST_HOLD = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a prediction fared when its label came, for the n atoms that count in it.

    Attributes
    ----------
    atoms, symbols
        Their indices in the structure, shape (n,), and their elements.
    errors
        Force error of each atom, rms over x, y, z, eV/Å, shape (n,).
    difference, deviations
        Predicted minus true forces, and what was thought of them: `Prediction.forces_std`, eV/Å,
        shape (n, 3).
    inside
        Element to force components inside the 90 % interval, and their number; empty where the
        label was no test of the calibration.
    judged
        What was thought before.
    """

    atoms: IntArray
    symbols: list[str]
    errors: FloatArray
    difference: FloatArray
    deviations: FloatArray
    inside: dict[str, tuple[int, int]]
    judged: Judgement

    @property
    def is_surprise(self) -> bool:
        """Whether the error of some atom was above its threshold."""
        return bool((self.errors > self.judged.limits).any())

    @property
    def excess(self) -> float:
        """The largest force error of an atom, in thresholds."""
        return float((self.errors / self.judged.limits).max())

    @property
    def largest(self) -> float:
        """The largest force error of an atom, eV/Å."""
        return float(self.errors.max())


def compare(seen: Observation, label: Label, state: LearnerState) -> Outcome:
    """Compare a prediction with its label."""
    atoms = label.counted
    judged = seen.judged.of(atoms)
    symbols = [seen.symbols[k] for k in atoms]
    difference = (seen.prediction.forces - label.forces)[atoms]
    deviations = seen.prediction.deviations[atoms]
    return Outcome(
        atoms=atoms,
        symbols=symbols,
        errors=np.sqrt(np.mean(difference**2, axis=1)),
        difference=difference,
        deviations=deviations,
        inside=state.inside(symbols, difference, deviations) if is_test(state) else {},
        judged=judged,
    )


def is_test(state: LearnerState) -> bool:
    """Return whether a label tests the calibration.

    A force field of no label foretells nothing, and one of a single label is so far off that its
    ratio, the largest for long, says nothing of those to come.
    """
    has_one_label = state.n_labels == 1 and not any(c.ratios for c in state.calibration.values())
    return bool(state.calibration) and not has_one_label


def noted(
    state: LearnerState,
    seen: Observation,
    label: Label,
    verdict: Verdict,
    outcome: Outcome,
    settings: LearningConfig,
) -> LearnerState:
    """Return the state after a label has tested the force field, before it is learned."""
    if is_test(state):
        state = state.tested(outcome.symbols, outcome.difference, outcome.deviations)
    state = with_audit(state, verdict, outcome, seen.step, settings)
    state = with_cost(state, seen.step, label)
    return with_chemistry(state, seen, outcome)


def noted_late(
    state: LearnerState,
    waiting: Waiting,
    label: Label,
    outcome: Outcome,
    settings: LearningConfig,
) -> LearnerState:
    """Return the state after a label that comes later has tested what was predicted then."""
    now = noted(state, waiting.seen, label, waiting.verdict, outcome, settings)
    watch = now.watch
    if outcome.is_surprise:
        watch = watch.surprised(state.path.step, waiting.watch)
    return replace(
        now,
        watch=watch,
        last_label_step=max(now.last_label_step, state.last_label_step),
        last_doubt_step=max(now.last_doubt_step, state.last_doubt_step),
    )


def with_audit(
    state: LearnerState,
    verdict: Verdict,
    outcome: Outcome,
    step: int,
    settings: LearningConfig,
) -> LearnerState:
    """Set the next audit by the outcome of this label; an alarm that begins audits at once."""
    is_audit = verdict.rule in AUDITS
    if not is_audit or outcome.is_surprise:
        state = replace(state, last_doubt_step=step)
    if not is_audit:
        return state
    largest, expected = outcome.largest, float(outcome.judged.errors.max())
    surprises = (*state.audit_surprises, largest > expected)[-HISTORY:]
    gap = state.audit_gap
    if verdict.rule == AUDIT:
        longest = longest_gap(state.n_audits, settings)
        gap = next_gap(gap, largest, expected, state.target, longest)
    drifts = is_drifting(surprises, state.is_drifting)
    return replace(
        state,
        n_audits=state.n_audits + 1,
        audit_surprises=surprises,
        audit_gap=1 if drifts and not state.is_drifting else gap,
        is_drifting=drifts,
    )


def with_cost(state: LearnerState, step: int, label: Label) -> LearnerState:
    """Count a label against the budget."""
    return replace(
        state,
        failures=0,
        n_asked=state.n_asked + 1,
        reference_seconds=state.reference_seconds + label.seconds,
        label_steps=(*state.label_steps, step)[-LABEL_STEPS:],
        last_label_step=step,
    )


def with_chemistry(state: LearnerState, seen: Observation, outcome: Outcome) -> LearnerState:
    """Remember what chemistry this label has shown, and set when to ask next."""
    if seen.chemistry is None:
        return state
    watch = state.watch.labelled_at(
        seen.step,
        seen.chemistry,
        is_surprise=outcome.is_surprise,
        timestep_fs=seen.timestep_fs,
    )
    path = replace(state.path, judged_bonded=seen.chemistry.bonded)
    return replace(state, watch=watch, path=path)


def with_failure(state: LearnerState, step: int) -> LearnerState:
    """Return the state after a label failed: the force field goes on alone for a while."""
    hold = min(LONGEST_HOLD, HOLD_STEPS * 2**state.failures)
    return replace(
        state,
        n_failed=state.n_failed + 1,
        failures=state.failures + 1,
        hold_until=step + hold,
    )


def learn(
    model: Model,
    state: LearnerState,
    seen: Observation,
    label: Label,
    label_id: int,
    outcome: Outcome,
    settings: LearningConfig,
) -> tuple[LearnerState, float]:
    """Let the model learn a label; the model itself changes.

    What the label teaches of distances between environments, and of the error that can be
    reached, is noted in the state.

    Returns
    -------
    LearnerState, float
        The state, and the energy of the structure by the updated force field, eV.
    """
    if seen.prediction.environments is None:
        raise ValueError("learning needs a prediction that was looked at")
    symbols, environments = outcome.symbols, seen.prediction.environments[label.counted]
    state = state.measured(symbols, environments, outcome.errors)
    model.learn(seen.structure, label)
    state = state.remembering(symbols, environments, label_id, label.counted)
    after = model.predict(seen.structure, forces_std="sampled")
    deviations = after.deviations[label.counted]
    state = replace(
        state,
        n_labels=state.n_labels + 1,
        learned_ids=(*state.learned_ids, label_id),
        force_noise=model.force_noise,
    ).reached(symbols, deviations)
    largest = float(np.sqrt(np.mean(deviations**2, axis=1)).max())
    history = (*state.vasp_history, largest)[-HISTORY:]
    threshold = updated_threshold(state.vasp_threshold, history, settings.vasp_cx)
    return replace(state, vasp_history=history, vasp_threshold=threshold), after.energy


def fresh_state(target: float, model: Model | None, *, is_strict: bool = False) -> LearnerState:
    """Return the state of a run that begins, with what its force field brings along.

    Parameters
    ----------
    target
        The force error that is aimed at, eV/Å.
    is_strict
        Whether no threshold may be above it.
    """
    state = LearnerState(target=target, is_strict=is_strict, path=PathState(limit=target))
    if model is None or model.learned is None:
        return state
    return replace(state, calibration=calibration_of(model), force_noise=model.force_noise)


def calibration_of(model: Model) -> dict[str, ElementCalibration]:
    """Return the calibration to start with, for a force field that was learned elsewhere."""
    found = {}
    for element, (deviation, noise) in zip(model.elements, model.calibration, strict=True):
        typical = float(max(deviation, noise))
        found[element] = ElementCalibration(
            initial=min(max(LARGEST_OVER_TYPICAL * typical, LOWEST), HIGHEST),
            width=Z_90 * typical,
        )
    return found


def calibration_factors(state: LearnerState, model: Model) -> FloatArray:
    """Return the factors of a force field as its labels have shown them, (n_species, 2)."""
    known = [
        state.calibration.get(element, ElementCalibration()).width / Z_90
        for element in model.elements
    ]
    return np.repeat(np.array(known)[:, None], 2, axis=1)
