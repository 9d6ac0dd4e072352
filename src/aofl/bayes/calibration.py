"""From a posterior standard deviation to an error that can be believed.

Bayesian errors of a misspecified model are too small when it extrapolates. A label is a free test,
from the third on (`aofl.learning.update`): S = max_i e_i / max_i s_i compares the true errors e_i
of its atoms with the predicted s_i. The calibration factor is the `LEVEL` quantile of the last
`WINDOW` ratios S, widened by Student's t while there are few of them.

Offline, labels held back between and after the learned ones give two factors (`two_factors`): one
for the posterior's deviation u, one for the noise, so that the interval neither misses where the
model extrapolates nor wastes where it interpolates.

While a run goes on, the interval of single components follows its own misses (`adapted_width`).

Reference for the finite-sample rank: V. Vovk, A. Gammerman, G. Shafer, Algorithmic Learning in a
Random World, Springer, 2005, sec. 2.2 (conformal prediction). For the interval that follows its
misses: I. Gibbs, E. Candès, Adaptive Conformal Inference Under Distribution Shift, NeurIPS 2021.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri, stdtrit

from aofl.records import FloatArray

Z_90 = 1.645  # half width of the 90 % interval in standard deviations
FACTORS = np.geomspace(0.1, 10.0, 41)
LEVEL = 0.8
WINDOW = 20
LOWEST, HIGHEST = 1.5, 20.0
MISSED = 0.1  # by a 90 % interval
PACE = 0.5  # of the logarithm of the width, by share of components missed


def calibration_factor(ratios: list[float]) -> float:
    """Return the factor that turns a predicted into a calibrated error.

    Parameters
    ----------
    ratios
        S of the labels so far, oldest first; only the last `WINDOW` count. One that is not a
        number counts as infinite: a test that gave no answer was not passed.
    """
    recent = sorted(math.inf if math.isnan(ratio) else ratio for ratio in ratios[-WINDOW:])
    n = len(recent)
    if n == 0:
        return HIGHEST
    rank = min(n, math.ceil(LEVEL * (n + 1)))
    widened = recent[rank - 1] * (_young(n) if n < WINDOW else 1.0)
    return min(max(widened, LOWEST), HIGHEST)


def _young(n: int) -> float:
    """Return how much wider a 90 % interval is when its scale comes from n samples only."""
    return float(stdtrit(n, 0.9) / ndtri(0.9))


def adapted_width(width: float, missed: float) -> float:
    """Return the half width of the 90 % interval after a label, in predicted deviations.

    log k grows by `PACE` (missed - 0.1): over many labels the share missed must tend to 0.1,
    however the errors drift.

    Parameters
    ----------
    width
        k, the half width that the label has just tested.
    missed
        Share of the force components outside, 0 to 1.
    """
    return width * math.exp(PACE * (missed - MISSED))


def two_factors(samples: list[tuple[FloatArray, FloatArray]], noise: float) -> tuple[float, float]:
    """Return (a, b) such that a^2 u^2 + b^2 noise^2 is the variance of the error.

    Chosen on a grid so that the share of errors within the 90 % interval is nearest to 90 % in
    every sample at once; of equals, the narrowest interval.

    Parameters
    ----------
    samples
        Errors and posterior deviations u (same units, same shape (m,)) of each sample.
    noise
        Standard deviation of the noise.
    """
    a, b = np.meshgrid(FACTORS, FACTORS, indexing="ij")
    miss, width = np.zeros(a.shape), np.zeros(a.shape)
    for error, u in samples:
        s = np.sqrt((a[..., None] * u) ** 2 + (b[..., None] * noise) ** 2)
        miss += (np.mean(np.abs(error) <= Z_90 * s, axis=-1) - 0.9) ** 2
        width += np.mean(s, axis=-1)
    best = np.unravel_index(np.lexsort((width.ravel(), np.round(miss, 6).ravel()))[0], a.shape)
    return float(a[best]), float(b[best])
