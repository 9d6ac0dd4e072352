"""What a plot shows, apart from how it is drawn: curves, points and bars in panels.

A page draws it with Plotly (`assets/plots.js`), files of pictures with matplotlib (`static.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from aofl.records import FloatArray

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
INK = "ink"  # the colour of the text, which the page decides

Style = Literal["line", "steps", "points", "ticks", "bars", "bars across"]
Dash = Literal["solid", "dash", "dot"]

STRETCHES = 1000  # of a long curve, of each of which two points are kept
MOST_POINTS, MOST_TICKS = 4000, 1500  # of one cloud, of one row
DIGITS = 6
THINNING = (
    f"Curves of more than {4 * STRETCHES} points are drawn by the lowest and the highest point of "
    f"each of {STRETCHES} stretches; of more than {MOST_POINTS} points of a cloud, or {MOST_TICKS} "
    "ticks of a row, as many are picked evenly. The CSV of a plot holds what is drawn"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One curve, cloud or row of bars.

    Attributes
    ----------
    x, y
        Shape (n,); NaN where there is a gap. Bars stand at `x` and reach from `base` by `y`; bars
        across stand at `y` and reach from `base` by `x`.
    panel
        Index of the panel.
    texts
        What is said of each point under the pointer; none of any.
    times
        The time of the trajectory that each point leads to; none of any.
    in_legend
        False for what the legend tells of already.
    """

    name: str
    x: ArrayLike
    y: ArrayLike
    colour: str
    panel: int = 0
    style: Style = "line"
    dash: Dash = "solid"
    width: float = 1.6
    opacity: float = 1.0
    base: ArrayLike | None = None
    texts: tuple[str, ...] = ()
    times: tuple[float, ...] = ()
    in_legend: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One pair of axes.

    Attributes
    ----------
    rows
        Names of the rows at y = 0, 1, ..., from the top down, instead of numbers.
    weight
        Of its height.
    is_square
        Both axes have one scale.
    is_bare
        Without axes.
    """

    title: str = ""
    rows: tuple[str, ...] = ()
    weight: float = 1.0
    is_log: bool = False
    is_count: bool = False
    is_square: bool = False
    is_bare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot: its panels in the order of reading, the x axis, and what is drawn.

    Attributes
    ----------
    name
        Unique in the page, and the name of its files.
    columns
        Of panels; a phone shows one.
    shares_x
        Whether the panels have one x axis.
    arrows
        (x, y) of the tail and of the head, in the first panel.
    height
        px, of all panels in one column.
    """

    name: str
    panels: tuple[Panel, ...]
    traces: tuple[Trace, ...]
    x_title: str = ""
    columns: int = 1
    shares_x: bool = True
    arrows: tuple[tuple[float, float, float, float], ...] = ()
    height: int = 360

    def to_plain(self) -> dict[str, Any]:
        """Return the plot as plain data for `plots.js`."""
        return {
            "name": self.name,
            "x_title": self.x_title,
            "columns": self.columns,
            "shares_x": self.shares_x,
            "height": self.height,
            "arrows": [_plain(arrow) for arrow in self.arrows],
            "panels": [
                {
                    "title": panel.title, "rows": list(panel.rows), "weight": panel.weight,
                    "log": panel.is_log, "count": panel.is_count, "square": panel.is_square,
                    "bare": panel.is_bare,
                }
                for panel in self.panels
            ],
            "traces": [_plain_trace(trace) for trace in self.traces],
        }  # fmt: skip


def _plain_trace(trace: Trace) -> dict[str, Any]:
    return {
        "name": trace.name,
        "x": _plain(trace.x),
        "y": _plain(trace.y),
        "colour": trace.colour,
        "panel": trace.panel,
        "style": trace.style,
        "dash": trace.dash,
        "width": trace.width,
        "opacity": trace.opacity,
        "base": None if trace.base is None else _plain(trace.base),
        "texts": list(trace.texts),
        "times": _plain(trace.times),
        "legend": trace.in_legend,
    }


def _plain(values: ArrayLike) -> list[float | None]:
    """Return numbers with `DIGITS` digits, None where there is none."""
    array = np.asarray(values, dtype=float)
    return [float(f"{x:.{DIGITS}g}") if np.isfinite(x) else None for x in array.ravel()]


def thinned(x: FloatArray, y: FloatArray, n_bins: int = STRETCHES) -> tuple[FloatArray, FloatArray]:
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


def picked(n: int, most: int = MOST_POINTS) -> FloatArray:
    """Return the indices of at most `most` of `n` points, spread evenly."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(int)) if n else np.empty(0, int)


def smoothed(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Average a curve over a running window of a fortieth of its length."""
    window = max(1, len(y) // 40)
    kernel = np.full(window, 1.0 / window)
    return np.convolve(x, kernel, "valid"), np.convolve(y, kernel, "valid")


def curve(
    name: str, x: FloatArray, y: FloatArray, colour: str, panel: int = 0
) -> tuple[Trace, ...]:
    """Return a faint curve, and its running mean under the name; none where nothing has a value."""
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    if not len(y):
        return ()
    (thin_x, thin_y), (mean_x, mean_y) = thinned(x, y), thinned(*smoothed(x, y))
    return (
        Trace(
            name=f"{name}, each step",
            x=thin_x,
            y=thin_y,
            colour=colour,
            panel=panel,
            width=0.8,
            opacity=0.45,
            in_legend=False,
        ),
        Trace(name=name, x=mean_x, y=mean_y, colour=colour, panel=panel, width=2.2),
    )


def time_scale(time_fs: FloatArray) -> float:
    """Return the factor from fs to the unit shown: ps from 1 ps on."""
    return 1e-3 if len(time_fs) and time_fs[-1] >= 1000 else 1.0


def in_time_unit(time_fs: FloatArray) -> tuple[FloatArray, str]:
    """Return times in the unit shown, and the unit."""
    scale = time_scale(time_fs)
    return time_fs * scale, "fs" if scale == 1.0 else "ps"


def rows_of_ticks(
    rows: Sequence[tuple[str, str, Sequence[float], Sequence[str], Sequence[float]]], panel: int
) -> tuple[Trace, ...]:
    """Return a row of ticks for each (name, colour, x, texts, times); many are picked evenly."""
    made = []
    for k, (name, colour, x, texts, times) in enumerate(rows):
        chosen = picked(len(x), MOST_TICKS).astype(int).tolist()
        made.append(
            Trace(
                name=name, x=[x[i] for i in chosen], y=[k] * len(chosen), colour=colour,
                panel=panel, style="ticks", in_legend=False,
                texts=tuple(texts[i] for i in chosen) if texts else (),
                times=tuple(times[i] for i in chosen) if times else (),
            )
        )  # fmt: skip
    return tuple(made)
