"""What each stage of learning cost, and what it was worth to the run that came after.

Worth is measured on the first labels of the run itself: the error of the force field that each
stage left behind, on structures that none of the stages has seen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from aofl.errors import ModelError
from aofl.report.page import Section, Table

if TYPE_CHECKING:
    from aofl.report.data import RunData

FIRST_LABELS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One small cell: its name, size, labels and their wall time, s.

    `forces_rmse` is the error of its force field on the first labels of the run, eV/Å; None if
    there is no force field or no label yet.
    """

    name: str
    n_atoms: int
    labels: int
    seconds: float
    forces_rmse: float | None


def read_stages(directory: Path, labels: Sequence[Atoms]) -> tuple[Stage, ...]:
    """Return the stages below a run directory, in their order; those not begun are left out.

    Parameters
    ----------
    labels
        Of the run, with `REF_forces`, oldest first.
    """
    found = []
    for part in sorted(path for path in directory.glob("*") if (path / "summary.json").is_file()):
        try:
            summary = json.loads((part / "summary.json").read_text(encoding="utf-8"))
            record = json.loads((part / "run.json").read_text(encoding="utf-8"))
            stage = Stage(
                name=part.name.partition("-")[2],
                n_atoms=int(record["n_atoms"]),
                labels=int(summary["labels"]),
                seconds=float(summary["wall_s"]["reference"]),
                forces_rmse=_error(part / "model.h5", labels[:FIRST_LABELS]),
            )
        except (KeyError, TypeError, ValueError):
            continue  # half written
        found.append(stage)
    return tuple(found)


def stages(data: RunData) -> Section | None:
    """Section: the small cells before the interface."""
    if not data.stages:
        return None
    call = data.summary.get("aimd_step_s")
    n = min(FIRST_LABELS, len(data.labels))
    worth = ""
    if isinstance(call, float) and call > 0:
        total = sum(stage.seconds for stage in data.stages)
        worth = f" Together they took as long as {total / call:.0f} labels of this run."
    return Section(
        id="stages",
        title="Stages",
        text=(
            "Small cells taught the force field before this run." + worth,
            f"The error is that of the force field after each stage on the first {n} labels of "
            "this run, which no stage has seen.",
        ),
        tables=(
            Table(
                caption="Cells in the order of learning",
                columns=("cell", "atoms", "labels", "s per label", "s", "RMSE here, meV/Å"),
                rows=tuple(_row(stage) for stage in data.stages),
            ),
        ),
    )


def _row(stage: Stage) -> tuple[str | int, ...]:
    each = f"{stage.seconds / stage.labels:.2g}" if stage.labels else "\u2013"
    error = "\u2013" if stage.forces_rmse is None else f"{1e3 * stage.forces_rmse:.0f}"
    return (stage.name, stage.n_atoms, stage.labels, each, f"{stage.seconds:.3g}", error)


def _error(model: Path, labels: Sequence[Atoms]) -> float | None:
    """Return the force error of a saved force field on labelled structures, eV/Å."""
    from aofl.forcefield.model import ForceField  # slow to import, and seldom needed

    known = [atoms for atoms in labels if "REF_forces" in atoms.arrays]
    if not known or not model.is_file():
        return None
    try:
        force_field = ForceField.load(model)
        squares = [
            (force_field.predict(a).forces - a.arrays["REF_forces"]).ravel() ** 2 for a in known
        ]
    except ModelError:
        return None
    return float(np.sqrt(np.concatenate(squares).mean()))
