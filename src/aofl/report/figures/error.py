"""The figure of the force error over time: estimated, threshold, and as labels showed it, meV/Å."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from aofl.records import FloatArray
from aofl.report.data import Decision
from aofl.report.figures.canvas import (
    BLUE,
    INK,
    ORANGE,
    TEAL,
    Drawing,
    draw,
    legend_above,
    thinned,
)
from aofl.report.figures.timeline import curve, in_time_unit, time_axis, time_scale


def error_over_time(
    thermo: Mapping[str, FloatArray], decisions: Sequence[Decision], audit_rules: Sequence[str]
) -> Drawing:
    """Calibrated estimate and threshold over time, with the errors that labels then showed."""
    time, unit, scale = *in_time_unit(thermo["time_fs"]), time_scale(thermo["time_fs"])
    estimate = 1000 * thermo["predicted_error_eV_per_A"]
    threshold = 1000 * thermo["threshold_eV_per_A"]
    checked = [d for d in decisions if d.action == "label" and d.max_error]

    def plot(figure: Figure) -> None:
        axes = figure.subplots()
        curve(axes, time, estimate, BLUE, "calibrated estimate")
        axes.plot(*thinned(time, threshold), color=INK, lw=1.1, ls=(0, (4, 3)), label="threshold")
        for label, is_audit, colour, marker in (
            ("true error at a label", False, ORANGE, "o"),
            ("true error at an audit", True, TEAL, "D"),
        ):
            points = [
                (d.time_fs * scale, 1000 * d.max_error)
                for d in checked
                if d.max_error and (d.rule in audit_rules) == is_audit
            ]
            if points:
                axes.plot(*zip(*points, strict=True), marker, ms=4.6, color=colour, label=label)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_title("Force error, meV/Å")
        legend_above(axes)
        time_axis(axes, time, unit)

    return draw("error", 3.8, plot)
