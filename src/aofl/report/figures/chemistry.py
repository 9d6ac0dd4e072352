"""The figure of the chemistry section: molecules made and used up over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from aofl.analysis.told_reactions import ReactionEvent
from aofl.records import FloatArray
from aofl.records.events import BondChanged
from aofl.report.figures.canvas import (
    SERIES,
    Drawing,
    draw,
    legend_below,
)
from aofl.report.figures.timeline import in_time_unit, mark_bonds, time_axis, time_scale

LINE_STYLES = ("-", (0, (5, 2)), (0, (1.5, 1.5)))  # lines that coincide stay visible


def molecules_over_time(
    molecules: Mapping[str, int],
    reactions: Sequence[ReactionEvent],
    bonds: Sequence[BondChanged],
    time_fs: FloatArray,
    unit: str,
) -> Drawing:
    """Draw how many molecules of each kind were made or used up, with the bond events.

    Parameters
    ----------
    molecules
        Their numbers at the start; a kind that is not there had none.
    time_fs
        Of the run; its ends are those of the lines.
    unit
        Of times: fs or frames.
    """
    ends = (float(np.min(time_fs, initial=0.0)), max([*time_fs[-1:], reactions[-1].time_fs]))
    lines = _changes(reactions, ends)
    time, scale = np.array(ends), 1.0
    if unit == "fs":
        scale = time_scale(time)
        time, unit = in_time_unit(time)

    def plot(figure: Figure) -> None:
        axes = figure.subplots()
        mark_bonds((axes,), bonds, scale)
        for k, (name, (times, counts)) in enumerate(lines.items()):
            label = f"{name} (from {molecules[name]})" if name in molecules else name
            axes.plot(
                times * scale, counts, color=SERIES[k], lw=2.0, drawstyle="steps-post",
                ls=LINE_STYLES[k % 3], label=label,
            )  # fmt: skip
        axes.set_title("Change in the number of molecules")
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        legend_below(axes)
        time_axis(axes, time, unit)

    return draw("chemistry", 4.2, plot)


def _changes(
    reactions: Sequence[ReactionEvent], ends: tuple[float, float]
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return times, fs, and numbers relative to the start, of the species that changed most."""
    steps: dict[str, list[tuple[float, int]]] = {}
    for event in reactions:
        for side, sign in ((event.reactants, -1), (event.products, 1)):
            for name in side:
                steps.setdefault(name, []).append((event.time_fs, sign))
    most = sorted(steps, key=lambda name: -len(steps[name]))[: len(SERIES)]
    lines = {}
    for name in most:
        times, signs = zip(*sorted(steps[name]), strict=True)
        totals = np.cumsum([0, *signs])
        lines[name] = (
            np.array([ends[0], *times, ends[1]], dtype=float),
            np.append(totals, totals[-1]).astype(float),
        )
    return lines
