"""The figure of the calls of the reference: labels by rule, skips and rewinds over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from aofl.records import FloatArray
from aofl.records.events import BondChanged
from aofl.report.data import Decision
from aofl.report.figures.canvas import (
    BLUE,
    GOLD,
    GREEN,
    GREY,
    ORANGE,
    RED,
    TEAL,
    VIOLET,
    Drawing,
    draw,
    legend_above,
    thinned,
)
from aofl.report.figures.timeline import in_time_unit, mark_bonds, time_axis, time_scale

RULE_COLOURS = {
    "initial": GREY,
    "uncertainty": ORANGE,
    "audit": TEAL,
    "random_audit": GREEN,
    "guard": RED,
    "aimd": BLUE,
    "chemistry": VIOLET,
}
SPARE_COLOURS = (GOLD, VIOLET, RED, BLUE)


def calls_over_time(
    decisions: Sequence[Decision], bonds: Sequence[BondChanged], last_time_fs: float
) -> Drawing:
    """Cumulative reference calls by rule and skips, over a rug of when each one happened."""
    ends = np.array([0.0, max([last_time_fs, *(d.time_fs for d in decisions)])])
    (time, unit), scale = in_time_unit(ends), time_scale(ends)
    rows = _rows(decisions, scale)

    def plot(figure: Figure) -> None:
        figure.set_size_inches(figure.get_figwidth(), 3.6 + 0.3 * len(rows))
        top, rug = figure.subplots(2, 1, sharex=True, height_ratios=[2.6, 0.28 * (len(rows) + 1)])
        for row, ((name, times), colour) in enumerate(
            zip(rows.items(), _colours(rows), strict=True)
        ):
            counts = np.arange(1, len(times) + 1)
            style = (0, (3, 2)) if name == "skipped" else "-"
            steps = (np.append(times, time[-1]), np.append(counts, counts[-1]))
            top.plot(*thinned(*steps), color=colour, ls=style, drawstyle="steps-post")
            ticks = _ticks(times, time[-1])
            rug.plot(ticks, np.full(len(ticks), row), "|", ms=10, mew=1.2, color=colour)
        rug.set_yticks(range(len(rows)), list(rows))
        rug.set_ylim(len(rows) - 0.4, -0.6)
        rug.grid(visible=False)
        rug.spines["left"].set_visible(False)
        mark_bonds((top, rug), bonds, scale)
        top.set_title("Count so far")
        top.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        legend_above(top)
        time_axis(rug, time, unit)

    return draw("calls", 4.6, plot)


def _rows(decisions: Iterable[Decision], scale: float) -> dict[str, FloatArray]:
    """Collect the times of each rule's labels, then of skips and rewinds, in the unit shown."""
    names = {"skip": "skipped", "rewind": "rewound"}
    times: dict[str, list[float]] = {}
    for d in sorted(decisions, key=lambda d: d.action != "label"):
        times.setdefault(names.get(d.action, d.rule or "label"), []).append(d.time_fs * scale)
    return {name.replace("_", " "): np.sort(values) for name, values in times.items()}


def _colours(rows: Mapping[str, FloatArray]) -> list[str]:
    known = {**RULE_COLOURS, "skipped": GREY, "rewound": RED, "random audit": GREEN}
    return [known.get(name, SPARE_COLOURS[k % 4]) for k, name in enumerate(rows)]


def _ticks(times: FloatArray, end: float) -> FloatArray:
    """Rug positions, no closer than can be seen: at most a thousand across the page."""
    step = end / 1000 or 1.0
    ticks: FloatArray = np.unique(np.round(times / step)) * step
    return ticks
