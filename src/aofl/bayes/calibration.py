"""From a posterior standard deviation to an error that can be believed.

Bayesian errors of a misspecified model are too small when it extrapolates. Every label is a free
test: S = max_i e_i / s_i compares the true errors e_i of its atoms with their predicted ones s_i.
The calibration factor is the `LEVEL` quantile of the last `WINDOW` ratios S, widened by Student's
t while there are few of them.

Reference for the finite-sample rank: V. Vovk, A. Gammerman, G. Shafer, Algorithmic Learning in a
Random World, Springer, 2005, sec. 2.2 (conformal prediction).
"""

from __future__ import annotations

import math

from scipy.special import ndtri, stdtrit

LEVEL = 0.8
WINDOW = 20
LOWEST, HIGHEST = 1.5, 20.0


def calibration_factor(ratios: list[float]) -> float:
    """Return the factor that turns a predicted into a calibrated error.

    Parameters
    ----------
    ratios
        S of the labels so far, oldest first; only the last `WINDOW` count.
    """
    recent = sorted(ratios[-WINDOW:])
    n = len(recent)
    if n == 0:
        return HIGHEST
    rank = min(n, math.ceil(LEVEL * (n + 1)))
    widened = recent[rank - 1] * (_young(n) if n < WINDOW else 1.0)
    return min(max(widened, LOWEST), HIGHEST)


def _young(n: int) -> float:
    """Return how much wider a 90 % interval is when its scale comes from n samples only."""
    return float(stdtrit(n, 0.9) / ndtri(0.9))
