"""Evaluate a force field on labelled frames."""

from __future__ import annotations

from pathlib import Path

from aofl.forcefield.evaluation import Evaluation
from aofl.forcefield.evaluation import evaluate as evaluate_on
from aofl.forcefield.model import ForceField
from aofl.store import read_labels, write_atomic


def evaluate(model: Path, data: Path, plot: Path | None = None) -> Evaluation:
    """Return the errors of a saved force field on labelled frames.

    Parameters
    ----------
    plot
        Where to draw forces predicted against forces given, as SVG; None draws nothing.
    """
    evaluation = evaluate_on(ForceField.load(model), read_labels(data))
    if plot is not None:
        from aofl.report.figures.parity import parity  # matplotlib is slow to import

        drawing = parity(evaluation.pairs, sorted(evaluation.by_element))
        write_atomic(plot, drawing.wide.encode())
    return evaluation
