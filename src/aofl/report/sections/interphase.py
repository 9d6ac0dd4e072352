"""The interphase: what solids there are, how it grows, and what lies where along the normal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from aofl.analysis.findings import Survey
from aofl.analysis.sei import METAL_CLASSES
from aofl.analysis.windows import Window
from aofl.records import FloatArray
from aofl.report.data import RunData
from aofl.report.figures.plot import (
    BLUE,
    GOLD,
    GREEN,
    GREY,
    INK,
    ORANGE,
    RED,
    TEAL,
    VIOLET,
    Panel,
    Plot,
    Trace,
    thinned,
)
from aofl.report.numbers import moment
from aofl.report.page import Illustration, Section, Table
from aofl.report.results import consumed, taken

COLOURS = (ORANGE, BLUE, GREEN, VIOLET, RED, TEAL, GOLD)
METAL_COLOURS = dict(zip(METAL_CLASSES, (GREY, GOLD, ORANGE, TEAL), strict=True))
MOST_PARTS, OTHERS = 6, "all others"


def interphase(data: RunData) -> Section | None:
    """Section 9: the interphase; None where no frame was looked at or no metal reacted."""
    found = data.course.survey if data.course is not None else None
    if found is None or not has_interphase(found):
        return None
    figures = [
        Illustration(
            drawing=growth(found),
            label="Anions on metal ions, and the metal by class, over time",
            caption="Formula units of solids are coordinated anions that share metal ions; single "
            "ones are no solid yet. Partly oxidised atoms belong to the metal and have lost a "
            "quarter of an electron or more to anions.",
        )
    ]
    if found.layers.closed:
        figures.append(
            Illustration(
                drawing=layers(found),
                label="Parts in layers along the surface normal",
                caption="Mean number of metal atoms, formula units and molecules in each layer, "
                "over the first and the last stretch of the trajectory.",
            )
        )
    return Section(
        id="interphase",
        title="Interphase",
        text=_in_words(found, data.time_unit),
        figures=tuple(figures),
        tables=(*_solids(found, data.time_unit), _metal_and_gas(found)),
    )


def _in_words(found: Survey, unit: str) -> tuple[str, ...]:
    last = found.frames[-1]
    solids = ", ".join(f"{n} {motif}" for motif, n in last.solids.items())
    when = f"at {moment(last.time, unit)}, the last frame looked at"
    said = f"Solids {when}: {solids or 'none'}"
    if last.single:
        said += f"; {last.single} coordinated anion{'s' if last.single > 1 else ''} alone"
    lost = consumed(found)
    gave = f"the metal has given {taken(found, last)} electrons to molecules"
    atoms = f"{lost} atom{'' if lost == 1 else 's'}"
    return (
        f"{said}. Since the first frame {gave} and has lost {atoms}; electrons that a salt brought "
        "along do not count.",
    )


def _solids(found: Survey, unit: str) -> tuple[Table, ...]:
    """Return a table of all solids that ever were, those of the last frame with their sizes."""
    motifs = sorted({motif for frame in found.frames for motif in frame.solids})
    if not motifs:
        return ()
    last, rows = found.frames[-1], []
    for motif in motifs:
        counts = [frame.solids.get(motif, 0) for frame in found.frames]
        first = next(f.time for f, n in zip(found.frames, counts, strict=True) if n)
        present = sum(n > 0 for n in counts) / len(counts)
        sizes = ", ".join(str(n) for n in last.sizes.get(motif, [])) or "\u2013"
        rows.append(
            (motif, f"{first:.0f}", f"{100 * present:.0f} %", max(counts), counts[-1], sizes)
        )
    return (
        Table(
            caption="Solids, in formula units",
            columns=(
                "solid", f"first at, {unit}", "there in", "most", "last frame", "its clusters"
            ),
            rows=tuple(rows),
        ),
    )  # fmt: skip


def _metal_and_gas(found: Survey) -> Table:
    first, last = found.frames[0], found.frames[-1]
    rows: list[tuple[object, ...]] = [
        (f"metal atoms: {name}", first.metal[name], last.metal[name])
        for name in METAL_CLASSES
        if first.metal[name] or last.metal[name]
    ]
    gases = sorted({*first.gas, *last.gas})
    rows += [(f"gas: {name}", first.gas.get(name, 0), last.gas.get(name, 0)) for name in gases]
    return Table(
        caption="Metal and gas", columns=("", "first frame", "last frame"), rows=tuple(rows)
    )


def pictures(found: Survey) -> dict[str, str]:
    """Return the figures as SVG by file name; none where no metal reacted."""
    if not has_interphase(found):
        return {}
    from aofl.report.figures.static import svg  # matplotlib is slow to import

    drawn = {"growth.svg": growth(found)}
    if found.layers.closed:
        drawn["layers.svg"] = layers(found)
    return {name: svg(plot) for name, plot in drawn.items()}


def has_interphase(found: Survey) -> bool:
    """Tell whether any anion touched a metal ion."""
    return any(frame.solids or frame.electrons for frame in found.frames)


def growth(found: Survey) -> Plot:
    """Draw formula units of each solid, single anions and the classes of metal over time."""
    time = np.array([frame.time for frame in found.frames], float)
    is_ps = found.has_time and time[-1] >= 1000
    time, unit = (1e-3 * time, "ps") if is_ps else (time, "fs" if found.has_time else "frames")
    motifs = sorted({motif for frame in found.frames for motif in frame.solids})
    units = {m: np.array([f.solids.get(m, 0) for f in found.frames], float) for m in motifs}
    units["single anions"] = np.array([frame.single for frame in found.frames], float)
    metal = {
        name: np.array([frame.metal[name] for frame in found.frames], float)
        for name in METAL_CLASSES
    }
    colours = dict(zip(motifs, COLOURS, strict=False)) | {"single anions": INK}
    shown = {name: values for name, values in metal.items() if values.any()}
    return Plot(
        name="growth",
        panels=(
            Panel(title="Coordinated anions", is_count=True),
            Panel(title="Metal atoms", is_count=True),
        ),
        traces=(*_steps(time, units, colours, 0), *_steps(time, shown, METAL_COLOURS, 1)),
        x_title=f"time, {unit}",
        height=440,
    )


def layers(found: Survey) -> Plot:
    """Draw what is in each layer at the start and at the end."""
    windows = found.layers.closed
    # the last window may hold a frame or two only: the one before it is as good and less noisy
    late = windows[-2] if len(windows) > 2 else windows[-1]
    chosen = [("start", windows[0])] + ([("end", late)] if late is not windows[0] else [])
    kinds = _largest([window for _, window in chosen])
    traces = []
    for k, (_, window) in enumerate(chosen):
        sums = window.sums
        slices = sorted({layer for _, layer in sums.counts})
        numbers = range(slices[0], slices[-1] + 1)
        middle = sums.width * (np.array(numbers) + 0.5)
        below = np.zeros(len(middle))
        for kind, colour in kinds.items():
            mean = np.array([_in_layer(window, kind, kinds, layer) for layer in numbers])
            mean = mean / sums.n_frames
            traces.append(
                Trace(
                    name=kind, x=middle, y=mean, colour=colour, panel=k, style="bars",
                    base=below.copy(),
                )
            )  # fmt: skip
            below += mean
    return Plot(
        name="layers",
        panels=tuple(Panel(title=f"At the {name}") for name, _ in chosen),
        traces=tuple(traces),
        x_title="along the normal, Å",
        height=230 * len(chosen) + 40,
    )


def _in_layer(window: Window, kind: str, kinds: Mapping[str, str], layer: int) -> float:
    """Return how often a part was counted in a layer; `OTHERS` are those without a colour."""
    counts = window.sums.counts
    if kind != OTHERS:
        return float(counts[kind, layer])
    return float(sum(n for (name, k), n in counts.items() if k == layer and name not in kinds))


def _largest(windows: Sequence[Window]) -> dict[str, str]:
    """Return the most frequent parts with their colours, classes of metal first."""
    totals: dict[str, float] = {}
    for window in windows:
        for (kind, _), count in window.sums.counts.items():
            totals[kind] = totals.get(kind, 0.0) + count
    others = sorted((k for k in totals if k not in METAL_COLOURS), key=lambda k: -totals[k])
    parts = {name: colour for name, colour in METAL_COLOURS.items() if name in totals}
    palette = [c for c in COLOURS if c not in parts.values()]
    parts |= dict(zip(others[:MOST_PARTS], palette, strict=False))
    return parts | ({OTHERS: GREY} if any(name not in parts for name in others) else {})


def _steps(
    time: FloatArray, curves: Mapping[str, FloatArray], colours: Mapping[str, str], panel: int
) -> list[Trace]:
    made = []
    for name, values in curves.items():
        x, y = thinned(time, values)
        colour = colours.get(name, GREY)
        made.append(Trace(name=name, x=x, y=y, colour=colour, panel=panel, style="steps"))
    return made
