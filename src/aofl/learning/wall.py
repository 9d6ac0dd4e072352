"""Wall time by part of the work, and how long the reference takes per call."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

PARTS = ("reference", "force_field", "uncertainty", "update", "chemistry")

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

    def median(self) -> float | None:
        """Return the middle of the bin that holds the (lower) median, s; None without calls."""
        wanted = (sum(self.counts.values()) + 1) // 2
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
class WallClock:
    """Seconds by part; `total` counts everything since the start, resumed parts included."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    reference_calls: CallTimes = field(default_factory=CallTimes)
    before: float = 0.0
    started: float = field(default_factory=perf_counter)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time of a block as part `name`."""
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += perf_counter() - start

    def count_reference(self, seconds: float) -> None:
        """Count a reference call that was made before."""
        self.seconds["reference"] += seconds
        self.before += seconds
        self.reference_calls.append(seconds)

    @property
    def total(self) -> float:
        """Seconds of the run so far."""
        return self.before + perf_counter() - self.started

    def split(self) -> dict[str, float]:
        """Return seconds by part, with "other" and "total"."""
        total = self.total
        other = max(0.0, total - sum(self.seconds.values()))
        return {**self.seconds, "other": other, "total": total}

    def reference_step(self) -> float | None:
        """Return the median time of a reference call, s, within 1 %: the cost of an AIMD step."""
        return self.reference_calls.median()
