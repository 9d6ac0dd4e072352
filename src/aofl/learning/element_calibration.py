"""How far the predicted errors of one element can be believed, learned from every label.

    c    calibration factor of the largest error, from the last labels (`aofl.bayes.calibration`)
    k    half width of the 90 % interval of a force component, in predicted deviations s
    b_0 = c sqrt(<u^2> + sigma_F^2)    what labelling can reach, u: largest after the last labels
    threshold = max(target, 1.2 b_0), at most `CEILING` targets

The threshold sets itself both ways: an unreachable target must not label every step, and a force
field that gets worse must not talk itself into a threshold without bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from aofl.bayes.calibration import HIGHEST, WINDOW, Z_90, adapted_width, calibration_factor
from aofl.records import FloatArray

FLOOR_FACTOR = 1.2
CEILING = 3.0  # targets
HISTORY = 10
FIRST_WIDTH = 1.5 * Z_90  # a model that misses something is too sure: it settles at 1.3 to 2.5


@dataclass(slots=True)
class ElementCalibration:
    """The calibration of one element; plain numbers that go through JSON.

    Attributes
    ----------
    ratios
        Largest true over largest predicted error of each label, before it was learned, oldest
        first: what the rule asks is whether the largest error of a frame exceeds a threshold. The
        largest of the ratios would be that of an atom whose error is small and foretold smaller.
    reached
        Largest posterior deviation after each of the last labels, eV/Å.
    width
        k.
    initial
        c before the first label, for a force field that was learned elsewhere.
    """

    ratios: list[float] = field(default_factory=list)
    reached: list[float] = field(default_factory=list)
    width: float = FIRST_WIDTH
    initial: float = HIGHEST

    @property
    def factor(self) -> float:
        """The calibration factor c."""
        return calibration_factor(self.ratios) if self.ratios else self.initial

    def threshold(self, target: float, force_noise: float) -> float:
        """Return the calibrated error above which a label is asked for, eV/Å.

        Parameters
        ----------
        target, force_noise
            eV/Å.
        """
        if not self.reached:
            return target
        mean_square = sum(u * u for u in self.reached) / len(self.reached)
        floor = FLOOR_FACTOR * self.factor * math.sqrt(mean_square + force_noise**2)
        return min(max(target, floor), CEILING * target)

    def note_errors(self, errors: FloatArray, deviations: FloatArray) -> tuple[int, int]:
        """Let a label test the calibration: return components inside the interval, and all.

        Parameters
        ----------
        errors
            True minus predicted force components of the atoms of this element, eV/Å, (n, 3).
        deviations
            s of the same components, eV/Å, (n, 3).
        """
        inside = int(np.sum(np.abs(errors) <= self.width * deviations))
        largest, expected = (np.sqrt(np.mean(x**2, axis=1)).max() for x in (errors, deviations))
        self.ratios = [*self.ratios, float(largest / expected)][-WINDOW:]
        self.width = adapted_width(self.width, 1.0 - inside / errors.size)
        return inside, errors.size

    def note_reached(self, deviation: float) -> None:
        """Remember the largest posterior deviation after a label was learned, eV/Å."""
        self.reached = [*self.reached, deviation][-HISTORY:]
