"""From a posterior standard deviation to an error that can be believed.

Bayesian errors of a misspecified model are too small when it extrapolates. A label is a free test,
from the third on (`aofl.learning.update`), of each element before it is learned. Over its atoms i:

    e_i = rms over x, y, z of the true minus the predicted force
    s_i = rms over x, y, z of sqrt(u^2 + sigma_F^2)    u: posterior standard deviation
    S   = max_i e_i / max_i s_i

**The largest error of a frame.** c max_i s_i is its upper bound, which it is to exceed in a fifth
of the labels at most (1 - `LEVEL`). From the last n <= `WINDOW` ratios, S_(1) <= ... <= S_(n):

    r   = min(n, ceil(LEVEL (n + 1)))                  rank of the quantile
    w_n = t_p(n) / z_p for n < WINDOW, 1 from there    p = (1 + LEVEL) / 2 = 0.9
    c   = min(max(w_n S_(r), LOWEST), HIGHEST)         HIGHEST for n = 0

t_p(n) and z_p are the p quantiles of Student's t with n degrees of freedom and of the normal
distribution. The bound is one-sided, as e_i is a magnitude: no error is too small. A magnitude |x|
lies below its `LEVEL` quantile where the signed x lies between the quantiles 1 - p and p: so w_n,
which is 2.40, 1.47, 1.28 for n = 1, 2, 3, is how much wider the 80 % interval of a signed error is
when its scale is the rms of n others. The 90 % interval, t_0.95(n) / z_0.95 (3.84, 1.78, 1.43),
would aim at a tenth of the labels. For S_(r) in place of the rms w_n is no theorem, but it was
measured to keep the promise with room, where w_n = 1 broke it in runs at n = 1
(`benchmarks/calibration.py`).

**A single force component.** F_pred +- k sqrt(u^2 + sigma_F^2) is its 90 % interval, two-sided, as
the component is signed. While a run goes on, k follows the share m of the components of a label
that it missed, and is neither a quantile nor widened (`adapted_width`):

    log k  <-  log k + PACE (m - MISSED)

**Offline**, labels held back between and after the learned ones give two factors (`two_factors`),
a for the posterior's deviation and b for the noise, so that the interval neither misses where the
model extrapolates nor wastes where it interpolates:

    F_pred +- z_0.95 sqrt(a^2 u^2 + b^2 sigma_F^2)

| symbol | in the code |
|---|---|
| S, n | `ratios`, their number |
| w_n | `_widening` |
| k, m | `width`, `missed` |
| u, sigma_F, z_0.95 | `u`, `noise`, `Z_90` |

Reference for the finite-sample rank: V. Vovk, A. Gammerman, G. Shafer, Algorithmic Learning in a
Random World, Springer, 2005, sec. 2.2 (conformal prediction). For the interval that follows its
misses: I. Gibbs, E. Candès, Adaptive Conformal Inference Under Distribution Shift, NeurIPS 2021.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri, stdtrit

from aofl.records import FloatArray

Z_90 = 1.645  # half width of the two-sided 90 % interval in standard deviations
FACTORS = np.geomspace(0.1, 10.0, 41)
LEVEL = 0.8  # share of labels whose largest error is to lie below the bound
WINDOW = 20
LOWEST, HIGHEST = 1.5, 20.0
MISSED = 0.1  # share of components outside of a 90 % interval
PACE = 0.5  # of the logarithm of the width, by share of components missed


def calibration_factor(ratios: list[float]) -> float:
    """Return c: the largest predicted error of a frame times c is the bound of the largest true.

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
    widened = recent[rank - 1] * (_widening(n) if n < WINDOW else 1.0)
    return min(max(widened, LOWEST), HIGHEST)


def _widening(n: int) -> float:
    """Return w_n: how much wider the 80 % interval of x is if n samples alone tell its scale."""
    p = (1.0 + LEVEL) / 2.0
    return float(stdtrit(n, p) / ndtri(p))


def adapted_width(width: float, missed: float) -> float:
    """Return k after a label: half width of the 90 % interval of a component, in deviations.

    Over many labels the share missed must tend to `MISSED`, however the errors drift.

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
