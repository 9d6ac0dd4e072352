"""Data beside a kept factor against the factorisation of all data at once."""

import numpy as np
import pytest

from aofl.bayes.posterior import Posterior, Statistics, extend, fit
from aofl.bayes.recent import SHARE, Recent

P = 60
STD = np.random.default_rng(0).uniform(0.3, 3.0, P)
EYE = np.eye(P)


def blocks(n: int, size: int = 6, seed: int = 1) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return rows and targets of labels: one row that weighs much, the rest less."""
    rng = np.random.default_rng(seed)
    weight = np.array([20.0] + [2.5] * (size - 1))
    return [
        (weight[:, None] * rng.normal(size=(size, P)), weight * rng.normal(size=size))
        for _ in range(n)
    ]


def fitted(labels: list) -> Posterior:
    """Return the posterior of the labels from one factorisation."""
    data = Statistics.empty(P)
    for x, y in labels:
        data.add(x, y)
    return fit(data, STD)


def extended(labels: list, n_factorised: int) -> Posterior:
    """Return the posterior with the first labels factorised and the others beside the factor."""
    posterior = fitted(labels[:n_factorised])
    for x, y in labels[n_factorised:]:
        posterior = extend(posterior, x, y)
    return posterior


@pytest.mark.parametrize("n_factorised", [0, 1, 4, 8])
def test_appending_is_fitting_all_from_scratch(n_factorised):
    labels = blocks(n_factorised + 5)
    one, other = extended(labels, n_factorised), fitted(labels)
    np.testing.assert_allclose(
        one.mean, other.mean, rtol=1e-9, atol=1e-9 * np.abs(other.mean).max()
    )
    x = np.random.default_rng(5).normal(size=(30, P))
    np.testing.assert_allclose(one.variance(x), other.variance(x), rtol=1e-9)
    # Where the data say nearly all, the variance is a small difference and still right.
    known = labels[-1][0]
    np.testing.assert_allclose(one.variance(known), other.variance(known), rtol=1e-9)


@pytest.mark.parametrize("n_recent", [0, 1, 5])
def test_draws_are_a_root_of_the_covariance(n_recent):
    """Exact: `samples` is a matrix R times its noise, and R R^T is the covariance."""
    labels = blocks(3 + n_recent)
    posterior = extended(labels, 3)
    root = posterior.samples(EYE)
    dense = np.linalg.inv(np.diag(1 / STD**2) + sum(x.T @ x for x, _ in labels))
    np.testing.assert_allclose(root @ root.T, dense, rtol=1e-9, atol=1e-9 * np.abs(dense).max())
    noise = np.random.default_rng(2).standard_normal((P, 4))
    np.testing.assert_allclose(posterior.samples(noise), root @ noise, rtol=0, atol=1e-10)


def test_draws_hardly_move_when_a_label_teaches_little():
    """The same noise before and after: only what the label taught changes the draws."""
    posterior = extended(blocks(5), 3)
    noise = np.random.default_rng(2).standard_normal((P, 16))
    before = posterior.samples(noise)
    x, y = blocks(1, seed=9)[0]
    after = extend(posterior, 1e-4 * x, 1e-4 * y).samples(noise)
    assert np.abs(after - before).max() < 1e-3 * np.abs(before).max()
    assert np.any(after != before)


def test_rows_fill_the_room_and_no_more():
    posterior = fitted(blocks(2))
    assert posterior.recent.room == SHARE * P
    for x, y in blocks(5):
        posterior = extend(posterior, x, y)
    assert posterior.recent.room == SHARE * P - 30
    assert posterior.recent.columns.shape == (P, 30)


def test_without_rows_nothing_changes():
    none, x = Recent.none(P), np.random.default_rng(0).normal(size=(P, 3))
    np.testing.assert_array_equal(none.solve(x), x)
    np.testing.assert_array_equal(none.root(x), x)
    np.testing.assert_array_equal(none.explained(x), 0)


def test_the_same_rows_in_other_blocks_are_the_same_posterior():
    (x, y), *_ = blocks(1, size=12)
    start = blocks(2, seed=4)
    whole = extended([*start, (x, y)], 2)
    parts = extended([*start, *((x[k : k + 1], y[k : k + 1]) for k in range(12))], 2)
    np.testing.assert_allclose(whole.mean, parts.mean, rtol=0, atol=1e-11)
    noise = np.random.default_rng(2).standard_normal((P, 4))
    np.testing.assert_allclose(whole.samples(noise), parts.samples(noise), rtol=0, atol=1e-10)
