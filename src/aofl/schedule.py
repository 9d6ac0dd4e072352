"""A schedule: what a thermostat or a barostat asks for, as a pure function of the simulated time.

Piecewise linear through points, as the annealing of other codes has it: between two points the
value is on the line that joins them (a ramp), two points at one time are a step, and after the last
point its value stays. It has no memory, so a run that is resumed or rewound asks for the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A value for every time.

    Attributes
    ----------
    times_fs
        Of the points, fs, ascending from 0; equal times are a step.
    values
        At the points, in a unit of their own.
    """

    times_fs: tuple[float, ...]
    values: tuple[float, ...]

    @classmethod
    def constant(cls, value: float) -> Schedule:
        """Return the schedule that has one value at all times."""
        return cls(times_fs=(0.0,), values=(value,))

    def at(self, time_fs: float) -> float:
        """Return the value at a time; at a step, the one after it."""
        after = bisect_right(self.times_fs, time_fs)
        if after == len(self.times_fs):
            return self.values[-1]
        (t0, t1), (v0, v1) = (
            self.times_fs[after - 1 : after + 1],
            self.values[after - 1 : after + 1],
        )
        return v0 + (v1 - v0) * (time_fs - t0) / (t1 - t0)

    def before(self, time_fs: float) -> float:
        """Return the value that a time is reached with; at a step, the one before it."""
        at = [k for k, time in enumerate(self.times_fs) if time == time_fs]
        return self.values[at[0]] if at else self.at(time_fs)

    def highest(self, since_fs: float, until_fs: float) -> float:
        """Return the largest value of a span of time, its ends included."""
        since_fs = max(since_fs, 0.0)
        within = (
            value
            for time, value in zip(self.times_fs, self.values, strict=True)
            if since_fs < time <= until_fs
        )
        return max(self.at(since_fs), self.at(until_fs), *within)


def mean(schedules: Sequence[Schedule], weights: Sequence[float]) -> Schedule:
    """Return the weighted mean of schedules: through all their points, with all their steps."""
    times: list[float] = []
    values: list[float] = []
    for time in sorted({t for schedule in schedules for t in schedule.times_fs}):
        for value in (_weighted([s.before(time) for s in schedules], weights),
                      _weighted([s.at(time) for s in schedules], weights)):  # fmt: skip
            if not times or times[-1] != time or values[-1] != value:
                times.append(time)
                values.append(value)
    return Schedule(times_fs=tuple(times), values=tuple(values))


def _weighted(values: Sequence[float], weights: Sequence[float]) -> float:
    return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)
