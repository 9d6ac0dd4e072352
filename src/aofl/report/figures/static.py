"""Draws a plot with matplotlib as SVG, for files of pictures: text stays text, bytes stay the same.

Everything that would differ between two runs of the same input (dates, random ids) is fixed.
"""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from aofl.report.figures.plot import INK, Panel, Plot, Trace

WIDTH_INCHES, PX_PER_INCH = 10.6, 92.0
BLACK = "#1c2430"
LONGEST = 28  # letters of a name in a legend
DASHES: dict[str, Any] = {"solid": "-", "dash": (0, (4, 3)), "dot": (0, (1.5, 1.5))}

# typed loosely: matplotlib from 3.11 on wants each key as a literal, earlier ones a plain dict
STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # names come from files: a `$` in one is just a `$`
    "font.size": 11.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.formatter.useoffset": False,
    "figure.constrained_layout.use": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
}


def svg(plot: Plot) -> str:
    """Return a plot as an SVG document."""
    columns = max(1, plot.columns)
    rows = -(-len(plot.panels) // columns)
    height = plot.height * (rows if columns > 1 else 1) / PX_PER_INCH
    with mpl.rc_context({**STYLE, "svg.hashsalt": plot.name}):
        figure = Figure(figsize=(WIDTH_INCHES, height))
        weights = [panel.weight for panel in plot.panels] if columns == 1 else None
        grid = figure.subplots(
            rows, columns, squeeze=False, sharex=plot.shares_x, height_ratios=weights
        ).ravel()
        for k, (axes, panel) in enumerate(zip(grid, plot.panels, strict=False)):
            _draw(axes, panel, [trace for trace in plot.traces if trace.panel == k])
        for axes in grid[len(plot.panels) :]:
            axes.set_visible(False)
        for axes in grid[: len(plot.panels)] if columns > 1 else grid[-1:]:
            axes.set_xlabel(plot.x_title)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _draw(axes: Axes, panel: Panel, traces: list[Trace]) -> None:
    for trace in traces:
        _draw_trace(axes, trace)
    axes.set_title(panel.title)
    if panel.is_log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    elif panel.is_count:
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    if panel.rows:
        axes.set_yticks(range(len(panel.rows)), list(panel.rows))
        axes.set_ylim(len(panel.rows) - 0.4, -0.6)
    if panel.is_square:
        axes.set_aspect("equal")
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        at = (1, 1)
        axes.legend(handles, labels, ncols=4, loc="lower right", bbox_to_anchor=at, borderpad=0.5)


def _draw_trace(axes: Axes, trace: Trace) -> None:
    x, y = np.asarray(trace.x, dtype=float), np.asarray(trace.y, dtype=float)
    colour = BLACK if trace.colour == INK else trace.colour
    name = trace.name if len(trace.name) <= LONGEST else f"{trace.name[: LONGEST - 1]}\u2026"
    label = name if trace.in_legend else None
    if trace.style == "bars":
        gaps = np.diff(np.unique(x))
        width = 0.92 * float(gaps.min()) if len(gaps) else 0.92
        base = 0.0 if trace.base is None else np.asarray(trace.base, dtype=float)
        axes.bar(x, y, width, base, color=colour, label=label)
    elif trace.style == "bars across":
        left = 0.0 if trace.base is None else np.asarray(trace.base, dtype=float)
        axes.barh(y, x, 0.62, left, color=colour, label=label)
    elif trace.style in ("points", "ticks"):
        marker = "o" if trace.style == "points" else "|"
        axes.plot(
            x, y, marker, ms=4.0, mew=1.0, alpha=trace.opacity, color=colour, label=label,
            rasterized=len(x) > 600,
        )  # fmt: skip
    else:
        axes.plot(
            x, y, color=colour, ls=DASHES[trace.dash], lw=trace.width, alpha=trace.opacity,
            drawstyle="steps-post" if trace.style == "steps" else "default", label=label,
        )  # fmt: skip
