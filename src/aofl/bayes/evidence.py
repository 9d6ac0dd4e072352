"""Prior scales and noises by evidence maximisation, kept within bounds.

The log evidence of the model of `aofl.bayes.posterior` is

    ln p(y) = -1/2 [ sum_k (y_k^T y_k / sigma_k^2 + n_k ln sigma_k^2) - m . v + ln |A| ] + const

(m: whitened moment, v: its solution). Its derivatives need only the Gram matrices:

    d ln p / d ln s_g     = v_g . v_g - gamma_g,   gamma_g = p_g - tr_g A^-1
    d ln p / d ln sigma_k = R_k / sigma_k^2 - (n_k - gamma_k),
                            gamma_k = tr(A^-1 D G_k D) / sigma_k^2,  R_k = |y_k - X_k w|^2 .

Setting them to zero gives MacKay's fixed point. Alone it runs away on correlated frames, so each
scale and noise also carries `strength` pseudo-observations at its own starting value, and hard
bounds: it can follow the data, not leave physics. What decides how far a model extrapolates is the
ratio of the scales to the noise; `tie` keeps it near its starting value, so that the evidence sets
the magnitude of all and not their ratio.

References: D. J. C. MacKay, Neural Comput. 4, 415 (1992), doi:10.1162/neco.1992.4.3.415.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from aofl.bayes.posterior import Statistics, factorise
from aofl.errors import ModelError
from aofl.records import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """Scales of the prior, one per group of columns, and noises, one per kind of data."""

    scales: FloatArray
    noises: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperprior:
    """Where hyperparameters start and how far they may go.

    Attributes
    ----------
    center
        Starting values, pulled to by the pseudo-observations.
    scale_bounds, noise_bounds
        Lowest and highest values, shape (2, n_groups) and (2, n_kinds).
    scale_strength, noise_strength
        Numbers of pseudo-observations.
    tie
        Kind of data whose noise lifts the center and the bounds of the scales with it; None: none.
    """

    center: Hyperparameters
    scale_bounds: FloatArray
    noise_bounds: FloatArray
    scale_strength: float = 10.0
    noise_strength: float = 10.0
    tie: int | None = None

    def lift(self, noises: FloatArray) -> float:
        """Return the factor by which the scales are expected above their starting values."""
        return 1.0 if self.tie is None else float(noises[self.tie] / self.center.noises[self.tie])


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceTerms:
    """The log evidence and the pieces of its derivatives (see the module's formulas)."""

    value: float
    gamma_scales: FloatArray
    squares: FloatArray
    gamma_noises: FloatArray
    residuals: FloatArray
    counts: IntArray

    def gradient(self, hyper: Hyperparameters) -> tuple[FloatArray, FloatArray]:
        """Return d ln p / d ln s and d ln p / d ln sigma."""
        misfit = self.residuals / hyper.noises**2
        return self.squares - self.gamma_scales, misfit - (self.counts - self.gamma_noises)


def evidence(
    data: list[Statistics], hyper: Hyperparameters, unit_std: FloatArray, group: IntArray
) -> EvidenceTerms:
    """Return the evidence of the data.

    Parameters
    ----------
    unit_std
        Prior standard deviations at scale one, shape (p,).
    group
        Group of each column, shape (p,).
    """
    std = hyper.scales[group] * unit_std
    noises = [float(x) for x in hyper.noises]
    factor, moment = factorise(data, noises, std)
    v, _ = lapack.dpotrs(factor, moment, lower=0)
    inverse, info = lapack.dpotri(factor.copy(order="F"), lower=0, overwrite_c=1)
    if info != 0 or not np.all(np.isfinite(v)):
        raise ModelError("the evidence is not finite; look for NaN in the last label")
    log_det = 2.0 * float(np.sum(np.log(np.diag(factor))))
    diagonal = np.diag(inverse).copy()
    inverse *= std[:, None]
    inverse *= std
    w = std * v
    n_groups = len(hyper.scales)
    counts = np.array([s.count for s in data])
    squares = np.array([s.square for s in data])
    misfit = float(np.sum(squares / hyper.noises**2 + counts * np.log(2 * np.pi * hyper.noises**2)))
    return EvidenceTerms(
        value=-0.5 * (misfit - float(moment @ v) + log_det),
        gamma_scales=_by_group(1.0 - diagonal, group, n_groups),
        squares=_by_group(v**2, group, n_groups),
        gamma_noises=np.array(
            [_trace(inverse, s.gram) / q**2 for s, q in zip(data, noises, strict=True)]
        ),
        residuals=np.array([max(s.square - 2 * w @ s.moment + _form(s.gram, w), 0) for s in data]),
        counts=counts,
    )


def maximise(
    data: list[Statistics],
    start: Hyperparameters,
    prior: Hyperprior,
    unit_std: FloatArray,
    group: IntArray,
    n_iterations: int,
) -> Hyperparameters:
    """Return hyperparameters after some fixed-point steps from `start`, within the bounds.

    A step that gives non-finite numbers ends the search; the last good values are returned.
    """
    hyper = start
    for _ in range(n_iterations):
        try:
            terms = evidence(data, hyper, unit_std, group)
        except ModelError:
            break
        trial = _fixed_point(terms, hyper, prior)
        if not (np.all(np.isfinite(trial.scales)) and np.all(np.isfinite(trial.noises))):
            break
        hyper = trial
    return hyper


def _fixed_point(
    terms: EvidenceTerms, hyper: Hyperparameters, prior: Hyperprior
) -> Hyperparameters:
    """Return MacKay's update with the pseudo-observations of the hyperprior, clipped."""
    k_s, k_n, center = prior.scale_strength, prior.noise_strength, prior.center
    noises = np.sqrt(
        (terms.residuals + k_n * center.noises**2)
        / (np.maximum(terms.counts - terms.gamma_noises, 0) + k_n)
    )
    noises = np.clip(noises, *prior.noise_bounds)
    lift = prior.lift(noises)
    scales = np.sqrt(
        (hyper.scales**2 * terms.squares + k_s * (lift * center.scales) ** 2)
        / (terms.gamma_scales + k_s)
    )
    return Hyperparameters(scales=np.clip(scales, *(lift * prior.scale_bounds)), noises=noises)


def _by_group(values: FloatArray, group: IntArray, n_groups: int) -> FloatArray:
    """Return the sum of the values of each group."""
    return np.bincount(group, values, n_groups).astype(np.float64)


def _trace(inverse_upper: FloatArray, gram_upper: FloatArray) -> float:
    """Return tr(S G) of two symmetric matrices given by their upper triangles, else zero."""
    product = float(np.vdot(inverse_upper.ravel(order="F"), gram_upper.ravel(order="F")))
    return 2 * product - float(np.diag(inverse_upper) @ np.diag(gram_upper))


def _form(gram_upper: FloatArray, w: FloatArray) -> float:
    """Return w^T G w of a symmetric matrix given by its upper triangle."""
    upper = float(w @ (gram_upper @ w))
    return 2 * upper - float(np.diag(gram_upper) @ w**2)
