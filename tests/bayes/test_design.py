"""Which rows say most: the gain by determinants, the greedy order by brute force."""

from itertools import combinations, islice

import numpy as np
import pytest
from regression_cases import STD

from aofl.bayes.design import information_gain, most_telling
from aofl.bayes.posterior import Statistics, factorise


def blocks(count=9, rows=4, seed=5):
    rng = np.random.default_rng(seed)
    scale = rng.uniform(0.2, 2.0, size=(count, 1, 1))
    return scale * rng.normal(size=(count, rows, len(STD)))


def known(rows=6):
    data = Statistics.empty(len(STD))
    rng = np.random.default_rng(8)
    data.add(rng.normal(size=(rows, len(STD))), rng.normal(size=rows))
    return data


def log_det(data, chosen):
    """Return log det of the whitened precision, dense."""
    gram = np.triu(data.gram) + np.triu(data.gram, 1).T + sum(x.T @ x for x in chosen)
    return np.linalg.slogdet(np.eye(len(STD)) + STD[:, None] * gram * STD)[1]


def test_the_gain_is_what_a_block_adds_to_the_determinant():
    data = known()
    for x in blocks():
        expected = log_det(data, [x]) - log_det(data, [])
        assert information_gain(factorise(data, STD), STD, x) == pytest.approx(expected, rel=1e-10)


def test_the_greedy_order_is_that_of_a_search_without_bounds():
    data, x = known(), blocks()
    before = data.gram.copy()
    found = list(most_telling(lambda k: x[k], len(x), data, STD))
    left, taken = set(range(len(x))), []
    for item in found:
        gains = {k: log_det(data, [x[j] for j in [*taken, k]]) for k in left}
        best = max(gains, key=lambda k: gains[k])
        assert item.index == best
        assert item.gain == pytest.approx(
            gains[best] - log_det(data, [x[j] for j in taken]), rel=1e-8
        )
        taken.append(best)
        left.remove(best)
    assert sum(item.gain for item in found) == pytest.approx(
        log_det(data, list(x)) - log_det(data, []), rel=1e-10
    )
    np.testing.assert_array_equal(data.gram, before)


def test_three_blocks_come_near_to_the_best_three():
    data, x = known(), blocks()
    found = [item.gain for item in islice(most_telling(lambda k: x[k], 9, data, STD), 3)]
    best = max(log_det(data, [x[k] for k in three]) for three in combinations(range(9), 3))
    assert sum(found) >= (1 - 1 / np.e) * (best - log_det(data, []))


def test_old_bounds_spare_most_of_the_looks():
    x, looks = blocks(count=60), [0]

    def rows_of(index):
        looks[0] += 1
        return x[index]

    chosen = most_telling(rows_of, len(x), Statistics.empty(len(STD)), STD)
    for _ in range(10):
        next(chosen)
    assert looks[0] < 60 + 10 * 30  # 60 at first, then far fewer than all of them each time


def test_a_block_that_comes_again_is_worth_less():
    x = blocks(count=2)
    x[1] = x[0]
    first, second = most_telling(lambda k: x[k], 2, Statistics.empty(len(STD)), STD)
    assert (first.index, second.index) == (0, 1)
    assert second.gain < 0.6 * first.gain
