"""All that the labels say: sums over their rows, which is all that a fit needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aofl.bayes.posterior import Statistics
from aofl.forcefield.rows import FORCES, NOISES, Rows
from aofl.records import FloatArray


@dataclass(slots=True)
class Gathered:
    """What was gathered of the rows of all labels; grows by `add`, shrinks by `remove`.

    Attributes
    ----------
    statistics
        Of all rows, in units of the noise of their kind.
    force_squares
        Sum of the squares of the force rows alone, (eV/Å)^2 for a weight of 1 eV, shape (p,).
    n_forces
        Number of force rows.
    """

    statistics: Statistics
    force_squares: FloatArray
    n_forces: int = 0

    @classmethod
    def nothing(cls, n_columns: int) -> Gathered:
        """Return what no labels say."""
        return cls(Statistics.empty(n_columns), np.zeros(n_columns))

    @property
    def force_power(self) -> FloatArray:
        """Mean square of a force row, (eV/Å)^2 for a weight of 1 eV, shape (p,)."""
        return self.force_squares / max(self.n_forces, 1)

    def add(self, rows: Rows) -> None:
        """Append the rows of a label."""
        self.statistics.add(rows.matrix, rows.targets)
        self._count(rows, 1)

    def remove(self, rows: Rows) -> None:
        """Take away the rows of a label that were added before."""
        self.statistics.remove(rows.matrix, rows.targets)
        self._count(rows, -1)

    def _count(self, rows: Rows, sign: int) -> None:
        forces = rows.of(FORCES)
        squares = NOISES[FORCES] ** 2 * np.einsum("mp,mp->p", forces, forces)
        self.force_squares = self.force_squares + sign * squares
        self.n_forces += sign * len(forces)
