"""The figures of a comparison: one line or bar for each run."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from aofl.analysis.findings import Survey
from aofl.analysis.structure import RadialDistribution, radial_distributions
from aofl.report.data import RunData
from aofl.report.figures.canvas import (
    SERIES,
    Drawing,
    draw,
    is_phone,
    legend_above,
)
from aofl.report.figures.cost import PARTS
from aofl.report.figures.timeline import in_time_unit, time_axis, time_scale
from aofl.report.near_reactions import WINDOW_FS

MOST_SPECIES, MOST_PAIRS = 8, 6
CLOSE = 4.0  # Å


def labels_over_time(runs: Mapping[str, RunData]) -> Drawing:
    """Draw the labels so far of each run, over bands where its reactions were."""
    end = max((float(r.thermo["time_fs"][-1]) for r in runs.values() if len(r.thermo["time_fs"])),
              default=1.0)  # fmt: skip
    (time, unit), scale = in_time_unit(np.array([0.0, end])), time_scale(np.array([0.0, end]))

    def plot(figure: Figure) -> None:
        axes = figure.subplots()
        for (name, run), colour in zip(runs.items(), cycle(SERIES), strict=False):
            times = np.sort([d.time_fs for d in run.decisions if d.action == "label"])
            stops = np.append(times, run.thermo["time_fs"][-1:]) * scale
            counts = np.append(np.arange(1, len(times) + 1), [len(times)] * (len(stops) > 0))
            axes.plot(stops, counts[: len(stops)], color=colour, drawstyle="steps-post", label=name)
            for event in run.reactions:
                span = (event.began_fs - WINDOW_FS, event.time_fs + WINDOW_FS)
                axes.axvspan(max(0, span[0] * scale), span[1] * scale, color=colour, alpha=0.05)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_title("Labels so far")
        legend_above(axes)
        time_axis(axes, time, unit)

    return draw("compare-labels", 3.8, plot)


def wall_times(wall_s: Mapping[str, Mapping[str, float]]) -> Drawing:
    """Draw the wall time of each run as a bar of its parts."""

    def plot(figure: Figure) -> None:
        axes = figure.subplots()
        left = np.zeros(len(wall_s))
        for part, colour in PARTS.items():
            seconds = np.array([wall.get(part, 0.0) for wall in wall_s.values()])
            axes.barh(list(wall_s), seconds, left=left, color=colour, label=part.replace("_", " "))
            left += seconds
        axes.invert_yaxis()
        axes.set_title("Wall time, s")
        axes.grid(visible=False)
        legend_above(axes)

    return draw("compare-wall", 1.2 + 0.45 * len(wall_s), plot)


def species_over_time(surveys: Mapping[str, Survey]) -> Drawing:
    """Draw the number of each molecule that changes, a panel for each and a line for each run."""
    names = _changing(surveys)

    def plot(figure: Figure) -> None:
        if not names:
            figure.text(0.5, 0.5, "no molecule changed in any run", ha="center")
            return
        columns = 2 if is_phone(figure) else 4
        rows = -(-len(names) // columns)
        figure.set_size_inches(figure.get_figwidth(), 2.0 * rows + 0.5)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
        for axes, name in zip(grid, names, strict=False):
            for (run, found), colour in zip(surveys.items(), cycle(SERIES), strict=False):
                times = [frame.time for frame in found.frames]
                counts = [frame.species.get(name, 0) for frame in found.frames]
                axes.plot(times, counts, color=colour, lw=1.2, label=run)
            axes.set_title(name)
            axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        for axes in grid[len(names) :]:
            axes.set_visible(False)
        figure.supxlabel("time, fs", fontsize=11)
        figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper left", ncols=columns)

    return draw("compare-species", 3.0, plot)


def radial(surveys: Mapping[str, Survey]) -> Drawing:
    """Draw the radial distribution functions of the most frequent close pairs of elements."""
    curves = {run: radial_distributions(found.radial) for run, found in surveys.items()}
    pairs = _close_pairs(next(iter(curves.values())))

    def plot(figure: Figure) -> None:
        columns = 2 if is_phone(figure) else 3
        rows = -(-len(pairs) // columns)
        figure.set_size_inches(figure.get_figwidth(), 2.3 * rows + 0.5)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, pair in zip(grid, pairs, strict=False):
            for (run, found), colour in zip(curves.items(), cycle(SERIES), strict=False):
                if pair in found:
                    axes.plot(found[pair].r, found[pair].g, color=colour, lw=1.2, label=run)
            axes.set_title("-".join(pair))
            axes.set_xlim(0.5, 6.0)
        for axes in grid[len(pairs) :]:
            axes.set_visible(False)
        figure.supxlabel("distance, Å", fontsize=11)
        figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper left", ncols=columns)

    return draw("compare-radial", 5.0, plot)


def _changing(surveys: Mapping[str, Survey]) -> list[str]:
    """Return the molecules whose number changes most in any run."""
    ranges: dict[str, int] = {}
    for found in surveys.values():
        for name in {name for frame in found.frames for name in frame.species}:
            counts = [frame.species.get(name, 0) for frame in found.frames]
            ranges[name] = max(ranges.get(name, 0), max(counts) - min(counts))
    most = sorted((name for name in ranges if ranges[name]), key=lambda name: -ranges[name])
    return most[:MOST_SPECIES]


def _close_pairs(
    curves: Mapping[tuple[str, str], RadialDistribution],
) -> list[tuple[str, str]]:
    """Return the pairs of elements with most neighbours within `CLOSE`."""
    counts = {
        pair: float(np.interp(CLOSE, curve.r, curve.n_second)) for pair, curve in curves.items()
    }
    return sorted(counts, key=lambda pair: -counts[pair])[:MOST_PAIRS]
