"""How noisy the data are: one number, by the largest evidence, at no cost.

In the model of `aofl.bayes.posterior` rows are given in units of their noise, and the prior in
units of the same. Let the noise, and the prior with it, be t times as large as was thought:

    y ~ N(X w, t^2),   w ~ N(0, t^2 D^2)   =>   y ~ N(0, t^2 (1 + X D^2 X^T)) .

The precision matrix A = 1 + D G D, its factor and the mean of the weights do not know t; deviations
grow by it. The evidence is largest where

    t^2 = (y^T y - m . v) / n,   m = D b,  v = A^-1 m,

so nothing is searched and nothing factorised anew. On frames of one trajectory n counts more than
they say, so t also carries `strength` pseudo-observations at its expected value, and hard bounds.

Reference: C. M. Bishop, Pattern Recognition and Machine Learning, 2006, eq. 2.115 and sec. 3.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aofl.bayes.posterior import Posterior, Statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisePrior:
    """Where t is expected and how far it may go.

    `expected`, `lowest` and `highest` are values of t; `strength` counts pseudo-observations.
    """

    expected: float
    lowest: float
    highest: float
    strength: float


def noise_factor(data: Statistics, posterior: Posterior, prior: NoisePrior) -> float:
    """Return t, by which the noise of the data is larger than the unit of their rows."""
    misfit = max(data.square - posterior.explained, 0.0)
    pseudo = prior.strength * prior.expected**2
    t = np.sqrt((misfit + pseudo) / (data.count + prior.strength))
    return float(np.clip(t, prior.lowest, prior.highest))
