"""The evidence against the dense Gaussian, its gradient, and where its maximum leads."""

import dataclasses

import numpy as np
import pytest
from regression_cases import GROUP, HYPER, UNIT_STD, Problem, random_problem
from scipy.stats import multivariate_normal

from aofl.bayes.evidence import Hyperparameters, Hyperprior, evidence, maximise

DIM = len(GROUP)


def dense_log_evidence(problem: Problem, hyper: Hyperparameters) -> float:
    """Return ln N(y; 0, X D^2 X^T + sigma^2)."""
    x, y = np.concatenate(problem.rows), np.concatenate(problem.targets)
    std = hyper.scales[GROUP] * UNIT_STD
    covariance = (x * std**2) @ x.T + np.diag(problem.noise_of_rows(hyper.noises) ** 2)
    return float(multivariate_normal(np.zeros(len(y)), covariance).logpdf(y))


def value(problem: Problem, hyper: Hyperparameters) -> float:
    return evidence(problem.statistics(), hyper, UNIT_STD, GROUP).value


@pytest.fixture
def problem() -> Problem:
    return random_problem()


def wide_prior(center: Hyperparameters, strength: float = 1e-3) -> Hyperprior:
    return Hyperprior(
        center=center,
        scale_bounds=np.outer([1e-4, 1e4], np.ones(3)),
        noise_bounds=np.outer([1e-4, 1e4], np.ones(3)),
        scale_strength=strength,
        noise_strength=strength,
    )


@pytest.mark.parametrize("counts", [(3, 14, 5), (1, 0, 0), (2, 30, 0)], ids=str)
@pytest.mark.parametrize("factor", [0.2, 1.0, 6.0])
def test_value_is_the_dense_gaussian_with_all_constants(counts, factor):
    problem = random_problem(1, counts)
    hyper = Hyperparameters(scales=HYPER.scales * factor, noises=HYPER.noises / factor)
    assert value(problem, hyper) == pytest.approx(dense_log_evidence(problem, hyper), rel=1e-8)


@pytest.mark.parametrize("factor", [0.3, 1.0, 3.0])
def test_gradient_is_a_finite_difference(problem, factor):
    hyper = Hyperparameters(scales=HYPER.scales * factor, noises=HYPER.noises / factor)
    terms = evidence(problem.statistics(), hyper, UNIT_STD, GROUP)
    for name, gradient in zip(("scales", "noises"), terms.gradient(hyper), strict=True):
        for k in range(3):
            step = 1e-5 * np.eye(3)[k]
            up, down = (
                value(problem, dataclasses.replace(hyper, **{name: getattr(hyper, name) * e}))
                for e in (np.exp(step), np.exp(-step))
            )
            assert gradient[k] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-6)


def test_counts_of_well_determined_parameters_agree(problem):
    """The scales and the noises share the same effective number of parameters."""
    terms = evidence(problem.statistics(), HYPER, UNIT_STD, GROUP)
    assert terms.gamma_scales.sum() == pytest.approx(terms.gamma_noises.sum(), rel=1e-9)
    assert np.all(terms.gamma_scales >= 0)
    assert terms.gamma_scales.sum() < DIM


@pytest.mark.parametrize("seed", range(4))
def test_search_climbs_the_evidence(seed):
    problem = random_problem(seed)
    rng = np.random.default_rng(seed)
    start = Hyperparameters(
        scales=HYPER.scales * np.exp(rng.uniform(-1, 1, 3)),
        noises=HYPER.noises * np.exp(rng.uniform(-1, 1, 3)),
    )
    values = [value(problem, start)]
    for n in (1, 5, 40):
        found = maximise(problem.statistics(), start, wide_prior(start), UNIT_STD, GROUP, n)
        values.append(value(problem, found))
    assert values[1] > values[0]
    assert values == sorted(values)


def test_maximum_has_no_slope_left():
    problem = random_problem(2, (60, 200, 80))
    prior = wide_prior(HYPER, strength=0.0)
    found = maximise(problem.statistics(), HYPER, prior, UNIT_STD, GROUP, 2000)
    gradient = np.concatenate(
        evidence(problem.statistics(), found, UNIT_STD, GROUP).gradient(found)
    )
    assert np.abs(gradient).max() < 1e-4


def test_known_noise_is_found_from_a_wrong_start():
    problem = random_problem(5, (400, 1500, 600))
    start = Hyperparameters(scales=np.ones(3), noises=np.array([0.5, 0.03, 0.2]))
    prior = wide_prior(start, strength=1.0)
    found = maximise(problem.statistics(), start, prior, UNIT_STD, GROUP, 30)
    # A standard deviation from n numbers scatters by 1 / sqrt(2 n): four of these.
    scatter = 4 / np.sqrt(2 * np.array([400, 1500, 600]))
    np.testing.assert_array_less(np.abs(found.noises / HYPER.noises - 1), scatter)


@pytest.mark.parametrize("n_iterations", [1, 30])
def test_bounds_hold_where_the_evidence_wants_out(problem, n_iterations):
    reach = 1.2
    prior = Hyperprior(
        center=HYPER,
        scale_bounds=np.stack([HYPER.scales / reach, HYPER.scales * reach]),
        noise_bounds=np.stack([HYPER.noises * 1.5, HYPER.noises * 2]),
        scale_strength=0.0,
        noise_strength=0.0,
    )
    scaled = Problem(problem.rows, [100 * y for y in problem.targets])
    loud = maximise(scaled.statistics(), HYPER, prior, UNIT_STD, GROUP, n_iterations)
    np.testing.assert_array_equal(loud.noises, prior.noise_bounds[1])
    np.testing.assert_array_equal(loud.scales, prior.scale_bounds[1])
    silent = Problem(problem.rows, [0 * y for y in problem.targets])
    quiet = maximise(silent.statistics(), HYPER, prior, UNIT_STD, GROUP, n_iterations)
    np.testing.assert_array_equal(quiet.noises, prior.noise_bounds[0])
    np.testing.assert_array_equal(quiet.scales, prior.scale_bounds[0])


def test_pseudo_observations_pull_to_the_center(problem):
    far = Hyperparameters(scales=HYPER.scales * 8, noises=HYPER.noises * 8)
    distances = []
    for strength in (0.1, 10.0, 1e3, 1e9):
        found = maximise(problem.statistics(), far, wide_prior(far, strength), UNIT_STD, GROUP, 30)
        distances.append(np.abs(np.log(found.noises / far.noises)).max())
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 1e-6


@pytest.mark.parametrize("field", ["gram", "moment", "square"])
def test_a_failed_search_keeps_the_old_values(problem, field):
    data = problem.statistics()
    setattr(data[1], field, getattr(data[1], field) * np.nan)
    with np.errstate(invalid="ignore"):
        found = maximise(data, HYPER, wide_prior(HYPER), UNIT_STD, GROUP, 3)
    np.testing.assert_array_equal(found.scales, HYPER.scales)
    np.testing.assert_array_equal(found.noises, HYPER.noises)


def test_no_iteration_changes_nothing(problem):
    found = maximise(problem.statistics(), HYPER, wide_prior(HYPER), UNIT_STD, GROUP, 0)
    assert found is HYPER
