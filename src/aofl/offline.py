"""What needs no run: train a force field on labelled frames, evaluate it, label frames."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from aofl.assemble import make_reference, opened_reference
from aofl.config.references import ReferenceConfig
from aofl.forcefield.evaluation import Evaluation
from aofl.forcefield.evaluation import evaluate as evaluate_on
from aofl.forcefield.model import ForceField
from aofl.forcefield.train import train as train_on
from aofl.scale.label_frames import LabelProgress, label_frames, read_frames
from aofl.store import read_labels, write_atomic


def train(data: Path, out: Path, accuracy: str = "standard", seed: int = 0) -> int:
    """Train a force field on labelled frames, save it, and return how many labels it learned.

    Raises
    ------
    StoreError, ModelError
        If there are no labels, or the model cannot be fitted or written.
    """
    labels = read_labels(data)
    train_on(labels, accuracy, seed=seed).save(out)
    return len(labels)


def evaluate(model: Path, data: Path, plot: Path | None = None) -> Evaluation:
    """Return the errors of a saved force field on labelled frames.

    Parameters
    ----------
    plot
        Where to draw forces predicted against forces given, as SVG; None draws nothing.
    """
    evaluation = evaluate_on(ForceField.load(model), read_labels(data))
    if plot is not None:
        from aofl.report.figures import parity  # matplotlib is slow to import

        drawing = parity(evaluation.pairs, sorted(evaluation.by_element))
        write_atomic(plot, drawing.wide.encode())
    return evaluation


def label(
    frames: Path,
    out: Path,
    reference: ReferenceConfig,
    *,
    workers: int = 1,
    retry_failed: bool = False,
    on_progress: Callable[[LabelProgress], None] = lambda progress: None,
) -> LabelProgress:
    """Label the frames of a file into a directory; go on there if it was begun before.

    The labels are made in other processes, so a script calls this below
    `if __name__ == "__main__":`.

    Parameters
    ----------
    frames
        Any file that ASE reads, also compressed.
    out
        Gets `labels.extxyz` (`REF_energy`, `REF_forces`, ...), in the order in which the labels
        were made, `failures.jsonl` and `labelling.json`.
    workers
        Processes, each with its own reference code.
    retry_failed
        Whether frames that failed before are tried again.

    Raises
    ------
    ConfigError, StoreError
        If the reference code is not there, the file cannot be read, or `out` holds labels of
        another level of theory.
    """
    structures = read_frames(frames)
    with opened_reference(reference, out / "work") as made:
        level, is_semi_empirical = made.describe(), made.is_semi_empirical
    progress = LabelProgress(n_frames=len(structures))
    for progress in label_frames(
        structures,
        out,
        partial(make_reference, reference),
        source=frames.name,
        level=level,
        is_semi_empirical=is_semi_empirical,
        n_workers=workers,
        retry_failed=retry_failed,
    ):
        on_progress(progress)
    return progress
