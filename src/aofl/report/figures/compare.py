"""The plots of a comparison: one line or bar for each run."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np

from aofl.analysis.findings import Survey
from aofl.analysis.structure import RadialDistribution, radial_distributions
from aofl.report.data import RunData
from aofl.report.figures.plot import SERIES, Panel, Plot, Trace, thinned, time_scale
from aofl.report.near_reactions import WINDOW_FS

MOST_SPECIES, MOST_PAIRS = 8, 6
CLOSE = 4.0  # Å
REACH = 0.5, 6.0  # Å


def labels_over_time(runs: Mapping[str, RunData]) -> Plot:
    """Draw the labels so far of each run, over bars where its reactions were."""
    ends = [float(r.thermo["time_fs"][-1]) for r in runs.values() if len(r.thermo["time_fs"])]
    scale = time_scale(np.array([max(ends, default=1.0)]))
    traces = []
    for k, ((name, run), colour) in enumerate(zip(runs.items(), cycle(SERIES), strict=False)):
        times = np.sort([d.time_fs for d in run.decisions if d.action == "label"])
        stops = np.append(times, run.thermo["time_fs"][-1:]) * scale
        counts = np.append(np.arange(1, len(times) + 1), [len(times)] * (len(stops) > 0))
        x, y = thinned(stops, counts[: len(stops)].astype(float))
        traces.append(Trace(name=name, x=x, y=y, colour=colour, style="steps"))
        spans = [
            (max(0.0, e.began_fs - WINDOW_FS), e.time_fs + WINDOW_FS, np.nan) for e in run.reactions
        ]
        near = scale * np.array(spans).ravel()
        traces.append(
            Trace(
                name=name, x=near, y=np.full(len(near), k), colour=colour, panel=1, width=9.0,
                opacity=0.45, in_legend=False, texts=(f"{name}: a reaction is near",) * len(near),
            )
        )  # fmt: skip
    return Plot(
        name="compare-labels",
        panels=(
            Panel(title="Labels so far", is_log=True, weight=3.0),
            Panel(title="A reaction is near", rows=tuple(runs), weight=0.4 + 0.2 * len(runs)),
        ),
        traces=tuple(traces),
        x_title=f"time, {'fs' if scale == 1.0 else 'ps'}",
        height=400 + 24 * len(runs),
    )


def species_over_time(surveys: Mapping[str, Survey]) -> Plot:
    """Draw the number of each molecule that changes, a panel for each and a line for each run."""
    names = _changing(surveys)
    traces = []
    for k, name in enumerate(names):
        for (run, found), colour in zip(surveys.items(), cycle(SERIES), strict=False):
            times = np.array([frame.time for frame in found.frames], dtype=float)
            counts = np.array([frame.species.get(name, 0) for frame in found.frames], dtype=float)
            x, y = thinned(times, counts)
            traces.append(
                Trace(name=run, x=x, y=y, colour=colour, panel=k, style="steps", in_legend=k == 0)
            )
    return Plot(
        name="compare-species",
        panels=tuple(Panel(title=name, is_count=True) for name in names),
        traces=tuple(traces),
        x_title="time, fs",
        columns=2,
        height=230,
    )


def radial(surveys: Mapping[str, Survey]) -> Plot:
    """Draw the radial distribution functions of the most frequent close pairs of elements."""
    curves = {run: radial_distributions(found.radial) for run, found in surveys.items()}
    pairs = close_pairs(next(iter(curves.values())))
    traces = []
    for k, pair in enumerate(pairs):
        for (run, found), colour in zip(curves.items(), cycle(SERIES), strict=False):
            if pair in found:
                r = found[pair].r
                inside = (r >= REACH[0]) & (r <= REACH[1])
                x, y = r[inside], found[pair].g[inside]
                traces.append(Trace(name=run, x=x, y=y, colour=colour, panel=k, in_legend=k == 0))
    return Plot(
        name="compare-radial",
        panels=tuple(Panel(title=f"g(r) of {'-'.join(pair)}") for pair in pairs),
        traces=tuple(traces),
        x_title="distance, Å",
        columns=2,
        height=230,
    )


def _changing(surveys: Mapping[str, Survey]) -> list[str]:
    """Return the molecules whose number changes most in any run."""
    ranges: dict[str, int] = {}
    for found in surveys.values():
        for name in {name for frame in found.frames for name in frame.species}:
            counts = [frame.species.get(name, 0) for frame in found.frames]
            ranges[name] = max(ranges.get(name, 0), max(counts) - min(counts))
    most = sorted((name for name in ranges if ranges[name]), key=lambda name: -ranges[name])
    return most[:MOST_SPECIES]


def close_pairs(
    curves: Mapping[tuple[str, str], RadialDistribution],
) -> list[tuple[str, str]]:
    """Return the pairs of elements with most neighbours within `CLOSE`."""
    counts = {
        pair: float(np.interp(CLOSE, curve.r, curve.n_second)) for pair, curve in curves.items()
    }
    return sorted(counts, key=lambda pair: -counts[pair])[:MOST_PAIRS]
