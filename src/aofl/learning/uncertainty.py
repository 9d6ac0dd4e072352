"""The uncertainty rule: label when the calibrated error exceeds the threshold.

The deviations come from samples of the posterior, a few force calls' worth, and are asked for
every `CHECK_EVERY` steps, and at every step while the last look was not fine.
"""

from __future__ import annotations

from aofl.config.schema import LearningConfig
from aofl.learning.memory import Memory
from aofl.learning.situation import Situation, accept
from aofl.records import Verdict

RULE = "uncertainty"
CHECK_EVERY = 2  # steps


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
