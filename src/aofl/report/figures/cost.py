"""The plot of the wall time by part, beside that of AIMD."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aofl.report.figures.plot import (
    BLUE,
    GOLD,
    GREEN,
    GREY,
    INK,
    ORANGE,
    TEAL,
    VIOLET,
    Panel,
    Plot,
    Trace,
)
from aofl.report.numbers import duration

PARTS = {
    "reference": ORANGE,
    "force_field": BLUE,
    "uncertainty": TEAL,
    "update": VIOLET,
    "chemistry": GREEN,
    "compilation": GOLD,
    "other": GREY,
}


def wall_times(
    wall_s: Mapping[str, Mapping[str, float]], others: Mapping[str, float] | None = None
) -> Plot:
    """Return a bar of its parts for each run, and a plain one for each other time, s.

    Parameters
    ----------
    wall_s
        Name of a run to its wall time by part.
    others
        Names to estimates.
    """
    others = others or {}
    left, traces = np.zeros(len(wall_s)), []
    for part, colour in PARTS.items():
        seconds = np.array([wall.get(part, 0.0) for wall in wall_s.values()])
        if seconds.any():
            name = part.replace("_", " ")
            traces.append(_bars(name, seconds, list(range(len(wall_s))), colour, left.copy()))
        left += seconds
    for k, (name, seconds_of_it) in enumerate(others.items(), start=len(wall_s)):
        traces.append(_bars(name, np.array([seconds_of_it]), [k], INK, np.zeros(1)))
    rows = [f"{name}: {duration(seconds)}" for name, seconds in zip(wall_s, left, strict=True)]
    rows += [f"{name}: {duration(seconds)}" for name, seconds in others.items()]
    return Plot(
        name="cost",
        panels=(Panel(title="Wall time", rows=tuple(rows)),),
        traces=tuple(traces),
        x_title="s",
        height=150 + 45 * len(rows),
    )


def _bars(name: str, lengths: np.ndarray, rows: list[int], colour: str, left: np.ndarray) -> Trace:
    return Trace(
        name=name, x=lengths, y=rows, colour=colour, style="bars across", base=left,
        texts=tuple(f"{name}: {duration(float(seconds))}" for seconds in lengths),
    )  # fmt: skip
