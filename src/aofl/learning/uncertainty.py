"""The uncertainty rule: label when the calibrated error exceeds the threshold.

The exact posterior deviation of all forces is much dearer than the forces, so a cheap test goes
first: the local deviations of the atomic energies, which come with every prediction. Since the
last exact check they have grown by some factor in each element; while the calibrated error of
that check times the largest growth stays well below the threshold, the step is accepted.
"""

from __future__ import annotations

import numpy as np

from aofl.config.schema import LearningConfig
from aofl.learning.memory import Memory
from aofl.learning.situation import Situation, accept
from aofl.records import FloatArray, Verdict

RULE = "uncertainty"
CHECK_EVERY = 10  # steps; an exact check is at most this old
MARGIN = 0.8  # of the threshold: beyond it the cheap test is not enough


def needs_exact_check(situation: Situation, memory: Memory) -> bool:
    """Return whether the exact force deviations are wanted at this step."""
    if memory.checked_step < 0 or situation.step - memory.checked_step >= CHECK_EVERY:
        return True
    return estimated_error(situation, memory) > MARGIN * memory.threshold


def estimated_error(situation: Situation, memory: Memory) -> float:
    """Return the calibrated error of the last exact check times its growth since, eV/Å."""
    now = largest_by_element(situation.symbols, situation.prediction.local_std)
    growth = max(now[e] / max(memory.checked_local.get(e, 0.0), 1e-12) for e in now)
    return memory.checked_error * max(growth, 1.0)


def largest_by_element(symbols: list[str], values: FloatArray) -> dict[str, float]:
    """Return the largest value of each element."""
    names = np.array(symbols)
    return {str(e): float(values[names == e].max()) for e in np.unique(names)}


def uncertainty(situation: Situation, memory: Memory, settings: LearningConfig) -> Verdict:
    """Return "label" if the calibrated force error of some atom exceeds the threshold."""
    if situation.prediction.forces_std is None:
        return accept(RULE)
    errors = memory.calibrated_errors(situation.prediction.forces_std)
    atom, threshold = int(errors.argmax()), memory.threshold
    if errors[atom] <= threshold:
        return accept(RULE)
    first = memory.n_labels == 0
    return Verdict(
        action="label",
        rule="initial" if first else RULE,
        reason="the force field has no labels yet"
        if first
        else "calibrated force error above the threshold",
        atom=atom,
        element=situation.symbols[atom],
        value=float(errors[atom]),
        threshold=threshold,
        unit="eV/Å",
    )
