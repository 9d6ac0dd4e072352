"""The growing files of a run, opened together and cut back together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from aofl.store import Dataset, Journal, RunDirectory, Table, Trajectory

THERMO_COLUMNS = (
    "step",
    "time_fs",
    "temperature_K",
    "potential_eV",
    "kinetic_eV",
    "energy_shift_eV",
    "predicted_error_eV_per_A",
    "threshold_eV_per_A",
    "source",
    "n_labels",
    "n_skips",
    "n_bonds",
    "n_reactions",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """Labels, ledger, events, thermodynamics and trajectory of one run directory.

    `quarantine` is the directory for structures that got no label, made when there is one.
    """

    dataset: Dataset
    ledger: Journal
    events: Journal
    thermo: Table
    trajectory: Trajectory
    quarantine: Path

    @classmethod
    def open(cls, directory: RunDirectory) -> RunFiles:
        """Open or create the files."""
        return cls(
            dataset=Dataset(directory.labels),
            ledger=Journal(directory.ledger),
            events=Journal(directory.events),
            thermo=Table(directory.thermo, THERMO_COLUMNS),
            trajectory=Trajectory(directory.trajectory),
            quarantine=directory.quarantine,
        )

    def offsets(self) -> dict[str, int]:
        """Put everything on the disk and return the sizes that belong to this instant."""
        sizes = {}
        for name in ("ledger", "events", "thermo", "trajectory"):
            file = getattr(self, name)
            file.sync()
            sizes[name] = file.offset
        return sizes

    def cut_back(self, offsets: dict[str, int]) -> None:
        """Cut the named files back to earlier sizes. Labels are never cut: they were paid for."""
        for name, offset in offsets.items():
            getattr(self, name).truncate(offset)

    def close(self) -> None:
        """Close all files."""
        for file in (self.dataset, self.ledger, self.events, self.thermo, self.trajectory):
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
