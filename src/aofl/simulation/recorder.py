"""The growing files of a run, opened together and cut back together."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aofl.plain import to_plain
from aofl.records import THERMO_COLUMNS, Event, LedgerLine, ThermoRow
from aofl.simulation.audit_statistics import AuditStatistics
from aofl.store import (
    Closing,
    Dataset,
    Journal,
    OutputFolder,
    RunDirectory,
    Table,
    Trajectory,
    iterate_ledger,
)

FILES = ("dataset", "ledger", "events", "thermo", "trajectory")
PATH_FILES = ("thermo", "trajectory", "events")  # that a rewind cuts back
OF_PLUMED = "plumed/"  # before the names of the files of PLUMED, which it cuts back, too


@dataclass(kw_only=True)
class Recorder(Closing):
    """Labels, ledger, events, thermodynamics and trajectory of one run directory.

    `quarantine` is the directory for structures that got no label, made when there is one, and
    `plumed` that of the bias of PLUMED, where there is one.
    `audits` are the statistics of the audits in the ledger, kept while lines are added.
    """

    dataset: Dataset
    ledger: Journal
    events: Journal
    thermo: Table
    trajectory: Trajectory
    quarantine: Path
    plumed: OutputFolder
    audits: AuditStatistics = field(default_factory=AuditStatistics)

    @classmethod
    def open(cls, directory: RunDirectory, target: float) -> Recorder:
        """Open or create the files of a run whose target is given, eV/Å."""
        with ExitStack() as opened:
            files = cls(
                dataset=opened.enter_context(closing(Dataset(directory.labels))),
                ledger=opened.enter_context(Journal(directory.ledger)),
                events=opened.enter_context(Journal(directory.events)),
                thermo=opened.enter_context(Table(directory.thermo, THERMO_COLUMNS)),
                trajectory=opened.enter_context(Trajectory(directory.trajectory)),
                quarantine=directory.quarantine,
                plumed=OutputFolder(path=directory.plumed),
                audits=AuditStatistics(target=target),
            )
            opened.pop_all()  # all are open: from here on `close` is in charge
            return files

    def decide(self, line: LedgerLine) -> None:
        """Add one line to the ledger."""
        self.ledger.append(to_plain(line))
        self.audits.add(line)

    def tell(self, event: Event) -> None:
        """Add one event."""
        self.events.append(to_plain(event))

    def add_thermo(self, row: ThermoRow) -> None:
        """Add one row to `thermo.csv`."""
        self.thermo.append(to_plain(row))

    def offsets(self) -> dict[str, int]:
        """Put everything on the disk and return the sizes that belong to this instant."""
        sizes = {}
        for name in FILES[1:]:
            file = getattr(self, name)
            file.sync()
            sizes[name] = file.offset
        self.plumed.sync()
        return sizes | self._offsets_of_plumed()

    def offsets_of_path(self) -> dict[str, int]:
        """Return the sizes of the files that a rewind cuts back, as they stand."""
        return {name: getattr(self, name).offset for name in PATH_FILES} | self._offsets_of_plumed()

    def _offsets_of_plumed(self) -> dict[str, int]:
        return {f"{OF_PLUMED}{name}": size for name, size in self.plumed.sizes().items()}

    def cut_back(self, offsets: dict[str, int]) -> None:
        """Cut the named files back to earlier sizes. Labels are never cut: they were paid for."""
        of_plumed = {name for name in offsets if name.startswith(OF_PLUMED)}
        for name in offsets.keys() - of_plumed:
            getattr(self, name).truncate(offsets[name])
        if of_plumed:
            self.plumed.cut({name.removeprefix(OF_PLUMED): offsets[name] for name in of_plumed})
        if "ledger" in offsets:
            lines = iterate_ledger(self.ledger.path)
            self.audits = AuditStatistics.of(lines, self.audits.target)

    def tell_again(self, events: list[dict[str, Any]]) -> None:
        """Write events that a rewind has cut off and that still hold."""
        for event in events:
            self.events.append(event)

    def empty(self) -> None:
        """Drop what a run that never came to its first checkpoint has written, labels excepted."""
        self.cut_back({"ledger": 0, "events": 0, "thermo": self.thermo.start, "trajectory": 0})

    def close(self) -> None:
        """Close all files."""
        for name in FILES:
            getattr(self, name).close()
