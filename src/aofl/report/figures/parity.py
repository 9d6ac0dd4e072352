"""The figure of forces predicted against forces of the reference, by element."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from aofl.records import FloatArray
from aofl.report.data import Audit
from aofl.report.figures.canvas import (
    BLUE,
    INK,
    Drawing,
    draw,
)


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


def _components(audits: Sequence[Audit], element: str) -> tuple[FloatArray, FloatArray]:
    """All force components on one element, predicted and reference, each shape (n,)."""
    pairs = [
        (predicted[mask].ravel(), reference[mask].ravel())
        for predicted, reference, symbols in audits
        for mask in [np.array(symbols) == element]
    ]
    predicted, reference = zip(*pairs, strict=True)
    return np.concatenate(predicted), np.concatenate(reference)
