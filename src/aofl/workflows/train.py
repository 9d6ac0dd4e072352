"""Train a force field on labelled frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aofl.forcefield.evaluation import Evaluation
from aofl.forcefield.evaluation import evaluate as evaluate_on
from aofl.forcefield.model import ForceField
from aofl.forcefield.train import train as train_on
from aofl.progress import OnProgress, nobody
from aofl.records import LabelledStructure
from aofl.store import LabelKeys
from aofl.workflows.labelled_frames import LabelledFrames, labelled_frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What was learned, and how good it is.

    Attributes
    ----------
    n_labels
        Labels that the force field has learned.
    held_back
        Errors and coverage on the labels that were held back, before they were learned; None
        where there were too few labels to hold some back. They set the calibration: errors are
        those of labels not seen, coverage is as far as one factor for each element can bring it.
    """

    n_labels: int
    held_back: Evaluation | None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        held = None if self.held_back is None else self.held_back.to_json()
        return {"n_labels": self.n_labels, "held_back": held}


def train(
    data: Path,
    out: Path,
    accuracy: str = "standard",
    seed: int = 0,
    *,
    for_production: bool = False,
    keys: LabelKeys | None = None,
    on_read: Callable[[LabelledFrames], None] = lambda read: None,
    on_progress: OnProgress = nobody,
) -> Trained:
    """Train a force field on labelled frames, save it, and return what it has learned.

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
    on_progress("reading labels", 0, None)
    read = labelled_frames([data], keys)
    on_read(read)
    held_back: list[Evaluation] = []

    def judge(force_field: ForceField, labels: list[LabelledStructure]) -> None:
        held_back.append(evaluate_on(force_field, labels, on_progress=on_progress))

    force_field = train_on(
        read.labels, accuracy, seed=seed, on_held_back=judge, on_progress=on_progress
    )
    force_field.save(out, for_production=for_production)
    return Trained(n_labels=len(read.labels), held_back=held_back[0] if held_back else None)
