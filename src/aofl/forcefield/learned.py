"""What a force field makes of its labels: the posterior, mean weights and draws around them."""

from __future__ import annotations

from dataclasses import dataclass

from aofl.ace.basis import Basis
from aofl.ace.evaluate import Draws, Weights, shape_draws, shape_weights
from aofl.ace.kernels.local import N_DRAWS
from aofl.bayes.evidence import Hyperparameters
from aofl.bayes.posterior import Posterior, Statistics, extend, fit
from aofl.forcefield.prior import PriorShape
from aofl.forcefield.rows import Rows, stack
from aofl.records import FloatArray
from aofl.rng import generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What follows from `n_labels` labels under the hyperparameters `hyper`."""

    posterior: Posterior
    weights: Weights
    composition: FloatArray
    draws: Draws
    n_labels: int
    hyper: Hyperparameters


def from_all(
    basis: Basis,
    shape: PriorShape,
    data: list[Statistics],
    hyper: Hyperparameters,
    n_labels: int,
) -> Learned:
    """Return what all data teach, factorised anew.

    Raises
    ------
    ModelError
        If the data hold non-finite numbers.
    """
    std = hyper.scales[shape.group] * shape.unit_std
    posterior = fit(data, [float(x) for x in hyper.noises], std)
    return _learned(basis, posterior, hyper, n_labels)


def from_one_more(
    basis: Basis,
    learned: Learned | None,
    rows: dict[str, Rows],
    hyper: Hyperparameters | None,
    n_labels: int,
) -> Learned | None:
    """Return what the last of `n_labels` labels adds, or None where only `from_all` can tell.

    That is when more labels came since, the hyperparameters changed, or the rows no longer fit
    beside the factor.

    Raises
    ------
    ModelError
        If the rows hold non-finite numbers.
    """
    stacked, kinds = stack(rows)
    if learned is None or learned.hyper is not hyper or learned.n_labels != n_labels - 1:
        return None
    if len(kinds) > learned.posterior.recent.room:
        return None
    noises = hyper.noises[kinds]
    posterior = extend(learned.posterior, stacked.matrix, stacked.targets, noises)
    return _learned(basis, posterior, hyper, n_labels)


def _learned(basis: Basis, posterior: Posterior, hyper: Hyperparameters, n_labels: int) -> Learned:
    n = basis.n_columns
    # The same noise after every label: the samples follow the posterior without jumps.
    noise = generator(0, "posterior samples").standard_normal((len(posterior.mean), N_DRAWS))
    return Learned(
        posterior=posterior,
        weights=shape_weights(basis, posterior.mean[:n]),
        composition=posterior.mean[n:],
        draws=shape_draws(basis, posterior.samples(noise)[:n]),
        n_labels=n_labels,
        hyper=hyper,
    )
