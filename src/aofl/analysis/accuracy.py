"""Force errors per element, and speed-up in both of its readings.

Errors are kept as sums (count, squares, magnitudes, maximum), because sums add up over frames,
walkers and restarts while root-mean-squares do not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from aofl.records import FloatArray


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


def error_sums(
    predicted: FloatArray, reference: FloatArray, symbols: Sequence[str]
) -> dict[str, ErrorSums]:
    """Sum the force errors of one frame per element.

    Parameters
    ----------
    predicted, reference
        Forces, eV/Å, shape (n_atoms, 3).
    symbols
        The element of each atom, length n_atoms.

    Returns
    -------
    dict
        Element to sums, elements in alphabetical order.
    """
    errors, elements = np.abs(predicted - reference), np.asarray(symbols)
    return {str(e): _sums(errors[elements == e]) for e in np.unique(elements)}


def audit_accuracy(
    audits: Iterable[tuple[FloatArray, FloatArray, Sequence[str]]],
) -> dict[str, ErrorSums]:
    """Sum the force errors of many frames (predicted, reference, symbols) per element.

    Only frames that were chosen without looking at their error, audits, tell the accuracy of a
    run; the frames that a rule asked for are the hard ones.
    """
    result: dict[str, ErrorSums] = {}
    for predicted, reference, symbols in audits:
        for element, sums in error_sums(predicted, reference, symbols).items():
            result[element] = result.get(element, ErrorSums()) + sums
    return dict(sorted(result.items()))


def total(sums: Iterable[ErrorSums]) -> ErrorSums:
    """Add up records, for instance those of all elements."""
    return sum(sums, ErrorSums())


class SpeedUp(NamedTuple):
    """The two things that "x % faster" can mean, and the factor, which means one."""

    factor: float
    wall_time_down_percent: float
    rate_up_percent: float


def speedup_readings(aimd_s: float, own_s: float) -> SpeedUp:
    """Compare two wall times of the same work, s, in both readings.

    factor = aimd / own; wall time down by 100 (1 - own / aimd) %; rate up by 100 (factor - 1) %.
    A factor of 3.45 is 71 % of the wall time saved, and a rate up by 245 %.
    """
    factor = aimd_s / own_s
    return SpeedUp(factor, 100.0 * (1.0 - 1.0 / factor), 100.0 * (factor - 1.0))


def _sums(errors: FloatArray) -> ErrorSums:
    """Sum magnitudes of errors, eV/Å, of any shape with at least one entry."""
    return ErrorSums(
        n=errors.size,
        sum_sq=float(np.sum(errors**2)),
        sum_abs=float(np.sum(errors)),
        max=float(np.max(errors)),
    )
