"""The uncertainty rule: label when the calibrated error exceeds the threshold.

The deviations of the forces come from draws of the posterior and cost about two force calls. They
follow the structure slowly, so they are looked at every `CHECK_EVERY` steps, at every step while
the last look was not fine, and at once where something changed: the deviation of each atom's
energy, over the same draws, comes with the forces at every step, and an atom whose own has grown
by the factor `GROWTH` since the last look calls for the next.
"""

from __future__ import annotations

import numpy as np

from aofl.config.schema import LearningConfig
from aofl.learning.memory import Memory
from aofl.learning.situation import Situation, accept
from aofl.records import FloatArray, Verdict

RULE = "uncertainty"
CHECK_EVERY = 5  # steps
GROWTH = 1.25


def has_grown(energies_std: FloatArray | None, seen: list[float]) -> bool:
    """Return whether the energy of some atom is less certain than when it was last looked at.

    Parameters
    ----------
    energies_std
        Now, eV, shape (n,); None where nothing was learned yet.
    seen
        The same at the last look at the forces, empty before the first.
    """
    if energies_std is None or len(seen) != len(energies_std):
        return True
    return bool(np.any(energies_std > GROWTH * np.array(seen)))


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
