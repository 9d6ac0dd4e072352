"""Draws a plot with matplotlib as SVG or PDF: text stays text, bytes stay the same.

Everything that would differ between two runs of the same input (dates, random ids) is fixed.
"""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from textwrap import fill
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from aofl.report.figures.plot import GREY, INK, Panel, Plot, Trace

WIDTH_INCHES, PX_PER_INCH = 10.6, 92.0
BLACK = "#1c2430"
LONGEST = 28  # letters of a name in a legend
BESIDE = 24  # letters of a title beside its axis, in one line
NAMED = 2.0  # width of the traces of a network whose points have their names above them
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a plot is put on paper.

    Attributes
    ----------
    width_inches
        Of the whole figure.
    scale
        Of lines, marks and the height, against the page of a report.
    most_columns
        Of panels.
    legend_columns
        Of names in a legend.
    are_titles_beside
        Whether titles of panels stand along their y axes, as papers have them, or above.
    style
        Settings of matplotlib.
    """

    width_inches: float = WIDTH_INCHES
    scale: float = 1.0
    most_columns: int = 3
    legend_columns: int = 4
    are_titles_beside: bool = False
    style: Any = field(default_factory=lambda: STYLE)


PAGE = Layout()


def svg(plot: Plot, layout: Layout = PAGE) -> str:
    """Return a plot as an SVG document."""
    buffer = io.StringIO()
    with _settings(plot, layout):
        figure(plot, layout).savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def pdf(plot: Plot, layout: Layout = PAGE) -> bytes:
    """Return a plot as a PDF document, with its fonts inside."""
    buffer = io.BytesIO()
    unstamped = {"CreationDate": None, "Creator": None, "Producer": None}
    with _settings(plot, layout):
        figure(plot, layout).savefig(buffer, format="pdf", metadata=unstamped)
    return buffer.getvalue()


def _settings(plot: Plot, layout: Layout) -> AbstractContextManager[None]:
    return mpl.rc_context({**layout.style, "svg.hashsalt": plot.name, "pdf.fonttype": 42})


def figure(plot: Plot, layout: Layout) -> Figure:
    """Return a plot as a figure of matplotlib."""
    columns = max(1, min(plot.columns, layout.most_columns))
    rows = -(-len(plot.panels) // columns)
    n_stacked = rows if plot.columns > 1 else 1
    height = layout.scale * plot.height * n_stacked / PX_PER_INCH
    made = Figure(figsize=(layout.width_inches, height))
    weights = [panel.weight for panel in plot.panels] if columns == 1 else None
    grid = made.subplots(
        rows, columns, squeeze=False, sharex=plot.shares_x, height_ratios=weights
    ).ravel()
    for k, (axes, panel) in enumerate(zip(grid, plot.panels, strict=False)):
        _draw(axes, panel, [trace for trace in plot.traces if trace.panel == k], layout)
    for tail_and_head in plot.arrows:
        _arrow(grid[0], *tail_and_head, layout.scale)
    for axes in grid[len(plot.panels) :]:
        axes.set_visible(False)
    for axes in grid[: len(plot.panels)] if plot.columns > 1 else grid[-1:]:
        axes.set_xlabel(plot.x_title)
    return made


def _draw(axes: Axes, panel: Panel, traces: list[Trace], layout: Layout) -> None:
    for trace in traces:
        _draw_trace(axes, trace, layout.scale)
        if panel.is_bare and trace.width > NAMED:
            _name_points(axes, trace)
    if layout.are_titles_beside:
        axes.set_ylabel(fill(panel.title, BESIDE))
    else:
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
    if panel.is_bare:
        axes.set_axis_off()
        axes.margins(0.15, 0.2)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        columns = layout.legend_columns
        at = (1, 1)
        axes.legend(
            handles, labels, ncols=columns, loc="lower right", bbox_to_anchor=at, borderpad=0.5
        )


def _name_points(axes: Axes, trace: Trace) -> None:
    """Write the text of each point above it."""
    x, y = np.asarray(trace.x, dtype=float), np.asarray(trace.y, dtype=float)
    for at, text in zip(zip(x, y, strict=True), trace.texts, strict=True):
        axes.annotate(
            shortened(text), at, xytext=(0, 4), textcoords="offset points", ha="center", va="bottom"
        )


def _arrow(axes: Axes, x0: float, y0: float, x1: float, y1: float, scale: float) -> None:
    axes.annotate(
        "", (x1, y1), (x0, y0),
        arrowprops={
            "arrowstyle": "->", "color": GREY, "lw": 1.1 * scale,
            "shrinkA": 7 * scale, "shrinkB": 7 * scale,
        },
    )  # fmt: skip


def shortened(name: str) -> str:
    """Return a name as far as there is room for it."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}\u2026"


def _draw_trace(axes: Axes, trace: Trace, scale: float) -> None:
    x, y = np.asarray(trace.x, dtype=float), np.asarray(trace.y, dtype=float)
    colour = BLACK if trace.colour == INK else trace.colour
    label = shortened(trace.name) if trace.in_legend else None
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
            x, y, marker, ms=4.0 * scale, mew=scale, alpha=trace.opacity, color=colour, label=label,
            rasterized=len(x) > 600,
        )  # fmt: skip
    else:
        axes.plot(
            x, y, color=colour, ls=DASHES[trace.dash], lw=scale * trace.width, alpha=trace.opacity,
            drawstyle="steps-post" if trace.style == "steps" else "default", label=label,
        )  # fmt: skip
