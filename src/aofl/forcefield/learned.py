"""What a force field has learned: the posterior, and what predictions need of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aofl.ace.basis import Basis
from aofl.ace.evaluate import Draws, Weights, shape_draws, shape_weights
from aofl.ace.kernels.local import N_DRAWS
from aofl.bayes.noise import NoisePrior, noise_factor
from aofl.bayes.posterior import Posterior, extend, fit
from aofl.errors import ModelError
from aofl.forcefield.gathered import Gathered
from aofl.forcefield.rows import FORCES, NOISES, Rows
from aofl.records import FloatArray
from aofl.rng import generator

PREDICTS_ONLY = "this model was saved for production and only predicts; learn on with the whole one"
# A force component is noisy by 0.03 to 1 eV/Å, and by 0.03 before any label is seen.
NOISE_PRIOR = NoisePrior(expected=1.0, lowest=1.0, highest=1.0 / NOISES[FORCES], strength=30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What follows from `n_labels` labels under the prior `scales`.

    `mean` holds the weights (p,): of the columns of the basis, then of the composition.
    `noise` is how many times noisier the labels are than `aofl.forcefield.rows.NOISES`; the
    deviations of weights and forces are that many times those of `posterior`, which is None where
    it was left out for production: then it predicts and does not learn.
    """

    posterior: Posterior | None
    noise: float
    mean: FloatArray
    weights: Weights
    composition: FloatArray
    draws: Draws
    n_labels: int
    scales: FloatArray


def from_all(
    basis: Basis, std: FloatArray, data: Gathered, scales: FloatArray, n_labels: int
) -> Learned:
    """Return what all data teach under prior deviations `std` (p,), factorised anew.

    Raises
    ------
    ModelError
        If the data hold non-finite numbers.
    """
    return _learned(basis, fit(data.statistics, std), data, scales, n_labels)


def from_one_more(
    basis: Basis,
    learned: Learned | None,
    rows: Rows,
    data: Gathered,
    scales: FloatArray | None,
    n_labels: int,
) -> Learned | None:
    """Return what the last of `n_labels` labels adds, or None where only `from_all` can tell.

    That is when more labels came since, the scales changed, or the rows no longer fit beside the
    factor.

    Parameters
    ----------
    rows
        Of the last label.
    data
        Of all labels, that one included.

    Raises
    ------
    ModelError
        If the rows hold non-finite numbers.
    """
    if learned is None or scales is not learned.scales or learned.n_labels != n_labels - 1:
        return None
    if learned.posterior is None:
        raise ModelError(PREDICTS_ONLY)
    if len(rows.targets) > learned.posterior.recent.room:
        return None
    posterior = extend(learned.posterior, rows.matrix, rows.targets)
    return _learned(basis, posterior, data, scales, n_labels)


def for_production(
    basis: Basis, mean: FloatArray, draws: FloatArray, noise: float, n_labels: int
) -> Learned:
    """Return what predicts alone: mean weights (p,) and draws around them (p, N_DRAWS)."""
    n = basis.n_columns
    return Learned(
        posterior=None,
        noise=noise,
        mean=mean,
        weights=shape_weights(basis, mean[:n]),
        composition=mean[n:],
        draws=shape_draws(basis, draws[:n]),
        n_labels=n_labels,
        scales=np.empty(0),
    )


def draws_of(posterior: Posterior, noise: float) -> FloatArray:
    """Return draws of the weights around their mean, shape (p, N_DRAWS)."""
    # The same numbers after every label: the draws follow the posterior without jumps.
    normal = generator(0, "posterior samples").standard_normal((len(posterior.mean), N_DRAWS))
    return noise * posterior.samples(normal)


def _learned(
    basis: Basis, posterior: Posterior, data: Gathered, scales: FloatArray, n_labels: int
) -> Learned:
    n = basis.n_columns
    noise = noise_factor(data.statistics, posterior, NOISE_PRIOR)
    return Learned(
        posterior=posterior,
        noise=noise,
        mean=posterior.mean,
        weights=shape_weights(basis, posterior.mean[:n]),
        composition=posterior.mean[n:],
        draws=shape_draws(basis, draws_of(posterior, noise)[:n]),
        n_labels=n_labels,
        scales=scales,
    )
