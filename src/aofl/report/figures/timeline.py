"""The plot over time that has everything on one axis: molecules, calls of the reference, events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from aofl.analysis.told_reactions import ReactionEvent
from aofl.report.data import Decision, RunData
from aofl.report.figures.plot import (
    BLUE,
    GOLD,
    GREEN,
    GREY,
    ORANGE,
    RED,
    SERIES,
    TEAL,
    VIOLET,
    Dash,
    Panel,
    Plot,
    Trace,
    rows_of_ticks,
    thinned,
    time_scale,
)

RULE_COLOURS = {
    "initial": GREY,
    "uncertainty": ORANGE,
    "audit": TEAL,
    "random audit": GREEN,
    "guard": RED,
    "aimd": BLUE,
    "chemistry": VIOLET,
    "skipped": GREY,
    "rewound": RED,
}
SPARE_COLOURS = (GOLD, VIOLET, RED, BLUE)
DASHES: tuple[Dash, ...] = ("solid", "dash", "dot")  # lines that coincide stay visible

Row = tuple[str, str, Sequence[float], Sequence[str], Sequence[float]]


def timeline(data: RunData) -> Plot:
    """Draw how many molecules were made or used up, how often the reference was asked, and events.

    Panels are there as far as the run has something for them.
    """
    end = _end(data)
    scale = time_scale(np.array([end])) if data.time_unit == "fs" else 1.0
    unit = data.time_unit if scale == 1.0 else "ps"
    panels, traces = list[Panel](), list[Trace]()
    if data.reactions:
        traces += _molecules(data, end, scale)
        panels.append(Panel(title="Change in the number of molecules", is_count=True, weight=2.2))
    if data.decisions:
        traces += _calls(data.decisions, end, scale, len(panels))
        panels.append(Panel(title="Decisions so far", is_count=True, weight=2.2))
    rows = _rows(data, scale)
    if rows:
        traces += rows_of_ticks(rows, len(panels))
        names = tuple(name for name, *_ in rows)
        panels.append(Panel(title="When", rows=names, weight=0.35 + 0.22 * len(rows)))
    return Plot(
        name="timeline",
        panels=tuple(panels),
        traces=tuple(traces),
        x_title=f"time, {unit}",
        height=130 + int(sum(110 * panel.weight for panel in panels)),
    )


def _end(data: RunData) -> float:
    times = [float(t) for t in data.thermo.get("time_fs", ())[-1:]]
    return max([*times, *(d.time_fs for d in data.decisions), *(e.time_fs for e in data.changes)])


def _molecules(data: RunData, end: float, scale: float) -> list[Trace]:
    """Return the numbers relative to the start of the species that changed most."""
    start = float(np.min(data.thermo.get("time_fs", np.zeros(1)), initial=0.0))
    steps: dict[str, list[tuple[float, int]]] = {}
    for event in data.reactions:
        for side, sign in ((event.reactants, -1), (event.products, 1)):
            for name in side:
                steps.setdefault(name, []).append((event.time_fs, sign))
    most = sorted(steps, key=lambda name: -len(steps[name]))[: len(SERIES)]
    made = []
    for k, name in enumerate(most):
        times, signs = zip(*sorted(steps[name]), strict=True)
        totals = np.cumsum([0, *signs])
        x, y = thinned(
            scale * np.array([start, *times, end], dtype=float),
            np.append(totals, totals[-1]).astype(float),
        )
        at_start = data.molecules.get(name)
        label = f"{name} (from {at_start})" if at_start else name
        made.append(
            Trace(
                name=label, x=x, y=y, colour=SERIES[k], style="steps", dash=DASHES[k % 3], width=2.2
            )
        )
    return made


def _calls(decisions: Iterable[Decision], end: float, scale: float, panel: int) -> list[Trace]:
    made = []
    for k, (name, chosen) in enumerate(_by_rule(decisions).items()):
        times = scale * np.array([d.time_fs for d in chosen])
        counts = np.arange(1, len(times) + 1, dtype=float)
        x, y = thinned(np.append(times, scale * end), np.append(counts, counts[-1:]))
        dash: Dash = "dash" if name == "skipped" else "solid"
        made.append(
            Trace(
                name=name, x=x, y=y, colour=_colour(name, k), panel=panel, style="steps", dash=dash
            )
        )
    return made


def _by_rule(decisions: Iterable[Decision]) -> dict[str, list[Decision]]:
    """Collect each rule's labels, then skips and rewinds, in the order of time."""
    names = {"skip": "skipped", "rewind": "rewound"}
    found: dict[str, list[Decision]] = {}
    for d in sorted(decisions, key=lambda d: (d.action != "label", d.time_fs)):
        found.setdefault(names.get(d.action, d.rule or "label").replace("_", " "), []).append(d)
    return found


def _colour(name: str, k: int) -> str:
    return RULE_COLOURS.get(name, SPARE_COLOURS[k % len(SPARE_COLOURS)])


def _rows(data: RunData, scale: float) -> list[Row]:
    """Return the rows of ticks: reactions and bonds first, then decisions."""
    rows = [
        _row("reaction", VIOLET, data.reactions, scale),
        _row("exchange", TEAL, data.exchanges, scale),
    ]
    for change, colour in (("broken", RED), ("formed", GREEN)):
        bonds = [bond for bond in data.bonds if bond.change == change]
        times = [bond.time_fs for bond in bonds]
        said = [f"{'-'.join(b.elements)} {b.atoms[0]}-{b.atoms[1]}" for b in bonds]
        rows.append((f"bond {change}", colour, [scale * t for t in times], said, times))
    for k, (name, chosen) in enumerate(_by_rule(data.decisions).items()):
        times = [d.time_fs for d in chosen]
        x = [scale * t for t in times]
        rows.append((name, _colour(name, k), x, [d.reason for d in chosen], times))
    return [row for row in rows if row[2]]


def _row(name: str, colour: str, events: Sequence[ReactionEvent], scale: float) -> Row:
    times = [event.time_fs for event in events]
    return name, colour, [scale * t for t in times], [event.reaction for event in events], times
