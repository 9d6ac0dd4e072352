"""A run to look at from Python: its tables and plots, frames, labels and force field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from aofl.analysis.told_reactions import ReactionEvent
from aofl.forcefield.model import ForceField
from aofl.records import FloatArray
from aofl.report.data import RunData, read_run
from aofl.report.figures.dynamics import energy_and_temperature
from aofl.report.figures.network import network
from aofl.report.figures.parity import parity
from aofl.report.figures.plot import SERIES, Panel, Plot, Trace, in_time_unit
from aofl.report.figures.timeline import timeline
from aofl.report.plotted import PlottedTable
from aofl.store import RunDirectory, read_frames


def open_run(path: Path | str) -> OpenedRun:
    """Open a run directory to look at it; see `aofl.open`."""
    return OpenedRun(directory=RunDirectory.open(Path(path)))


@dataclass(frozen=True)  # no slots: what is read once is kept
class OpenedRun:
    """A run to look at; nothing is changed. Files are read when they are asked for, once.

    A run that goes on may be opened, too: open it again for what came since.

    Attributes
    ----------
    directory
        Where its files are.
    """

    directory: RunDirectory

    @cached_property
    def _data(self) -> RunData:
        return read_run(self.directory.path)

    def __repr__(self) -> str:
        status, labels = (self.summary.get(key, "-") for key in ("status", "labels"))
        return f"{self.directory.path}: {status}, {self._data.steps} steps, {labels} labels"

    @property
    def summary(self) -> dict[str, Any]:
        """What `aofl status` shows."""
        return dict(self._data.summary)

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the files could not be read."""
        return self._data.notes

    @property
    def start(self) -> Atoms | None:
        """The start structure."""
        return self._data.start

    @property
    def labels(self) -> Sequence[Atoms]:
        """The labelled structures, with `REF_energy` (eV) and `REF_forces` (eV/Å)."""
        return self._data.labels

    def frames(self) -> Iterator[Atoms]:
        """Yield the frames of the trajectory; `info` has `step` and `time_fs`."""
        return read_frames(self.directory.path)

    def force_field(self) -> ForceField:
        """Return the force field that the run has learned, a calculator of ASE.

        Raises
        ------
        ModelError
            If there is none yet.
        """
        return ForceField.load(self.directory.model)

    @property
    def thermo(self) -> PlottedTable:
        """Energies, temperature, calibrated error and threshold at each step."""
        thermo, regions = self._data.thermo, self._data.regions
        return PlottedTable(
            name="thermo",
            columns=thermo,
            _draw=lambda: energy_and_temperature(thermo, None, regions),
        )

    @property
    def species(self) -> PlottedTable:
        """The number of molecules of each kind, at the start, after each reaction, at the end."""
        columns = _species(self._data)
        return PlottedTable(name="species", columns=columns, _draw=lambda: _drawn_species(columns))

    @property
    def reactions(self) -> PlottedTable:
        """Each reaction that lasted, exchanges included."""
        found = self._data.changes
        columns = {
            "step": np.array([event.step for event in found]),
            "time_fs": np.array([event.time_fs for event in found]),
            "reaction": _texts([event.reaction for event in found]),
            "is_exchange": np.array([event.is_exchange for event in found], dtype=bool),
            "seen_by_reference": np.array([event.is_seen for event in found], dtype=object),
            "in_excursion": np.array([event.is_hot for event in found], dtype=object),
        }
        return PlottedTable(name="reactions", columns=columns, _draw=lambda: network(found))

    @property
    def decisions(self) -> PlottedTable:
        """Each label, skip and rewind with its rule; errors in eV/Å, NaN where none is known."""
        found = self._data.decisions
        columns = {
            "step": np.array([d.step for d in found]),
            "time_fs": np.array([d.time_fs for d in found]),
            "action": _texts([d.action for d in found]),
            "rule": _texts([d.rule for d in found]),
            "true_error_eV_per_A": np.array([d.max_error for d in found], dtype=float),
            "reason": _texts([d.reason for d in found]),
        }
        return PlottedTable(name="decisions", columns=columns, _draw=lambda: timeline(self._data))

    @property
    def audits(self) -> PlottedTable:
        """Force components of the audits, before they were learned: what accuracy is quoted on."""
        found = self._data.audits
        columns: dict[str, NDArray[Any]] = {
            "element": _texts([e for _, _, symbols in found for e in symbols for _ in range(3)]),
            "predicted_eV_per_A": _joined([predicted for predicted, _, _ in found]),
            "reference_eV_per_A": _joined([reference for _, reference, _ in found]),
        }
        elements = sorted(set(columns["element"]))
        return PlottedTable(name="audits", columns=columns, _draw=lambda: parity(found, elements))


def _texts(values: list[str]) -> NDArray[Any]:
    return np.array(values, dtype=object)


def _joined(parts: list[FloatArray]) -> FloatArray:
    return np.concatenate([part.ravel() for part in parts]) if parts else np.empty(0)


def _species(data: RunData) -> dict[str, FloatArray]:
    """Return times, fs, and the numbers of each kind at these times."""
    events: Sequence[ReactionEvent] = sorted(data.changes, key=lambda event: event.time_fs)
    sides = (side for event in events for side in (event.reactants, event.products))
    names = sorted({*data.molecules, *(name for side in sides for name in side)})
    time = data.thermo.get("time_fs", np.empty(0))
    if not names or not len(time):
        return {"time_fs": np.empty(0)}
    times, counts = [float(time[0])], [[data.molecules.get(name, 0) for name in names]]
    for event in events:
        change = [event.products.count(name) - event.reactants.count(name) for name in names]
        times.append(event.time_fs)
        counts.append([n + d for n, d in zip(counts[-1], change, strict=True)])
    times.append(max(float(time[-1]), times[-1]))
    table = np.array([*counts, counts[-1]], dtype=float)
    return {"time_fs": np.array(times), **dict(zip(names, table.T, strict=True))}


def _drawn_species(columns: dict[str, FloatArray]) -> Plot:
    time, unit = in_time_unit(columns["time_fs"])
    names = [name for name in columns if name != "time_fs"]
    return Plot(
        name="species",
        panels=(Panel(title="Molecules", is_count=True),),
        traces=tuple(
            Trace(name=name, x=time, y=columns[name], colour=SERIES[k % len(SERIES)], style="steps")
            for k, name in enumerate(names)
        ),
        x_title=f"time, {unit}",
    )
