"""The plot of forces predicted against forces of the reference, by element."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aofl.records import FloatArray
from aofl.report.data import Audit
from aofl.report.figures.plot import BLUE, INK, Panel, Plot, Trace, picked

REACH = 1.08  # of the largest component


def parity(audits: Sequence[Audit], elements: Sequence[str]) -> Plot:
    """Predicted against reference force components of the audit frames, a panel per element."""
    traces = []
    for k, element in enumerate(elements):
        predicted, reference = _components(audits, element)
        reach = REACH * max(np.abs(predicted).max(), np.abs(reference).max(), 1e-3)
        shown = picked(len(reference)).astype(int)
        traces += [
            Trace(
                name="equal", x=[-reach, reach], y=[-reach, reach], colour=INK, panel=k, width=0.9,
                in_legend=k == 0,
            ),
            Trace(
                name="a force component", x=reference[shown], y=predicted[shown], colour=BLUE,
                panel=k, style="points", opacity=0.5, in_legend=k == 0,
            ),
        ]  # fmt: skip
    return Plot(
        name="parity",
        panels=tuple(Panel(title=f"{e}: predicted, eV/Å", is_square=True) for e in elements),
        traces=tuple(traces),
        x_title="reference, eV/Å",
        columns=min(3, len(elements)),
        shares_x=False,
        height=330,
    )


def _components(audits: Sequence[Audit], element: str) -> tuple[FloatArray, FloatArray]:
    """All force components on one element, predicted and reference, each shape (n,)."""
    pairs = [
        (predicted[mask].ravel(), reference[mask].ravel())
        for predicted, reference, symbols in audits
        for mask in [np.array(symbols) == element]
    ]
    predicted, reference = zip(*pairs, strict=True)
    return np.concatenate(predicted), np.concatenate(reference)
