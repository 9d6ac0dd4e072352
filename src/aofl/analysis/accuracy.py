"""The accuracy of a run from its audit frames, and speed-up in both of its readings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from aofl.bayes.error_statistics import error_sums
from aofl.records import ErrorSums, FloatArray


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


class SpeedUp(NamedTuple):
    """The two things that "x % faster" can mean, and the factor, which means one."""

    factor: float
    wall_time_down_percent: float
    rate_up_percent: float


def own_seconds(wall_s: Mapping[str, float]) -> float | None:
    """Return the wall time of a run without compilation, which is done once on a machine, s."""
    total = wall_s.get("total")
    return None if total is None else total - wall_s.get("compilation", 0.0)


def speedup_readings(aimd_s: float, own_s: float) -> SpeedUp:
    """Compare two wall times of the same work, s, in both readings.

    factor = aimd / own; wall time down by 100 (1 - own / aimd) %; rate up by 100 (factor - 1) %.
    A factor of 3.45 is 71 % of the wall time saved, and a rate up by 245 %.
    """
    factor = aimd_s / own_s
    return SpeedUp(factor, 100.0 * (1.0 - 1.0 / factor), 100.0 * (factor - 1.0))
