"""From a verdict to a label and what follows: ask, test, learn, write down.

The calculator's half of the cycle that the reference takes part in; what a label teaches is in
`aofl.learning.update`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ase import Atoms

from aofl.bayes.error_statistics import error_sums
from aofl.errors import ReferenceFailed, RunStopped
from aofl.learning import ledger
from aofl.learning.learner_state import TRUSTED
from aofl.learning.observation import Observation
from aofl.learning.observe import look, look_at_bonds
from aofl.learning.rules.audit import RANDOM
from aofl.learning.update import (
    Outcome,
    compare,
    learn,
    note_audit,
    note_chemistry,
    note_cost,
)
from aofl.records import Label, Prediction, Verdict

if TYPE_CHECKING:
    from aofl.learning.adaptive_calculator import AdaptiveCalculator

logger = logging.getLogger(__name__)

HOLD_STEPS = 10  # after a failed label, twice as many after the next: failures persist
LONGEST_HOLD = 80
MAX_FAILURES = 10  # in a row


def label(
    calculator: AdaptiveCalculator,
    atoms: Atoms,
    situation: Observation,
    verdict: Verdict,
    continuous: float | None = None,
) -> Outcome | None:
    """Ask for a label, test the force field on it, and learn it; None if there is none.

    Parameters
    ----------
    continuous
        The energy of the structure without the jumps so far, eV; None takes the prediction's.
    """
    memory = calculator.memory
    if situation.prediction.forces_std is None:
        situation = look(calculator, atoms, check=True)
    if calculator.mode == "aofl" and (situation.sighting is None or not situation.sighting.species):
        situation = look_at_bonds(calculator, atoms, situation, with_species=True)
    prediction = situation.prediction
    try:
        answer = ask(calculator, atoms, prediction, verdict.rule)
    except ReferenceFailed as error:
        _note_failure(calculator, error)
        return None
    memory.failures = 0
    if continuous is None:
        is_first = memory.n_labels == 0 and calculator.mode != "mlff"
        continuous = answer.energy if is_first else prediction.energy - memory.energy_shift
    outcome, energy = _absorb(calculator, atoms, situation, verdict, answer)
    calculator.adopt_label(answer)
    calculator.energy_shift = answer.energy - continuous
    memory.energy_shift = energy - continuous
    return outcome


def _absorb(
    calculator: AdaptiveCalculator,
    atoms: Atoms,
    situation: Observation,
    verdict: Verdict,
    answer: Label,
) -> tuple[Outcome, float]:
    """Test, learn and write down a label; return what came of it, and the energy now, eV."""
    memory, prediction, step = calculator.memory, situation.prediction, calculator.step
    expected = calculator.last_error
    outcome = compare(memory, situation, answer)
    if note_audit(memory, verdict, outcome, step, calculator.settings):
        calculator.tell(event="drift", message="audits are worse than the force field thinks")
    note_cost(memory, step, answer)
    if situation.sighting is not None:
        calculator.bonded = situation.sighting.bonded
        note_chemistry(memory, situation.sighting, step, outcome, calculator.timestep_fs)
    before, energy = calculator.wall.seconds["update"], prediction.energy
    if _is_learned(calculator, verdict):
        with calculator.wall.part("update"):
            energy = _learn(calculator, atoms, situation, answer, outcome)
    update = calculator.wall.seconds["update"] - before
    calculator.record(
        ledger.decision(
            verdict, step, calculator.time_fs, expected,
            label_id=calculator.labeller.ids[-1],
            seconds={"reference": answer.seconds, "update": update},
            true_error=float(outcome.errors.max()),
            errors=error_sums(prediction.forces, answer.forces, situation.symbols),
            inside_90=outcome.inside,
            is_reactive=memory.watch.is_on,
            energy_jump=energy - prediction.energy,
        )
    )  # fmt: skip
    return outcome, energy


def ask(
    calculator: AdaptiveCalculator, atoms: Atoms, prediction: Prediction | None, rule: str
) -> Label:
    """Return a label, or stop the run where nothing can replace it."""
    memory, expected = calculator.memory, None
    if prediction is not None and memory.n_labels >= TRUSTED:
        symbols = atoms.get_chemical_symbols()
        expected = memory.judge(symbols, prediction.deviations).errors
    try:
        return calculator.labeller.label(
            atoms,
            prediction,
            expected_errors=expected,
            provenance={"step": calculator.step, "time_fs": calculator.time_fs, "rule": rule},
        )
    except ReferenceFailed as error:
        has_force_field = (
            calculator.force_field is not None and calculator.force_field.learned is not None
        )
        if has_force_field and calculator.labeller.settings.on_failure == "continue":
            raise
        why = "`labels.on_failure` is stop" if has_force_field else "nothing can replace it"
        raise RunStopped(f"no label at step {calculator.step} and {why}: {error}") from error


def _is_learned(calculator: AdaptiveCalculator, verdict: Verdict) -> bool:
    """Return whether a label is learned: once, and the rivals' audits only measure them."""
    is_rival = calculator.mode == "cofl" and calculator.settings.cofl_rule != "calibrated"
    is_learned_already = calculator.labeller.ids[-1] in calculator.learned_ids
    is_measure = is_rival and verdict.rule == RANDOM
    return calculator.mode != "mlff" and not is_measure and not is_learned_already


def _learn(
    calculator: AdaptiveCalculator,
    atoms: Atoms,
    situation: Observation,
    label: Label,
    outcome: Outcome,
) -> float:
    if calculator.force_field is None:
        raise ValueError("learning needs a force field")
    calculator.learned_ids.append(calculator.labeller.ids[-1])
    calculator.force_field.level = calculator.labeller.level
    return learn(
        calculator.memory, calculator.force_field, atoms, label, situation.prediction,
        outcome.errors, calculator.labeller.ids[-1], calculator.settings.vasp_cx,
    )  # fmt: skip


def _note_failure(calculator: AdaptiveCalculator, error: ReferenceFailed) -> None:
    memory = calculator.memory
    memory.n_failed += 1
    memory.failures += 1
    hold = min(LONGEST_HOLD, HOLD_STEPS * 2 ** (memory.failures - 1))
    memory.hold_until = calculator.step + hold
    logger.warning("step %d: no label: %s", calculator.step, error)
    calculator.tell(event="label_failed", message=str(error))
    if memory.failures >= MAX_FAILURES:
        raise RunStopped(
            f"the reference failed {memory.failures} times in a row, last at step "
            f"{calculator.step}: {error}"
        ) from error
