"""The calibration factor on examples worked out by hand."""

import numpy as np
import pytest
from scipy.stats import f, halfnorm, norm, t

from aofl.bayes.calibration import (
    FACTORS,
    HIGHEST,
    LEVEL,
    LOWEST,
    WINDOW,
    Z_90,
    calibration_factor,
    two_factors,
)


def test_a_full_window_gives_its_eighth_tenth():
    # 20 ratios: rank ceil(0.8 * 21) = 17, no widening.
    assert calibration_factor([0.5 * k for k in range(20, 0, -1)]) == pytest.approx(8.5)


@pytest.mark.parametrize(
    ("ratios", "rank"),
    [
        ([2.0], 1),
        ([2.0, 3.0], 2),
        ([3.0, 1.0, 2.0, 4.0], 4),
        ([1, 5, 2, 4, 3], 5),
        (range(1, 10), 8),
    ],
)
def test_few_ratios_are_widened_by_students_t(ratios, rank):
    ratios = [float(x) for x in ratios]
    expected = sorted(ratios)[rank - 1] * t.ppf(0.9, len(ratios)) / norm.ppf(0.9)
    assert calibration_factor(ratios) == pytest.approx(expected, rel=1e-9)


def test_one_ratio_of_two_gives_4_80():
    # t.ppf(0.9, 1) = tan(0.4 pi) = 3.0777, norm.ppf(0.9) = 1.2816.
    assert calibration_factor([2.0]) == pytest.approx(2 * 3.07768 / 1.28155, rel=1e-4)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 19])
def test_the_widening_is_that_of_the_level_of_a_magnitude(n):
    """The 0.8 quantile of |x| / rms of n others (its square is F(1, n)), over that of |x|."""
    widening = calibration_factor([2.0] * n) / 2.0
    assert widening == pytest.approx(np.sqrt(f.ppf(LEVEL, 1, n)) / halfnorm.ppf(LEVEL), rel=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_errors_of_a_scale_known_from_few_are_above_the_bound_in_a_fifth(n):
    """Drawn: |x| above w_n times its 0.8 quantile, taken from the rms of n others."""
    x = np.random.default_rng(n).normal(size=(40_000, n + 1))
    bound = halfnorm.ppf(LEVEL) * np.sqrt(np.mean(x[:, 1:] ** 2, axis=1))
    above = np.abs(x[:, 0]) > bound * calibration_factor([2.0] * n) / 2.0
    assert np.mean(above) == pytest.approx(1 - LEVEL, abs=0.01)


@pytest.mark.parametrize("n", [4, 9, 19, 20])
def test_from_four_ratios_on_the_rank_alone_would_keep_the_promise(n):
    """Of n + 1 exchangeable ratios the last is above rank r of the others in 1 - r / (n + 1)."""
    known = [2.0 + 0.1 * k for k in range(n)]
    widening = calibration_factor([2.0] * n) / 2.0
    rank = 1 + known.index(pytest.approx(calibration_factor(known) / widening))
    assert 1 - rank / (n + 1) <= 1 - LEVEL + 1e-12


def test_only_the_last_window_counts():
    recent = list(np.linspace(2, 6, WINDOW))
    assert calibration_factor([1000.0] * 50 + recent) == calibration_factor(recent)


def test_limits():
    assert calibration_factor([]) == HIGHEST
    assert calibration_factor([0.0] * 30) == LOWEST
    assert calibration_factor([1e9] * 3) == HIGHEST
    assert calibration_factor([np.inf]) == HIGHEST


@pytest.mark.parametrize("n", [1, 2, 7, 19, 20, 40])
def test_a_larger_ratio_never_gives_a_smaller_factor(n):
    rng = np.random.default_rng(n)
    for _ in range(20):
        ratios = list(rng.lognormal(0.8, 0.8, n))
        before = calibration_factor(ratios)
        ratios[rng.integers(n)] *= 1 + rng.exponential()
        assert calibration_factor(ratios) >= before


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (2.5, 0.5), (0.5, 3.0)])
def test_two_factors_find_how_errors_were_drawn(a, b):
    """Where u is small the noise factor shows, where it is large the other: both come back."""
    rng = np.random.default_rng(0)
    samples = []
    for scale in (0.02, 1.0):
        u = scale * rng.uniform(0.5, 1.5, 4000)
        samples.append((rng.normal(size=4000) * np.hypot(a * u, 0.1 * b), u))
    assert two_factors(samples, 0.1) == pytest.approx((a, b), rel=0.15)
    for error, u in samples:
        found = two_factors(samples, 0.1)
        inside = np.abs(error) <= Z_90 * np.hypot(found[0] * u, 0.1 * found[1])
        assert np.mean(inside) == pytest.approx(0.9, abs=0.03)


def test_two_factors_prefer_the_narrow_interval_where_nothing_tells_them_apart():
    error, u = np.full(100, 0.1), np.zeros(100)
    a, b = two_factors([(error, u)], 0.1)
    assert a == FACTORS[0]
    assert b > 0


def test_a_ratio_that_is_no_number_counts_as_the_worst():
    known = [2.0 + 0.1 * k for k in range(19)]
    for place in (0, 7, 19):
        ratios = [*known[:place], np.nan, *known[place:]]
        assert calibration_factor(ratios) == calibration_factor([*known, np.inf])
    assert calibration_factor([np.nan]) == HIGHEST
