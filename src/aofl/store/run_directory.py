"""The directory that holds everything about a run: its files, its making, and its lock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ase import Atoms

from aofl.errors import StoreError
from aofl.store.atomic import cannot, make_directory, write_atomic
from aofl.store.checkpoint import previous_checkpoint
from aofl.store.extxyz import format_atoms
from aofl.store.journal import jsonable
from aofl.store.lock import holder_of, is_held, locked


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDirectory:
    """A run directory; make one with `create`, find one with `open`."""

    path: Path

    @property
    def config(self) -> Path:
        """The resolved configuration, YAML."""
        return self.path / "config.yaml"

    @property
    def record(self) -> Path:
        """What the run is: versions, seed, level of theory; JSON."""
        return self.path / "run.json"

    @property
    def start(self) -> Path:
        """The start structure, extended XYZ."""
        return self.path / "start.extxyz"

    @property
    def labels(self) -> Path:
        """The labelled structures; see `Dataset`."""
        return self.path / "labels.extxyz"

    @property
    def ledger(self) -> Path:
        """Every decision that is not a plain accept; see `Journal`."""
        return self.path / "ledger.jsonl"

    @property
    def events(self) -> Path:
        """What happened: starts, failures, bonds; see `Journal`."""
        return self.path / "events.jsonl"

    @property
    def thermo(self) -> Path:
        """Energies and temperature over time; see `Table`."""
        return self.path / "thermo.csv"

    @property
    def trajectory(self) -> Path:
        """The frames, in numbered parts of this name; see `Trajectory`."""
        return self.path / "trajectory.extxyz"

    @property
    def checkpoint(self) -> Path:
        """The exact state to go on from; see `save_checkpoint`."""
        return self.path / "checkpoint.npz"

    @property
    def model(self) -> Path:
        """The force field, HDF5."""
        return self.path / "model.h5"

    @property
    def start_model(self) -> Path:
        """A copy of the force field the run started with, where it was given one."""
        return self.path / "start.model.h5"

    @property
    def stages(self) -> Path:
        """The runs before this one that teach it, a directory each."""
        return self.path / "stages"

    @property
    def explored(self) -> Path:
        """What exploring gave and cost, JSON, where there was any."""
        return self.path / "explored.json"

    @property
    def summary(self) -> Path:
        """Where the run stands, JSON."""
        return self.path / "summary.json"

    @property
    def reference(self) -> Path:
        """Where a reference code that needs files has them; a directory."""
        return self.path / "reference"

    @property
    def background(self) -> Path:
        """Labels made beside the run that it has not learned yet; see `LabelCache`."""
        return self.path / "background"

    @property
    def quarantine(self) -> Path:
        """Structures that got no label, one directory each; see `keep_in_quarantine`."""
        return self.path / "quarantine"

    @property
    def plumed(self) -> Path:
        """Input and output of PLUMED, where the bias has one; a directory."""
        return self.path / "plumed"

    @property
    def log(self) -> Path:
        """The log for people."""
        return self.path / "run.log"

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        config_text: str,
        record: Mapping[str, Any],
        start_atoms: Atoms,
        model: Path | None = None,
        plumed: Mapping[str, bytes] | None = None,
    ) -> RunDirectory:
        """Make a run directory with its configuration, record and start structure.

        `model` is the force field to start from, `plumed` the files that PLUMED reads, by name; the
        directory keeps a copy.

        Raises
        ------
        StoreError
            If the directory exists and is not empty, or cannot be written.
        """
        run = cls(path=path)
        start = format_atoms(start_atoms).encode()  # what cannot be kept leaves no directory
        try:
            first_model = None if model is None else model.read_bytes()
        except OSError as error:
            raise cannot("read", Path(str(model)), error) from error
        try:
            path.mkdir(parents=True, exist_ok=True)
            is_used = any(path.iterdir())
        except OSError as error:
            raise cannot("create the run directory", path, error) from error
        if is_used:
            raise StoreError(
                f"the run directory {path} exists and is not empty: "
                f"continue it with `aofl resume {path}` or choose another one with `--out`"
            )
        write_atomic(run.config, config_text.encode())
        write_atomic(run.start, start)
        if first_model is not None:
            write_atomic(run.start_model, first_model)
        for name, data in (plumed or {}).items():
            make_directory((run.plumed / name).parent)
            write_atomic(run.plumed / name, data)
        run.write_record(record)  # last: it says that the directory is whole
        return run

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Return an existing run directory.

        Raises
        ------
        StoreError
            If there is none at this path.
        """
        run = cls(path=path)
        if not path.is_dir():
            raise StoreError(f"there is no run directory {path}: start one with `aofl run`")
        missing = [file.name for file in (run.config, run.start, run.record) if not file.is_file()]
        if missing:
            raise StoreError(
                f"{path} is no run directory, it has no {' and no '.join(missing)}: "
                "give the directory that `aofl run` wrote"
            )
        return run

    def has_begun(self) -> bool:
        """Return whether the run has come as far as its first checkpoint.

        Raises
        ------
        StoreError
            If it has, as the summary written after it says, and the checkpoints are gone: a run
            that begins anew empties its records.
        """
        if self.checkpoint.exists() or previous_checkpoint(self.checkpoint).exists():
            return True
        if self.summary.exists():
            raise StoreError(
                f"{self.path} has run and has no {self.checkpoint.name} to go on from: copy it and "
                "the other files that are missing from where the run was made, or begin a new run "
                "with what this one has learned (docs/run-directory.md)"
            )
        return False

    def stage(self) -> RunDirectory | None:
        """Return the stage that has begun last; None without any."""
        begun = sorted(path.parent for path in self.stages.glob("*/summary.json"))
        return RunDirectory(path=begun[-1]) if begun else None

    def lock(self) -> AbstractContextManager[None]:
        """Hold the run directory for this process alone; see `aofl.store.lock.locked`."""
        return locked(self.path)

    def is_held(self) -> bool:
        """Return whether a process of any machine works in the directory now."""
        return is_held(self.path)

    def is_abandoned(self) -> bool:
        """Return whether the process that held the directory ended without giving it back.

        Read from the name that it left, so that asking takes the lock from nobody. What a process
        of another machine does cannot be seen: False.
        """
        holder = holder_of(self.path)
        return holder is not None and holder.is_dead()

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Replace the summary; numbers that are not finite become null."""
        write_atomic(self.summary, _to_json(summary))

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Write what the run is."""
        write_atomic(self.record, _to_json(record))

    def read_summary(self) -> dict[str, Any]:
        """Return the summary."""
        return _read_json(self.summary)

    def write_explored(self, facts: Mapping[str, Any]) -> None:
        """Write what exploring gave and cost."""
        write_atomic(self.explored, _to_json(facts))

    def read_explored(self) -> dict[str, Any] | None:
        """Return what exploring gave and cost, None where the run did not explore."""
        return _read_json(self.explored) if self.explored.exists() else None

    def read_record(self) -> dict[str, Any]:
        """Return what the run is: versions, seed, level of theory."""
        return _read_json(self.record)


def _to_json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(jsonable(value), indent=2, allow_nan=False).encode() + b"\n"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise cannot("read", path, error) from error
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path} is not JSON: the file was damaged ({error})") from error
    if not isinstance(value, dict):
        raise StoreError(f"{path} is not a JSON object: the file was damaged")
    return value
