"""Train a force field on labelled frames."""

from __future__ import annotations

from pathlib import Path

from aofl.forcefield.train import train as train_on
from aofl.store import read_labels


def train(
    data: Path,
    out: Path,
    accuracy: str = "standard",
    seed: int = 0,
    *,
    for_production: bool = False,
) -> int:
    """Train a force field on labelled frames, save it, and return how many labels it learned.

    Parameters
    ----------
    for_production
        Save what predicts alone: a small file that does not learn on.

    Raises
    ------
    StoreError, ModelError
        If there are no labels, or the model cannot be fitted or written.
    """
    labels = read_labels(data)
    train_on(labels, accuracy, seed=seed).save(out, for_production=for_production)
    return len(labels)
