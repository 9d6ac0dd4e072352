"""The plots of a report as figures for a paper: PDF and SVG in two widths, and their data as CSV.

The widths fit one and two columns of the journals of chemistry and physics, so that a figure is
put in at its own size and its letters have 7 points there.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from aofl.report.figures.plot import Plot, Trace
from aofl.report.figures.static import PAGE, STYLE, pdf, svg

WIDTHS_MM = {"single": 83.0, "double": 171.0}
POINTS = 7.0  # of letters
HEAD = ("panel", "curve", "x", "y", "base", "what")  # of the data; x is called as its axis is
_SCALE = POINTS / STYLE["font.size"]
_STYLE = STYLE | {
    "font.size": POINTS,
    "axes.titlesize": POINTS,
    "legend.fontsize": POINTS - 1,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.grid": False,
    "legend.handlelength": 1.4,
    "legend.columnspacing": 1.2,
}
LAYOUTS = {
    name: replace(
        PAGE,
        width_inches=millimetres / 25.4,
        scale=_SCALE,
        most_columns=3 if name == "double" else 1,
        legend_columns=4 if name == "double" else 2,
        are_titles_beside=True,
        style=_STYLE,
    )
    for name, millimetres in WIDTHS_MM.items()
}


def paper_figures(plot: Plot) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a plot: names such as `error.single.pdf`, and what they hold."""
    for width, layout in LAYOUTS.items():
        yield f"{plot.name}.{width}.pdf", pdf(plot, layout)
        yield f"{plot.name}.{width}.svg", svg(plot, layout).encode()
    yield f"{plot.name}.csv", data_of(plot).encode()


def data_of(plot: Plot) -> str:
    """Return what a plot draws as CSV, a row for each point; gaps are left out."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([plot.x_title or "x" if name == "x" else name for name in HEAD])
    for trace in plot.traces:
        writer.writerows(_rows(plot, trace))
    return text.getvalue()


def _rows(plot: Plot, trace: Trace) -> Iterator[tuple[object, ...]]:
    panel = plot.panels[trace.panel]
    x, y = np.asarray(trace.x, dtype=float).ravel(), np.asarray(trace.y, dtype=float).ravel()
    base = None if trace.base is None else np.broadcast_to(np.asarray(trace.base, float), x.shape)
    for k in np.flatnonzero(np.isfinite(x) | np.isfinite(y)):
        place = panel.rows[int(y[k])] if panel.rows and y[k] == int(y[k]) else _number(y[k])
        said = trace.texts[k] if trace.texts else ""
        yield (
            panel.title, trace.name, _number(x[k]), place,
            "" if base is None else _number(base[k]), said,
        )  # fmt: skip


def _number(value: float) -> str:
    return f"{value:.9g}" if np.isfinite(value) else ""
