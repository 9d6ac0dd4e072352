"""The calibration and the threshold of one element, learned from every label.

    c_z  calibration factor: from predicted to calibrated error (`aofl.bayes.calibration`)
    k_z  half width of the 90 % interval of a force component, in predicted deviations s
    b_0 = c_z sqrt(<u^2> + sigma_F^2)    u: largest after the last labels
    reach_z = 1.2 b_0                    what labelling can reach
    threshold_z = max(target, reach_z), at most `CEILING` targets; the target where it is strict

| symbol | here |
|---|---|
| c_z | `ElementCalibration.factor` |
| k_z | `ElementCalibration.width` |
| u | `ElementCalibration.reached`, eV/Å |
| sigma_F | `force_noise`, eV/Å |
| reach_z | `ElementCalibration.reach`, eV/Å |
| threshold_z | `ElementCalibration.threshold`, eV/Å |

The threshold sets itself both ways: an unreachable target must not label every step, and a force
field that gets worse must not talk itself into a threshold without bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from aofl.bayes.calibration import HIGHEST, WINDOW, Z_90, adapted_width, calibration_factor
from aofl.records import FloatArray

FLOOR_FACTOR = 1.2
CEILING = 3.0  # targets
HISTORY = 10
FIRST_WIDTH = 1.5 * Z_90  # a model that misses something is too sure: it settles at 1.3 to 2.5


@dataclass(frozen=True, slots=True)
class ElementCalibration:
    """How far the predicted errors of one element can be believed.

    Attributes
    ----------
    ratios
        Largest true over largest predicted error of each label, before it was learned, oldest
        first: what the rule asks is whether the largest error of a frame exceeds a threshold. The
        largest of the ratios would be that of an atom whose error is small and foretold smaller.
    reached
        Largest posterior deviation after each of the last labels, eV/Å.
    width
        k_z.
    initial
        c_z before the first label, for a force field that was learned elsewhere.
    """

    ratios: tuple[float, ...] = ()
    reached: tuple[float, ...] = ()
    width: float = FIRST_WIDTH
    initial: float = HIGHEST

    @property
    def factor(self) -> float:
        """The calibration factor c_z."""
        return calibration_factor(list(self.ratios)) if self.ratios else self.initial

    def threshold(self, target: float, force_noise: float) -> float:
        """Return the calibrated error above which a label is asked for, eV/Å.

        Parameters
        ----------
        target, force_noise
            eV/Å.
        """
        return min(max(target, self.reach(force_noise)), CEILING * target)

    def reach(self, force_noise: float) -> float:
        """Return the calibrated error that labelling can reach, eV/Å; 0 before the first label."""
        if not self.reached:
            return 0.0
        mean_square = sum(u * u for u in self.reached) / len(self.reached)
        return FLOOR_FACTOR * self.factor * math.sqrt(mean_square + force_noise**2)

    def inside(self, errors: FloatArray, deviations: FloatArray) -> int:
        """Return how many force components lie in the 90 % interval, |error| <= k_z s.

        Parameters
        ----------
        errors, deviations
            True minus predicted components of the atoms of this element, and s of the same,
            eV/Å, (n, 3).
        """
        return int(np.sum(np.abs(errors) <= self.width * deviations))

    def tested(self, errors: FloatArray, deviations: FloatArray) -> ElementCalibration:
        """Return the calibration after a label has tested it; parameters as for `inside`."""
        largest, expected = (np.sqrt(np.mean(x**2, axis=1)).max() for x in (errors, deviations))
        missed = 1.0 - self.inside(errors, deviations) / errors.size
        return replace(
            self,
            ratios=(*self.ratios, float(largest / expected))[-WINDOW:],
            width=adapted_width(self.width, missed),
        )

    def learned(self, deviation: float) -> ElementCalibration:
        """Return the calibration with the largest posterior deviation after a label, eV/Å."""
        return replace(self, reached=(*self.reached, deviation)[-HISTORY:])
