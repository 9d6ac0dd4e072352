"""What figures over time share: the unit of the axis, a curve, marks where bonds changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from aofl.records import FloatArray
from aofl.records.events import BondChanged
from aofl.report.figures.canvas import GREEN, RED, smoothed, thinned


def time_scale(time_fs: FloatArray) -> float:
    """Return the factor from fs to the unit shown: ps from 1 ps on."""
    return 1e-3 if len(time_fs) and time_fs[-1] >= 1000 else 1.0


def in_time_unit(time_fs: FloatArray) -> tuple[FloatArray, str]:
    """Return times in the unit shown, and the unit."""
    scale = time_scale(time_fs)
    return time_fs * scale, "fs" if scale == 1.0 else "ps"


def time_axis(axes: Axes, time: FloatArray, unit: str) -> None:
    """Label the time axis and end it with the data."""
    axes.set_xlabel(f"time, {unit}")
    if len(time) and time[-1] > time[0]:
        axes.set_xlim(time[0], time[-1] + 0.005 * (time[-1] - time[0]))


def mark_bonds(panels: Sequence[Axes], bonds: Sequence[BondChanged], scale: float) -> None:
    """Draw a line at each time at which a bond broke or formed."""
    for change, colour, style in (("broken", RED, "-"), ("formed", GREEN, (0, (2, 2)))):
        times = np.unique([b.time_fs * scale for b in bonds if b.change == change])
        for axes in panels:
            for k, time in enumerate(times):
                label = f"bond {change}" if k == 0 else None
                axes.axvline(time, color=colour, ls=style, lw=1.0, alpha=0.8, label=label)


def curve(axes: Axes, x: FloatArray, y: FloatArray, colour: str, label: str = "") -> None:
    """Draw a faint curve with its running mean on top; points without a value are left out."""
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    if not len(y):
        return
    axes.plot(*thinned(x, y), color=colour, lw=0.7, alpha=0.45)
    axes.plot(*thinned(*smoothed(x, y)), color=colour, lw=2.0, label=label)
    axes.yaxis.set_major_locator(MaxNLocator(5))
