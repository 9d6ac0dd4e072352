"""Wall time by part of the work, and how long the reference takes per call."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from aofl.compiled import compile_seconds

PARTS = ("reference", "force_field", "uncertainty", "update", "chemistry", "compilation")

AIMD_SHARE = 0.1  # of the calls are as quick as a step of AIMD, or quicker
BIN = 0.01  # relative width of a bin of call times
_SHORTEST, _LONGEST = 1e-9, 1e9  # s; times are put into this range


@dataclass(slots=True)
class CallTimes:
    """How long calls took: a histogram on a logarithmic scale, whose size has a bound.

    Bin k counts the times t with k = floor(ln t / BIN), so its middle is within half a percent of
    each of them.
    """

    counts: dict[int, int] = field(default_factory=dict)

    def append(self, seconds: float) -> None:
        """Count one call."""
        bounded = min(max(seconds, _SHORTEST), _LONGEST)
        k = math.floor(math.log(bounded) / BIN)
        self.counts[k] = self.counts.get(k, 0) + 1

    def quantile(self, share: float) -> float | None:
        """Return the middle of the bin that holds a (lower) quantile, s; None without calls."""
        wanted = max(1, math.ceil(share * sum(self.counts.values())))
        for k in sorted(self.counts):
            wanted -= self.counts[k]
            if wanted <= 0:
                return math.exp((k + 0.5) * BIN)
        return None

    def to_json(self) -> list[list[int]]:
        """Return the bins as pairs [k, count]."""
        return [[k, n] for k, n in sorted(self.counts.items())]

    @classmethod
    def from_json(cls, state: list[list[int]] | list[float]) -> CallTimes:
        """Return the times that `to_json` described, or those of a plain list of seconds.

        Older checkpoints hold the list.
        """
        times = cls()
        for item in state:
            if isinstance(item, list):
                k, n = item
                times.counts[k] = n
            else:
                times.append(item)
        return times


@dataclass(slots=True)
class Lap:
    """How long one block took, s."""

    seconds: float = 0.0


@dataclass(slots=True)
class Timing:
    """Seconds by part; `total` counts everything since the start, resumed parts included."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    reference_calls: CallTimes = field(default_factory=CallTimes)
    before: float = 0.0
    started: float = field(default_factory=perf_counter)

    @contextmanager
    def part(self, name: str) -> Iterator[Lap]:
        """Count the time of a block as part `name`; it is known once the block has ended.

        What of it kernels took to compile, once on a machine, is counted apart.
        """
        lap, start, before = Lap(), perf_counter(), compile_seconds()
        try:
            yield lap
        finally:
            compiling = compile_seconds() - before
            lap.seconds = perf_counter() - start - compiling
            self.seconds[name] += lap.seconds
            self.seconds["compilation"] += compiling

    def count_reference(self, seconds: float) -> None:
        """Count a reference call that was made before."""
        self.seconds["reference"] += seconds
        self.before += seconds
        self.reference_calls.append(seconds)

    @property
    def total(self) -> float:
        """Seconds of the run so far."""
        return self.before + perf_counter() - self.started

    @property
    def own(self) -> float:
        """Seconds of the run so far without compilation, which is done once on a machine."""
        return self.total - self.seconds["compilation"]

    def split(self) -> dict[str, float]:
        """Return seconds by part, with "other" and "total"."""
        total = self.total
        other = max(0.0, total - sum(self.seconds.values()))
        return {**self.seconds, "other": other, "total": total}

    def reference_step(self) -> float | None:
        """Return the cost of an AIMD step, s: the lower decile of the reference calls, within 1 %.

        An AIMD step begins from the wave functions of the step before it. Most labels of a run
        begin farther away and take longer; counting them would flatter the speed-up.
        """
        return self.reference_calls.quantile(AIMD_SHARE)
