"""Rates from counts of rare events, with their exact Poisson intervals.

n events in an exposure T estimate the rate n / T; the central interval of confidence 1 - a is

    [ chi2(a/2; 2n) / 2T,  chi2(1 - a/2; 2n + 2) / 2T ],

with the quantiles of the chi-square distribution, and 0 below for n = 0: F. Garwood, Biometrika
28, 437 (1936), doi:10.1093/biomet/28.3-4.437.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import chi2

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Events per exposure: estimate and interval of 95 % confidence.

    Attributes
    ----------
    exposure
        Time in which it could have happened: ps, or ps times the number of ways, see `exposures`.
    """

    n: int
    exposure: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnover:
    """A reaction as far as rates need it: its time, and the molecules that it used and made."""

    time_fs: float
    reaction: str
    used: tuple[str, ...]
    made: tuple[str, ...]


def poisson_rate(n: int, exposure: float, confidence: float = CONFIDENCE) -> Rate | None:
    """Return the rate of n events in an exposure; None where there was no exposure."""
    if exposure <= 0.0:
        return None
    tail = 0.5 * (1.0 - confidence)
    low = 0.5 * float(chi2.ppf(tail, 2 * n)) if n else 0.0
    high = 0.5 * float(chi2.ppf(1.0 - tail, 2 * n + 2))
    return Rate(
        n=n, exposure=exposure, value=n / exposure, low=low / exposure, high=high / exposure
    )


def exposures(
    initial: Mapping[str, int],
    events: Iterable[Turnover],
    sides: Sequence[tuple[str, ...]],
    start_fs: float,
    end_fs: float,
) -> list[float]:
    """Return for how long, and in how many ways, molecules could have reacted, ps.

    For molecules A, B, ... with multiplicities v it is the time integral of the product of the
    binomials C(N_A(t), v_A) C(N_B(t), v_B) ...: for a single molecule the time that molecules of
    its kind lived, for a pair the time that pairs existed.

    Parameters
    ----------
    initial
        Molecules by name at `start_fs`.
    sides
        Names of the molecules that meet, one tuple for each result.
    """
    counts, sums, time = Counter(initial), [0.0] * len(sides), start_fs
    needs = [Counter(side) for side in sides]
    for event in sorted(events, key=_when):
        _add(sums, needs, counts, event.time_fs - time)
        counts.subtract(event.used)
        counts.update(event.made)
        time = event.time_fs
    _add(sums, needs, counts, end_fs - time)
    return sums


def _add(sums: list[float], needs: list[Counter[str]], counts: Counter[str], fs: float) -> None:
    for k, need in enumerate(needs):
        ways = math.prod(math.comb(max(counts[name], 0), v) for name, v in need.items())
        sums[k] += 1e-3 * fs * ways


def _when(event: Turnover) -> float:
    return event.time_fs
