"""A small linear problem in units of its noise, and its textbook solution."""

from dataclasses import dataclass

import numpy as np

from aofl.bayes.posterior import Statistics

STD = np.array([0.8, 0.4, 0.24, 1.7, 1.19, 0.68, 0.34, 6.0])
COUNT = 22


@dataclass(frozen=True)
class Problem:
    """Rows (m, p) and targets (m,)."""

    rows: np.ndarray
    targets: np.ndarray

    def statistics(self) -> Statistics:
        data = Statistics.empty(self.rows.shape[1])
        data.add(self.rows, self.targets)
        return data


def random_problem(seed: int = 0, count: int = COUNT, noise: float = 1.0) -> Problem:
    """Return targets drawn from the model, noise and prior `noise` times as large."""
    rng = np.random.default_rng(seed)
    weights = noise * STD * rng.normal(size=len(STD))
    # Rows of different size, as energies and forces are.
    rows = rng.normal(size=(count, len(STD))) * rng.choice([0.9, 3.0, 20.0], size=(count, 1))
    return Problem(rows, rows @ weights + noise * rng.normal(size=count))


def textbook(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of the weights with a dense inverse (Bishop, eqs 3.50, 3.51)."""
    x, y = problem.rows, problem.targets
    covariance = np.linalg.inv(np.diag(1 / STD**2) + x.T @ x)
    return covariance @ (x.T @ y), covariance
