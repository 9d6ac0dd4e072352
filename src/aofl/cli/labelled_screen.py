"""What was read of labelled frames, for people: keys, what was left out, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aofl.forcefield.evaluation import Evaluation
    from aofl.store import LeftOut
    from aofl.workflows.labelled_frames import LabelledFrames

import typer

MOST_LINES = 20
UNITS = {"energy": "eV", "forces": "eV/Å", "stress": "eV/Å^3"}


class Shown:
    """Prints what was read of labelled frames, or keeps it for the JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self.read: dict[str, object] = {}

    def __call__(self, read: LabelledFrames) -> None:
        """Take what was read."""
        self.read = read.to_json()
        for line in () if self._as_json else lines_of(read):
            typer.echo(line)


def lines_of(read: LabelledFrames) -> Iterator[str]:
    """Yield the lines to print; each frame left out is named, the first of many repetitions."""
    yield f"{', '.join(read.sources)}: {len(read.labels)} of {read.n_frames} frames are used"
    for keys in read.keys.values():
        named = (
            f"{what} from {name} ({UNITS[what]})" for what, name in keys.items() if name != "none"
        )
        yield f"  read: {', '.join(named)}" + ("; no stress" if keys["stress"] == "none" else "")
    faults = [item for item in read.left_out if item.is_fault]
    others = [item for item in read.left_out if not item.is_fault]
    for title, items in (("left out", faults), ("not counted", others)):
        for item in items[:MOST_LINES]:
            yield f"  {title}: {_name(item, read)}: {item.reason}"
        if len(items) > MOST_LINES:
            yield f"  {title}: {len(items) - MOST_LINES} more, all of them with --json"
    for note in read.notes:
        yield f"  note: {note}"


def lines_of_errors(found: Evaluation) -> Iterator[str]:
    """Yield the lines to print of errors: forces, energy, and the forces of each element."""
    yield (
        f"forces  RMSE {1e3 * found.forces_rmse:.1f} meV/Å, "
        f"coverage of the 90 % interval {found.coverage_90:.2f}"
    )
    if found.energy_rmse_per_atom is not None and found.energy_shift_per_atom is not None:
        yield (
            f"energy  RMSE {1e3 * found.energy_rmse_per_atom:.2f} meV/atom "
            f"after a shift of {1e3 * found.energy_shift_per_atom:.2f} meV/atom"
        )
    for element, errors in found.by_element.items():
        yield (
            f"{element:>6}  RMSE {1e3 * errors.forces_rmse:.1f}, MAE {1e3 * errors.forces_mae:.1f} "
            f"meV/Å, coverage {errors.coverage_90:.2f}, rank correlation {errors.spearman:.2f}"
        )


def _name(item: LeftOut, read: LabelledFrames) -> str:
    return f"frame {item.frame}" + (f" of {item.source}" if len(read.sources) > 1 else "")
