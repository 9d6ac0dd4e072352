"""Train a force field on labelled frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aofl.forcefield.train import train as train_on
from aofl.store import LabelKeys
from aofl.workflows.labelled_frames import LabelledFrames, labelled_frames


def train(
    data: Path,
    out: Path,
    accuracy: str = "standard",
    seed: int = 0,
    *,
    for_production: bool = False,
    keys: LabelKeys | None = None,
    on_read: Callable[[LabelledFrames], None] = lambda read: None,
) -> int:
    """Train a force field on labelled frames, save it, and return how many labels it learned.

    Parameters
    ----------
    for_production
        Save what predicts alone: a small file that does not learn on.
    keys
        Names of energy, forces, stress and virial in the file; None takes the usual ones.
    on_read
        Called with what was read and left out, before anything is learned.

    Raises
    ------
    StoreError, ModelError
        If the labels cannot be believed (see `aofl.workflows.labelled_frames`), or the model
        cannot be fitted or written.
    """
    read = labelled_frames([data], keys)
    on_read(read)
    train_on(read.labels, accuracy, seed=seed).save(out, for_production=for_production)
    return len(read.labels)
