"""What a rule looks at: one step of the dynamics as the force field sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aofl.chemistry.snapshot import ChemistrySnapshot
from aofl.records import FloatArray, IntArray, Prediction, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One structure on the way, with its prediction.

    Attributes
    ----------
    previous_positions
        Positions one step before, Å, shape (n, 3); None at the first step.
    temperature
        Of the atoms as they are, K.
    seed
        Seed of the run; random draws depend on it and on `step` alone.
    sighting
        What is seen of the chemistry; None at a step without a look.
    can_rewind
        Whether the driver can go back to an earlier frame.
    is_after_label
        Whether the forces that led here were those of a label, and the force field learns.
    """

    step: int
    numbers: IntArray
    symbols: list[str]
    positions: FloatArray
    cell: FloatArray
    pbc: npt.NDArray[np.bool_]
    previous_positions: FloatArray | None
    temperature: float
    target_temperature: float | None
    prediction: Prediction
    seed: int
    timestep_fs: float = 1.0
    sighting: ChemistrySnapshot | None = None
    can_rewind: bool = False
    is_after_label: bool = False


def accept(rule: str) -> Verdict:
    """Return the verdict of a rule that has nothing against the step."""
    return Verdict(action="accept", rule=rule, reason="")
