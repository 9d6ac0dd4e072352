"""The rank correlation of foretold and true errors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from aofl.forcefield.evaluation import rank_correlation


def test_it_is_that_of_spearman_over_atoms() -> None:
    rng = np.random.default_rng(4)
    sigma = rng.uniform(0.1, 1.0, (40, 3))
    error = sigma * rng.standard_normal((40, 3))
    expected = spearmanr(np.linalg.norm(sigma, axis=1), np.linalg.norm(error, axis=1)).statistic
    assert rank_correlation(sigma, error) == pytest.approx(expected)
    assert rank_correlation(sigma, -2.0 * sigma**3) > 0.8


@pytest.mark.parametrize("n", [1, 5])
def test_what_does_not_vary_ranks_nothing(n: int) -> None:
    assert rank_correlation(np.ones((n, 3)), np.arange(3.0 * n).reshape(n, 3)) == 0.0
