"""The posterior from Gram matrices against the dense textbook formula."""

import numpy as np
import pytest
from regression_cases import STD, random_problem, textbook

from aofl.bayes.posterior import Statistics, extend, factorise, fit
from aofl.errors import ModelError


@pytest.mark.parametrize("count", [1, 22, 60, 120])
def test_mean_and_covariance_are_the_textbook_ones(count):
    problem = random_problem(count=count)
    posterior = fit(problem.statistics(), STD)
    mean, covariance = textbook(problem)
    np.testing.assert_allclose(posterior.mean, mean, rtol=1e-9, atol=1e-12)
    x = np.random.default_rng(1).normal(size=(7, len(STD)))
    expected = np.einsum("mp,pq,mq->m", x, covariance, x)
    np.testing.assert_allclose(posterior.variance(x), expected, rtol=1e-9)


def test_without_data_the_posterior_is_the_prior():
    posterior = fit(Statistics.empty(len(STD)), STD)
    np.testing.assert_array_equal(posterior.mean, 0)
    np.testing.assert_allclose(posterior.variance(np.eye(len(STD))), STD**2, rtol=1e-12)


def test_data_never_raise_the_variance():
    problem = random_problem()
    x = np.random.default_rng(1).normal(size=(50, len(STD)))
    before = fit(problem.statistics(), STD).variance(x)
    data = problem.statistics()
    data.add(*more_rows())
    after = fit(data, STD).variance(x)
    assert np.all(after > 0)
    assert np.all(after <= before * (1 + 1e-12))


def more_rows():
    rng = np.random.default_rng(9)
    return rng.normal(size=(6, len(STD))), rng.normal(size=6)


def test_add_then_remove_is_as_if_never_added():
    problem = random_problem()
    data, untouched = problem.statistics(), problem.statistics()
    data.add(*more_rows())
    data.remove(*more_rows())
    assert data.count == untouched.count
    assert data.square == pytest.approx(untouched.square, rel=1e-12)
    left, right = fit(data, STD), fit(untouched, STD)
    np.testing.assert_allclose(left.mean, right.mean, rtol=0, atol=1e-10)
    np.testing.assert_allclose(left.factor, right.factor, rtol=0, atol=1e-10)


def test_order_and_blocks_of_adding_do_not_matter():
    problem = random_problem()
    data, x, y = Statistics.empty(len(STD)), problem.rows, problem.targets
    for k in np.random.default_rng(3).permutation(len(x)):
        data.add(x[k : k + 1], y[k : k + 1])
    left, right = fit(data, STD), fit(problem.statistics(), STD)
    np.testing.assert_allclose(left.mean, right.mean, rtol=0, atol=1e-10)
    np.testing.assert_allclose(left.factor, right.factor, rtol=1e-10, atol=1e-10)


def test_a_fit_leaves_the_statistics_as_they_were():
    problem = random_problem()
    data, untouched = problem.statistics(), problem.statistics()
    fit(data, STD)
    np.testing.assert_array_equal(data.gram, untouched.gram)
    np.testing.assert_array_equal(data.moment, untouched.moment)


def test_samples_have_the_covariance_of_the_posterior():
    problem = random_problem()
    posterior = fit(problem.statistics(), STD)
    _, covariance = textbook(problem)
    n = 100_000
    draws = posterior.samples(np.random.default_rng(0).standard_normal((len(STD), n)))
    deviation = np.sqrt(np.diag(covariance))
    correlation_error = (draws @ draws.T / n - covariance) / np.outer(deviation, deviation)
    # The estimate of a correlation scatters by at most sqrt(2 / n): five of these.
    assert np.abs(correlation_error).max() < 5 * np.sqrt(2 / n)
    assert np.abs(draws.mean(axis=1) / deviation).max() < 5 / np.sqrt(n)


@pytest.mark.parametrize("where", ["rows", "targets"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_stop_the_fit(where, bad):
    problem = random_problem()
    x, y = more_rows()
    (x if where == "rows" else y).flat[3] = bad
    data = problem.statistics()
    with np.errstate(invalid="ignore"):
        data.add(x, y)
        with pytest.raises(ModelError, match="last label"):
            fit(data, STD)


def test_jitter_rescues_a_matrix_on_the_edge_and_no_worse():
    """Statistics whose A is singular by rounding, or truly indefinite: data that cannot be."""
    edge = Statistics(-np.eye(3, order="F") * (1 + 1e-12), np.ones(3), 1.0, 3)
    edge.gram[0, 0] = 1.0
    factor = factorise(edge, np.ones(3))
    np.testing.assert_allclose(factor.T @ factor, np.diag([2.0, 0.0, 0.0]), atol=1e-5)
    edge.gram[1, 1] = -3.0
    with pytest.raises(ModelError, match="cannot be factorised"):
        factorise(edge, np.ones(3))


def test_a_posterior_that_is_extended_leaves_the_old_one_valid():
    problem = random_problem()
    before = fit(problem.statistics(), STD)
    mean, variance = before.mean.copy(), before.variance(np.eye(len(STD)))
    x, y = more_rows()
    after = extend(before, x[:3], y[:3])
    np.testing.assert_array_equal(before.mean, mean)
    np.testing.assert_array_equal(before.variance(np.eye(len(STD))), variance)
    assert np.all(after.variance(np.eye(len(STD))) < variance)


def test_numbers_that_are_none_do_not_extend_a_posterior():
    x, y = more_rows()
    for where in (x, y):
        before = fit(random_problem().statistics(), STD)
        kept, where.flat[2] = where.flat[2], np.nan
        with pytest.raises(ModelError, match="last label"):
            extend(before, x[:3], y[:3])
        where.flat[2] = kept
        extend(before, x[:3], y[:3])
