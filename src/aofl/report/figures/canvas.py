"""How a figure becomes SVG that sits in the page: style, two widths, stable and self-contained.

Text and axes are drawn in one marked colour that is then replaced by `currentColor`, so the page
decides on light and dark. Text stays text, in the page's own font. Everything that would differ
between two runs of the same input (dates, random ids) is fixed or taken out.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from aofl.records import FloatArray

INK = "#010203"
BLUE, ORANGE, TEAL, RED, VIOLET, GREY, GREEN, GOLD = (
    "#3f83d8",
    "#e0782f",
    "#1f9e8f",
    "#d9484f",
    "#9168d0",
    "#8794a3",
    "#3f9f5f",
    "#c99a1e",
)
SERIES = (BLUE, ORANGE, TEAL, VIOLET, GOLD, RED, GREEN, GREY)  # of lines that are told apart
LONGEST = 28  # letters of a name in a legend
WIDE_INCHES, NARROW_INCHES = 10.6, 5.2

# typed loosely: matplotlib from 3.11 on wants each key as a literal, earlier ones a plain dict
STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # names come from files: a `$` in one is just a `$`
    "font.size": 11.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlepad": 9,
    "axes.facecolor": "none",
    "axes.formatter.useoffset": False,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 10.5,
    "legend.handlelength": 1.4,
    "legend.columnspacing": 1.4,
    "legend.borderaxespad": 0.0,
    "lines.linewidth": 1.5,
    "lines.solid_joinstyle": "round",
    "path.simplify": True,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One figure as SVG text, drawn for a wide page and again for a phone."""

    wide: str
    narrow: str


def draw(name: str, height_inches: float, plot: Callable[[Figure], None]) -> Drawing:
    """Draw a figure at both widths.

    Parameters
    ----------
    name
        Unique in the page; the ids inside the SVG are derived from it.
    height_inches
        Height at both widths; `plot` may set another.
    plot
        Fills an empty figure.
    """
    return Drawing(
        wide=_svg(f"{name}-wide", (WIDE_INCHES, height_inches), plot),
        narrow=_svg(f"{name}-narrow", (NARROW_INCHES, height_inches), plot),
    )


def thinned(x: FloatArray, y: FloatArray, n_bins: int = 450) -> tuple[FloatArray, FloatArray]:
    """Keep the lowest and the highest point of each of `n_bins` stretches of a long curve.

    No peak is lost, and the curve looks the same at the width of a page. Points without a value
    are left out.
    """
    known = np.isfinite(y)
    x, y = x[known], y[known]
    if len(x) <= 4 * n_bins:
        return x, y
    stretches = np.array_split(np.arange(len(x)), n_bins)
    keep = np.unique([part[k] for part in stretches for k in (y[part].argmin(), y[part].argmax())])
    return x[keep], y[keep]


def smoothed(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Average a curve over a running window of a fortieth of its length."""
    window = max(1, len(y) // 40)
    kernel = np.full(window, 1.0 / window)
    return np.convolve(x, kernel, "valid"), np.convolve(y, kernel, "valid")


def legend_above(axes: Axes) -> None:
    """Put the legend over the axes, out of the way of the data: beside the title, or below it."""
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    if is_phone(axes.figure):
        axes.legend(
            handles, labels, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderpad=0.5
        )
        axes.set_title(axes.get_title("left"), pad=12 + 17 * -(-len(handles) // 2))
    else:
        at, n = (1, 1), len(handles)
        axes.legend(handles, labels, ncols=n, loc="lower right", bbox_to_anchor=at, borderpad=0.5)


def legend_below(axes: Axes) -> None:
    """Put the legend under the axes and their label, for names that are long."""
    columns = 2 if is_phone(axes.figure) else 4
    handles, labels = axes.get_legend_handles_labels()
    labels = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}\u2026" for name in labels]
    axes.legend(
        handles, labels, loc="upper left", bbox_to_anchor=(0, -0.2), ncols=columns, borderpad=0.0
    )


def is_phone(figure: Figure | SubFigure) -> bool:
    """Tell whether a figure is the narrow one of the two."""
    return bool(figure.get_figure(root=True).get_figwidth() < WIDE_INCHES)


def _svg(name: str, size: tuple[float, float], plot: Callable[[Figure], None]) -> str:
    with mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=size)
        plot(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _embedded(buffer.getvalue())


def _embedded(document: str) -> str:
    """Cut an SVG document down to the element: scalable, without metadata and group ids."""
    svg = document[document.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r'(<svg [^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg [^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r"\n\s*", "\n", svg)
    return svg.replace(INK, "currentColor").strip()
