"""A small linear problem with three kinds of data, and its textbook solution."""

from dataclasses import dataclass

import numpy as np

from aofl.bayes.evidence import Hyperparameters
from aofl.bayes.posterior import Statistics

GROUP = np.array([0, 0, 0, 1, 1, 1, 1, 2])
UNIT_STD = np.array([1.0, 0.5, 0.3, 1.0, 0.7, 0.4, 0.2, 2.0])
HYPER = Hyperparameters(scales=np.array([0.8, 1.7, 3.0]), noises=np.array([0.05, 0.3, 1.1]))
COUNTS = (3, 14, 5)


@dataclass(frozen=True)
class Problem:
    """Rows and targets by kind."""

    rows: list[np.ndarray]
    targets: list[np.ndarray]

    def statistics(self) -> list[Statistics]:
        data = [Statistics.empty(x.shape[1]) for x in self.rows]
        for statistics, x, y in zip(data, self.rows, self.targets, strict=True):
            statistics.add(x, y)
        return data

    def noise_of_rows(self, noises: np.ndarray) -> np.ndarray:
        return np.repeat(noises, [len(y) for y in self.targets])


def random_problem(seed: int = 0, counts: tuple[int, ...] = COUNTS) -> Problem:
    """Return targets drawn from the model with the hyperparameters `HYPER`."""
    rng = np.random.default_rng(seed)
    weights = HYPER.scales[GROUP] * UNIT_STD * rng.normal(size=len(GROUP))
    rows = [rng.normal(size=(n, len(GROUP))) for n in counts]
    targets = [
        x @ weights + noise * rng.normal(size=len(x))
        for x, noise in zip(rows, HYPER.noises, strict=True)
    ]
    return Problem(rows, targets)


def textbook(problem: Problem, hyper: Hyperparameters) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of the weights with a dense inverse (Bishop, eqs 3.50, 3.51)."""
    x, y = np.concatenate(problem.rows), np.concatenate(problem.targets)
    precision = 1 / problem.noise_of_rows(hyper.noises) ** 2
    prior = 1 / (hyper.scales[GROUP] * UNIT_STD) ** 2
    covariance = np.linalg.inv(np.diag(prior) + (x.T * precision) @ x)
    return covariance @ (x.T @ (precision * y)), covariance
