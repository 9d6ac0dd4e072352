"""The figures of the report: plain functions from arrays and records to drawings.

Times come in fs and are shown in fs or ps, whichever reads better; forces come in eV/Å and are
shown in meV/Å.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from aofl.records import FloatArray
from aofl.records.events import BondChanged
from aofl.report.data import Audit, Decision
from aofl.report.figures.canvas import (
    BLUE,
    GOLD,
    GREEN,
    GREY,
    INK,
    ORANGE,
    RED,
    TEAL,
    VIOLET,
    Drawing,
    draw,
    legend_above,
    smoothed,
    thinned,
)
from aofl.report.figures.timeline import in_time_unit, mark_bonds, time_axis, time_scale

RULE_COLOURS = {
    "initial": GREY,
    "uncertainty": ORANGE,
    "audit": TEAL,
    "random_audit": GREEN,
    "guard": RED,
    "aimd": BLUE,
    "chemistry": VIOLET,
}
SPARE_COLOURS = (GOLD, VIOLET, RED, BLUE)
PARTS = {
    "reference": ORANGE,
    "force_field": BLUE,
    "uncertainty": TEAL,
    "update": VIOLET,
    "chemistry": GREEN,
    "other": GREY,
}


def energy_and_temperature(thermo: Mapping[str, FloatArray], target_K: float | None) -> Drawing:
    """Potential, corrected and total energy relative to the start, and temperature."""
    time, unit = in_time_unit(thermo["time_fs"])
    energy = thermo["potential_eV"] - thermo["potential_eV"][0]
    corrected = energy - thermo["energy_shift_eV"]
    conserved = corrected + thermo["kinetic_eV"] - thermo["kinetic_eV"][0]

    def plot(figure: Figure) -> None:
        top, bottom = figure.subplots(2, 1, sharex=True)
        _curve(top, time, energy, BLUE, "potential")
        if np.isfinite(corrected).any():
            _curve(top, time, corrected, TEAL, "potential, corrected")
            _curve(top, time, conserved, VIOLET, "with kinetic, corrected")
            legend_above(top)
        top.set_title("Energy relative to the start, eV")
        _curve(bottom, time, thermo["temperature_K"], ORANGE)
        bottom.set_title("Temperature, K")
        if target_K is not None:
            bottom.axhline(target_K, color=INK, lw=0.9, ls=(0, (4, 3)), label="target")
            legend_above(bottom)
        time_axis(bottom, time, unit)

    return draw("energy", 5.0, plot)


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
        _curve(axes, time, estimate, BLUE, "calibrated estimate")
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


def calls_over_time(
    decisions: Sequence[Decision], bonds: Sequence[BondChanged], last_time_fs: float
) -> Drawing:
    """Cumulative reference calls by rule and skips, over a rug of when each one happened."""
    ends = np.array([0.0, max([last_time_fs, *(d.time_fs for d in decisions)])])
    (time, unit), scale = in_time_unit(ends), time_scale(ends)
    rows = _rows(decisions, scale)

    def plot(figure: Figure) -> None:
        figure.set_size_inches(figure.get_figwidth(), 3.6 + 0.3 * len(rows))
        top, rug = figure.subplots(2, 1, sharex=True, height_ratios=[2.6, 0.28 * (len(rows) + 1)])
        for row, ((name, times), colour) in enumerate(
            zip(rows.items(), _colours(rows), strict=True)
        ):
            counts = np.arange(1, len(times) + 1)
            style = (0, (3, 2)) if name == "skipped" else "-"
            steps = (np.append(times, time[-1]), np.append(counts, counts[-1]))
            top.plot(*thinned(*steps), color=colour, ls=style, drawstyle="steps-post")
            ticks = _ticks(times, time[-1])
            rug.plot(ticks, np.full(len(ticks), row), "|", ms=10, mew=1.2, color=colour)
        rug.set_yticks(range(len(rows)), list(rows))
        rug.set_ylim(len(rows) - 0.4, -0.6)
        rug.grid(visible=False)
        rug.spines["left"].set_visible(False)
        mark_bonds((top, rug), bonds, scale)
        top.set_title("Count so far")
        top.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        legend_above(top)
        time_axis(rug, time, unit)

    return draw("calls", 4.6, plot)


def parity(audits: Sequence[Audit], elements: Sequence[str]) -> Drawing:
    """Predicted against reference force components of the audit frames, a panel per element."""
    panels = {e: _components(audits, e) for e in elements}

    def plot(figure: Figure) -> None:
        columns = 1 if figure.get_figwidth() < 6 and len(panels) == 1 else min(len(panels), 3)
        columns = min(columns, 2) if figure.get_figwidth() < 6 else columns
        n_rows = -(-len(panels) // columns)
        width = min(figure.get_figwidth(), 3.55 * columns)
        figure.set_size_inches(figure.get_figwidth(), n_rows * (width / columns + 0.35))
        grid = figure.subplots(n_rows, columns, squeeze=False).ravel()
        for axes, (element, (predicted, reference)) in zip(grid, panels.items(), strict=False):
            reach = 1.08 * max(np.abs(predicted).max(), np.abs(reference).max(), 1e-3)
            axes.plot([-reach, reach], [-reach, reach], color=INK, lw=0.8)
            # many points as one picture: an SVG path for each would weigh megabytes
            axes.plot(
                reference, predicted, ".", ms=5.5, alpha=0.5, mew=0, color=BLUE,
                rasterized=len(reference) > 600,
            )  # fmt: skip
            axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=element)
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.yaxis.set_major_locator(MaxNLocator(4))
            axes.set_xlabel("reference, eV/Å")
        grid[0].set_ylabel("predicted, eV/Å")
        for axes in grid[len(panels) :]:
            axes.set_visible(False)

    return draw("parity", 3.8, plot)


def cost(wall_s: Mapping[str, float], aimd_s: float | None) -> Drawing:
    """Where the wall time of the run went, and all of it beside what AIMD would take."""
    own = sum(wall_s.values())

    def plot(figure: Figure) -> None:
        split, totals = figure.subplots(2, 1, height_ratios=[1, 2 if aimd_s else 1])
        left = 0.0
        for part, seconds in wall_s.items():
            share = 100 * seconds / own
            label = f"{part.replace('_', ' ')} {share:.0f} %"
            split.barh(0, share, left=left, color=PARTS[part], label=label)
            left += share
        split.set(xlim=(0, 100), yticks=[], xticks=[])
        legend_above(split)  # takes the whole width: no title beside it
        bars = {"this run": own} | ({"AIMD (est.)": aimd_s} if aimd_s else {})
        drawn = totals.barh(list(bars), list(bars.values()), 0.62, color=[BLUE, GREY][: len(bars)])
        totals.bar_label(drawn, [duration(seconds) for seconds in bars.values()], padding=5)
        totals.set(xlim=(0, 1.18 * max(bars.values())), xticks=[], title="Wall time")
        totals.invert_yaxis()
        for axes in (split, totals):
            axes.grid(visible=False)
            axes.spines[:].set_visible(False)

    return draw("cost", 2.9, plot)


def duration(seconds: float) -> str:
    """Write a time span with the unit that suits it."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _curve(axes: Axes, x: FloatArray, y: FloatArray, colour: str, label: str = "") -> None:
    """Draw a faint curve with its running mean on top; points without a value are left out."""
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    if not len(y):
        return
    axes.plot(*thinned(x, y), color=colour, lw=0.7, alpha=0.45)
    axes.plot(*thinned(*smoothed(x, y)), color=colour, lw=2.0, label=label)
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _rows(decisions: Iterable[Decision], scale: float) -> dict[str, FloatArray]:
    """Collect the times of each rule's labels, then of skips and rewinds, in the unit shown."""
    names = {"skip": "skipped", "rewind": "rewound"}
    times: dict[str, list[float]] = {}
    for d in sorted(decisions, key=lambda d: d.action != "label"):
        times.setdefault(names.get(d.action, d.rule or "label"), []).append(d.time_fs * scale)
    return {name.replace("_", " "): np.sort(values) for name, values in times.items()}


def _colours(rows: Mapping[str, FloatArray]) -> list[str]:
    known = {**RULE_COLOURS, "skipped": GREY, "rewound": RED, "random audit": GREEN}
    return [known.get(name, SPARE_COLOURS[k % 4]) for k, name in enumerate(rows)]


def _ticks(times: FloatArray, end: float) -> FloatArray:
    """Rug positions, no closer than can be seen: at most a thousand across the page."""
    step = end / 1000 or 1.0
    ticks: FloatArray = np.unique(np.round(times / step)) * step
    return ticks


def _components(audits: Sequence[Audit], element: str) -> tuple[FloatArray, FloatArray]:
    """All force components on one element, predicted and reference, each shape (n,)."""
    pairs = [
        (predicted[mask].ravel(), reference[mask].ravel())
        for predicted, reference, symbols in audits
        for mask in [np.array(symbols) == element]
    ]
    predicted, reference = zip(*pairs, strict=True)
    return np.concatenate(predicted), np.concatenate(reference)
