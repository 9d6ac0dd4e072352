"""The free energy along a variable, from the hills of metadynamics.

A hill of height h and width w at s' adds h g((s - s') / w) to the bias, and what the hills have
filled mirrors the free energy: F(s) = - sum of h g, up to a constant (Laio and Parrinello, PNAS 99,
12562 (2002)). In a well-tempered run (Barducci, Bussi and Parrinello, Phys. Rev. Lett. 100, 020603
(2008)) PLUMED writes heights that are times gamma / (gamma - 1) already, so the sum is the same.

PLUMED's hill is a Gaussian that is cut at d^2/2 = 6.25 and stretched to reach zero there:
g(d) = (exp(-d^2/2) - exp(-6.25)) / (1 - exp(-6.25)).

How far late estimates differ is the error that is given, and it means something only where the
variable has come and gone: without two passes in the second half there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aofl.records import FloatArray

CUT = 6.25  # d^2/2
POINTS = 200  # of the grid
LATE = (0.6, 0.7, 0.8, 0.9, 1.0)  # shares of the hills, of the estimates that are compared
PASSES = 2  # from one end to the other, in the second half, that an error needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Hills:
    """Hills along one variable, in the order of their deposition; each shape (n,).

    `heights` are those of the file, in one unit of energy; `centres` and `widths` in that of the
    variable.
    """

    centres: FloatArray
    widths: FloatArray
    heights: FloatArray
    is_stretched: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeEnergy:
    """A free energy along a variable, over the range that hills were put at.

    Attributes
    ----------
    variable, energies
        Shape (m,); zero at the lowest point.
    error
        Standard deviation of the late estimates at each point, their means over the range made
        equal, shape (m,); None where the variable has not come and gone.
    n_passes
        In the second half, from one end of the range to the other.
    """

    variable: FloatArray
    energies: FloatArray
    error: FloatArray | None
    n_passes: int


def bias_of(hills: Hills, at: FloatArray) -> FloatArray:
    """Return the sum of the hills at values of the variable, shape of `at`."""
    half = 0.5 * ((at[:, None] - hills.centres) / hills.widths) ** 2
    shape = np.exp(-half)
    if hills.is_stretched:
        floor = np.exp(-CUT)
        shape = np.where(half < CUT, (shape - floor) / (1.0 - floor), 0.0)
    return np.asarray(shape @ hills.heights)


def free_energy(hills: Hills) -> FreeEnergy:
    """Return the free energy that at least ten hills mirror, with its error where there is one."""
    n = len(hills.heights)
    variable = np.linspace(hills.centres.min(), hills.centres.max(), POINTS)
    late = np.array([-bias_of(_first(hills, round(share * n)), variable) for share in LATE])
    level = late - late.mean(axis=1, keepdims=True)
    n_passes = passes(hills.centres[n // 2 :], variable[0], variable[-1])
    return FreeEnergy(
        variable=variable,
        energies=late[-1] - late[-1].min(),
        error=level.std(axis=0, ddof=1) if n_passes >= PASSES else None,
        n_passes=n_passes,
    )


def passes(values: FloatArray, low: float, high: float) -> int:
    """Return how often values go from the lowest quarter of a range to the highest, or back."""
    quarter = (high - low) / 4
    ends = np.where(values < low + quarter, -1, np.where(values > high - quarter, 1, 0))
    ends = ends[ends != 0]
    return int(np.count_nonzero(np.diff(ends)))


def _first(hills: Hills, n: int) -> Hills:
    return Hills(
        centres=hills.centres[:n],
        widths=hills.widths[:n],
        heights=hills.heights[:n],
        is_stretched=hills.is_stretched,
    )
