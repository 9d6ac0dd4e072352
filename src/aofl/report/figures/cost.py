"""The figure of the wall time by part, beside that of AIMD."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from aofl.report.figures.canvas import (
    BLUE,
    GOLD,
    GREEN,
    GREY,
    ORANGE,
    TEAL,
    VIOLET,
    Drawing,
    draw,
    legend_above,
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


def cost(wall_s: Mapping[str, float], aimd_s: float | None) -> Drawing:
    """Where the wall time of the run went, and all of it beside what AIMD would take."""
    own = sum(wall_s.values())

    def plot(figure: Figure) -> None:
        split, totals = figure.subplots(2, 1, height_ratios=[1, 2 if aimd_s else 1])
        left = 0.0
        for part, seconds in wall_s.items():
            share = 100 * seconds / own
            label = f"{part.replace('_', ' ')} {share:.0f} %"
            split.barh(0, share, left=left, color=PARTS[part], label=label)
            left += share
        split.set(xlim=(0, 100), yticks=[], xticks=[])
        legend_above(split)  # takes the whole width: no title beside it
        bars = {"this run": own} | ({"AIMD (est.)": aimd_s} if aimd_s else {})
        drawn = totals.barh(list(bars), list(bars.values()), 0.62, color=[BLUE, GREY][: len(bars)])
        totals.bar_label(drawn, [duration(seconds) for seconds in bars.values()], padding=5)
        totals.set(xlim=(0, 1.18 * max(bars.values())), xticks=[], title="Wall time")
        totals.invert_yaxis()
        for axes in (split, totals):
            axes.grid(visible=False)
            axes.spines[:].set_visible(False)

    return draw("cost", 2.9, plot)
