"""What the rules get to see of a structure: a prediction, its deviations, the bonds.

The calculator's half of the cycle that comes before the decision. Deviations of the forces cost
about two force calls and bonds a twentieth, so neither is looked at in every step.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from aofl.chemistry import snapshot as sighting
from aofl.forcefield.model import ForceField
from aofl.learning.learner_state import Judgement
from aofl.learning.observation import Observation
from aofl.learning.rules.frozen_model import STOP_AT
from aofl.learning.rules.uncertainty import CHECK_EVERY, has_grown
from aofl.records import Prediction

if TYPE_CHECKING:
    from aofl.learning.adaptive_calculator import AdaptiveCalculator


def is_check_due(calculator: AdaptiveCalculator) -> bool:
    """Return whether to look at the deviations: regularly, and until the last look was fine."""
    error, limit = calculator.last_error, calculator.last_limit
    is_safe = error is not None and error <= limit
    is_rival = calculator.mode == "cofl" and calculator.settings.cofl_rule != "calibrated"
    return is_rival or not is_safe or calculator.step % CHECK_EVERY == 0


def look(calculator: AdaptiveCalculator, atoms: Atoms, *, check: bool) -> Observation:
    """Return the situation, with the deviations of the forces to check, or where they grew."""
    memory, wall = calculator.memory, calculator.wall
    if calculator.force_field is None:
        calculator.force_field = ForceField(sorted(set(atoms.get_chemical_symbols())))
    if not check:
        with wall.part("force_field"):
            prediction = calculator.force_field.predict(atoms, energies_std=True)
        if not has_grown(prediction.energies_std, memory.seen_energies_std):
            return _situation(calculator, atoms, prediction)
    with wall.part("uncertainty"):
        prediction = calculator.force_field.predict(atoms, forces_std="sampled", energies_std=True)
    local = prediction.energies_std
    memory.seen_energies_std = [] if local is None else local.tolist()
    judged = memory.judge(atoms.get_chemical_symbols(), prediction.deviations)
    is_known = memory.n_labels > 0 or calculator.mode == "mlff"
    calculator.last_error = judged.error if is_known else None
    calculator.last_limit = judged.limit
    if calculator.mode == "mlff":
        _watch_frozen(calculator, judged)
    return _situation(calculator, atoms, prediction)


def look_at_bonds(
    calculator: AdaptiveCalculator, atoms: Atoms, situation: Observation, *, with_species: bool
) -> Observation:
    """Return the situation with what is seen of the chemistry."""
    with calculator.wall.part("chemistry"):
        with_species |= calculator.bonded is None
        known = calculator.memory.watch.contacts
        seen = sighting.look(atoms, calculator.bonded, with_species=with_species, known=known)
    return replace(situation, sighting=seen)


def _watch_frozen(calculator: AdaptiveCalculator, judged: Judgement) -> None:
    """Count the looks at which a frozen force field is unsure; tell when that begins."""
    memory, excess = calculator.memory, judged.error / judged.limit
    memory.n_unsure = memory.n_unsure + 1 if excess > STOP_AT else 0
    if excess > 1.0 and not calculator.is_unsure:
        calculator.tell(event="uncertain", value=judged.error, threshold=judged.limit)
    calculator.is_unsure = excess > 1.0


def _situation(calculator: AdaptiveCalculator, atoms: Atoms, prediction: Prediction) -> Observation:
    return Observation(
        step=calculator.step,
        numbers=atoms.numbers.astype(np.int64),
        symbols=atoms.get_chemical_symbols(),
        positions=atoms.positions,
        cell=atoms.cell.array,
        pbc=atoms.pbc,
        previous_positions=calculator.previous_positions,
        temperature=float(atoms.get_temperature()),
        target_temperature=calculator.target_temperature,
        prediction=prediction,
        seed=calculator.seed,
        timestep_fs=calculator.timestep_fs,
        can_rewind=calculator.can_rewind,
        is_after_label=calculator.mode != "mlff" and calculator.last_source == "reference",
    )
