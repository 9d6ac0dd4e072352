"""Errors of force components, kept as sums.

Sums add up over frames, walkers and restarts; root-mean-squares do not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSums:
    """Sums over the errors of force components; `a + b` is the record of both together.

    Attributes
    ----------
    n
        Number of components.
    sum_sq, sum_abs
        Sums of squares, (eV/Å)^2, and of magnitudes, eV/Å.
    max
        Largest magnitude, eV/Å.
    """

    n: int = 0
    sum_sq: float = 0.0
    sum_abs: float = 0.0
    max: float = 0.0

    def __add__(self, other: ErrorSums) -> ErrorSums:
        return ErrorSums(
            n=self.n + other.n,
            sum_sq=self.sum_sq + other.sum_sq,
            sum_abs=self.sum_abs + other.sum_abs,
            max=max(self.max, other.max),
        )

    @property
    def rmse(self) -> float | None:
        """Root-mean-square error, eV/Å: sqrt(sum_sq / n). None without data."""
        return math.sqrt(self.sum_sq / self.n) if self.n else None

    @property
    def mae(self) -> float | None:
        """Mean absolute error, eV/Å: sum_abs / n. None without data."""
        return self.sum_abs / self.n if self.n else None
