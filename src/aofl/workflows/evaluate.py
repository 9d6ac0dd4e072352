"""Evaluate a force field on labelled frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aofl.forcefield.evaluation import Evaluation
from aofl.forcefield.evaluation import evaluate as evaluate_on
from aofl.forcefield.model import ForceField
from aofl.progress import OnProgress, nobody
from aofl.store import LabelKeys, write_atomic
from aofl.workflows.labelled_frames import LabelledFrames, labelled_frames


def evaluate(
    model: Path,
    data: Path,
    plot: Path | None = None,
    *,
    keys: LabelKeys | None = None,
    on_read: Callable[[LabelledFrames], None] = lambda read: None,
    on_progress: OnProgress = nobody,
) -> Evaluation:
    """Return the errors of a saved force field on labelled frames.

    Parameters
    ----------
    plot
        Where to draw forces predicted against forces given, as SVG; None draws nothing.
    keys, on_read
        As for `aofl.workflows.train.train`.

    Raises
    ------
    StoreError, ModelError
        If the labels cannot be believed, or the model cannot be read or knows other elements.
    """
    on_progress("reading labels", 0, None)
    force_field = ForceField.load(model)
    read = labelled_frames([data], keys)
    on_read(read)
    evaluation = evaluate_on(force_field, read.labels, on_progress=on_progress)
    if plot is not None:
        from aofl.report.figures.parity import parity
        from aofl.report.figures.static import svg  # matplotlib is slow to import

        drawing = parity(evaluation.pairs, sorted(evaluation.by_element))
        write_atomic(plot, svg(drawing).encode())
    return evaluation
