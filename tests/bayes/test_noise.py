"""The noise in one formula against the dense evidence and against a known noise."""

import numpy as np
import pytest
from regression_cases import STD, Problem, random_problem
from scipy.optimize import minimize_scalar
from scipy.stats import multivariate_normal

from aofl.bayes.noise import NoisePrior, noise_factor
from aofl.bayes.posterior import extend, fit

FREE = NoisePrior(expected=1.0, lowest=1e-6, highest=1e6, strength=0.0)


def factor_of(problem: Problem, prior: NoisePrior = FREE) -> float:
    data = problem.statistics()
    return noise_factor(data, fit(data, STD), prior)


def dense_log_evidence(problem: Problem, t: float) -> float:
    """Return ln N(y; 0, t^2 (1 + X D^2 X^T))."""
    x, y = problem.rows, problem.targets
    covariance = t**2 * (np.eye(len(y)) + (x * STD**2) @ x.T)
    return float(multivariate_normal(np.zeros(len(y)), covariance).logpdf(y))


@pytest.mark.parametrize("count", [1, 5, 22, 90])
@pytest.mark.parametrize("noise", [0.3, 1.0, 6.0])
def test_it_is_where_the_dense_evidence_is_largest(count, noise):
    problem = random_problem(1, count, noise)
    best = minimize_scalar(
        lambda log_t: -dense_log_evidence(problem, np.exp(log_t)), bounds=(-6, 6)
    )
    assert factor_of(problem) == pytest.approx(np.exp(best.x), rel=1e-3)


def test_a_known_noise_is_found():
    # A standard deviation from n numbers scatters by 1 / sqrt(2 n): four of these.
    assert factor_of(random_problem(5, 4000, 2.5)) == pytest.approx(2.5, rel=4 / np.sqrt(8000))


def test_rows_beside_the_factor_count_as_those_in_it():
    problem, more = random_problem(), random_problem(3, 4)
    posterior = extend(fit(problem.statistics(), STD), more.rows, more.targets)
    whole = Problem(
        np.concatenate([problem.rows, more.rows]), np.concatenate([problem.targets, more.targets])
    )
    found = noise_factor(whole.statistics(), posterior, FREE)
    assert found == pytest.approx(factor_of(whole), rel=1e-9)


def test_deviations_do_not_depend_on_the_unit_of_the_noise():
    """Rows in units of a noise t times too small, prior in proportion: t makes up for it."""
    problem, x = random_problem(2, 40), np.eye(len(STD))
    halved = Problem(2 * problem.rows, 2 * problem.targets)
    one = fit(problem.statistics(), STD)
    other = fit(halved.statistics(), STD / 2)
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-9, atol=1e-12)
    t, u = (
        noise_factor(p.statistics(), posterior, FREE)
        for p, posterior in ((problem, one), (halved, other))
    )
    np.testing.assert_allclose(t**2 * one.variance(x), u**2 * other.variance(x), rtol=1e-8)


def test_bounds_hold_where_the_data_want_out():
    prior = NoisePrior(expected=1.0, lowest=0.5, highest=3.0, strength=1.0)
    assert factor_of(random_problem(noise=100.0), prior) == 3.0
    assert factor_of(random_problem(noise=1e-3), prior) == 0.5


def test_pseudo_observations_pull_to_what_is_expected():
    problem = random_problem(noise=8.0)
    found = [
        factor_of(problem, NoisePrior(expected=1.0, lowest=0.1, highest=100.0, strength=s))
        for s in (0.1, 10.0, 1e3, 1e9)
    ]
    assert found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx(1.0, abs=1e-5)


def test_data_that_the_prior_explains_wholly_leave_the_lowest_noise():
    """Rounding may take more off y^T y than there is."""
    problem = random_problem()
    quiet = Problem(1e8 * problem.rows, 0 * problem.targets)
    prior = NoisePrior(expected=1.0, lowest=0.5, highest=3.0, strength=0.0)
    assert factor_of(quiet, prior) == 0.5
