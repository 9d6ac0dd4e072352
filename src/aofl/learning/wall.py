"""Wall time by part of the work, and how long the reference takes per call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

PARTS = ("reference", "force_field", "uncertainty", "update", "chemistry")


@dataclass(slots=True)
class WallClock:
    """Seconds by part; `total` counts everything since the start, resumed parts included."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    reference_calls: list[float] = field(default_factory=list)
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
        """Return the median time of a reference call, s: the cost of an AIMD step."""
        return median(self.reference_calls) if self.reference_calls else None
