"""Damaged and hostile files, and what a reader may do with them: return, or raise `AoflError`.

Called by the tests with a few examples; `python fuzzing.py SEED KIND=N ...` runs N of each kind
and prints as JSON how many were refused, what went wrong and what was written elsewhere.
"""

from __future__ import annotations

import gzip
import json
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import ase.io
from mutations import (
    damaged_gzip,
    damaged_lines,
    damaged_model,
    damaged_yaml,
    mutated,
    resealed,
)
from scenarios import FreshReference, collision, reactive

from aofl import api
from aofl.config import dump_config, read_config
from aofl.errors import AoflError
from aofl.forcefield.model import ForceField
from aofl.store import (
    Dataset,
    RunDirectory,
    iterate_trajectory,
    read_atoms,
    read_checkpoint,
    read_events,
    read_frames,
    read_labels,
    read_ledger,
    read_table,
)
from aofl.store.chunks import part_path
from aofl.workflows import assemble

CONFIG = """
mode: aofl
seed: 3
system:
  electrode: {element: Na, surface: bcc100, lattice_constant_A: 4.2, size: [2, 2, 2]}
  electrolyte: {molecules: {H2O: 1}, gap_A: 6.0}
reference: {name: tblite, electronic_temperature_K: 3000}
force_field: {name: ace, accuracy: fast}
dynamics: {name: langevin, timestep_fs: 0.5, temperature_K: 500, steps: 40}
output: {trajectory_every: 1, checkpoint_every: 10}
"""
FOREIGN = {"traj": "a.traj", "xdatcar": "XDATCAR", "vasp": "POSCAR", "cif": "a.cif"}
_STEPS = 4

Cases = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of file: where it lies, a whole one, how it is damaged and how it is read."""

    path: Path
    whole: bytes
    damage: Cases
    read: Callable[[Path], object]


class Corpus:
    """Whole, small files of every kind, most of them from one small run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.run = self._made_run(directory / "made")
        self.place = directory / "place"
        self.place.mkdir()
        self.kinds: dict[str, Kind] = {}
        self._add_texts()
        self._add_binaries()
        self._add_foreign()
        for name in ("checkpoint.npz", "labels.extxyz", "ledger.jsonl", "events.jsonl",
                     "thermo.csv", "run.json", "start.extxyz"):  # fmt: skip
            self._add_resume(name)

    def _made_run(self, path: Path) -> RunDirectory:
        """Make a run that stands at its last step; its configuration asks for two more."""
        changes = {"dynamics.steps": _STEPS, "output.checkpoint_every": 2}
        config = reactive(self.directory, **changes)
        with toy_reference():
            api.run(config, path)
        run = RunDirectory.open(path)
        longer = reactive(self.directory, **{**changes, "dynamics.steps": _STEPS + 2})
        run.config.write_text(dump_config(longer))
        return run

    def _add_texts(self) -> None:
        config = self.place / "run.yaml"
        config.write_text(CONFIG)
        resolved = dump_config(read_config(config)).encode()
        self._add("config", config, CONFIG.encode(), read_config, damaged_yaml)
        self._add("resolved config", config, resolved, read_config, damaged_yaml)
        labels = self.run.labels.read_bytes()
        self._add("dataset", self.place / "labels.extxyz", labels, _open_dataset)
        self._add("foreign labels", self.place / "foreign.extxyz", labels, read_labels)
        start = self.run.start.read_bytes()
        self._add("start", self.place / "start.extxyz", start, read_atoms)
        ledger, journal = self.run.ledger.read_bytes(), self.place / "ledger.jsonl"
        self._add("ledger", journal, ledger, read_ledger, damaged_lines)
        events = self.run.events.read_bytes()
        self._add("events", journal, events, read_events, damaged_lines)
        self._add("table", self.place / "thermo.csv", self.run.thermo.read_bytes(), read_table)
        record = RunDirectory(path=self.place)
        for name, whole, read in (
            ("record", self.run.record, record.read_record),
            ("summary", self.run.summary, record.read_summary),
        ):
            self._add(
                name, self.place / whole.name, whole.read_bytes(),
                lambda _, read=read: read(), damaged_lines,
            )  # fmt: skip

    def _add_binaries(self) -> None:
        base = self.place / "trajectory.extxyz"
        packed = part_path(self.run.trajectory, 1).read_bytes()
        self._add("trajectory", part_path(base, 1), packed, _read_trajectory, damaged_gzip)
        self._add("plain trajectory", base, gzip.decompress(packed), _read_trajectory)
        checkpoint = self.run.checkpoint.read_bytes()
        self._add("checkpoint", self.place / "checkpoint.npz", checkpoint, read_checkpoint)
        model = self.run.model.read_bytes()
        self._add("model", self.place / "model.h5", model, ForceField.load, damaged_model)

    def _add_foreign(self) -> None:
        for format_, name in FOREIGN.items():
            path = self.place / name
            ase.io.write(
                path, collision(), format={"xdatcar": "vasp-xdatcar"}.get(format_, format_)
            )
            whole = path.read_bytes()
            self._add(format_, path, whole, lambda p, f=format_: list(read_frames(p, format_=f)))
        dump = (
            "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n"
            "0 4\n0 4\n0 4\nITEM: ATOMS id element x y z\n1 Na 0 0 0\n2 O 1 1 1\n"
        )
        path = self.place / "a.lammpstrj"
        self._add("lammps-dump", path, dump.encode(), lambda p: list(read_frames(p)))

    def _add_resume(self, name: str) -> None:
        """Add `aofl resume` of a run of which one file is damaged."""
        whole = (self.run.path / name).read_bytes()
        target = self.place / "run" / name

        def resume(path: Path) -> None:
            data = path.read_bytes()
            shutil.rmtree(path.parent)
            shutil.copytree(self.run.path, path.parent)
            path.unlink()
            path.write_bytes(data)
            if name == "checkpoint.npz":
                (path.parent / "checkpoint.previous.npz").unlink()
            with toy_reference():
                api.resume(path.parent)

        damage = {"checkpoint.npz": resealed, "run.json": damaged_lines}
        is_journal = name.endswith(".jsonl")
        chosen = damaged_lines if is_journal else damage.get(name, mutated)
        self._add(f"resume {name}", target, whole, resume, chosen)

    def _add(
        self,
        name: str,
        path: Path,
        whole: bytes,
        read: Callable[[Path], object],
        damage: Cases = mutated,
    ) -> None:
        self.kinds[name] = Kind(path=path, whole=whole, damage=damage, read=read)

    def case(self, name: str, rng: random.Random) -> bytes:
        """Return a damaged file of a kind."""
        kind = self.kinds[name]
        return (kind.damage if rng.random() < 0.7 else mutated)(kind.whole, rng)

    def read(self, name: str, data: bytes) -> bool:
        """Return whether a file of this content is read; False if it is refused as it should."""
        kind = self.kinds[name]
        shutil.rmtree(self.place)
        kind.path.parent.mkdir(parents=True)
        kind.path.write_bytes(data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of ASE and numpy, about what they read
                kind.read(kind.path)
        except AoflError:
            return False
        return True

    def elsewhere(self) -> list[str]:
        """Return what lies outside of the places that readers were given."""
        allowed = {self.place, self.run.path, self.directory / "H3.extxyz"}
        return [str(path) for path in self.directory.iterdir() if path not in allowed]


def toy_reference() -> Any:
    """Return a context in which the configured reference costs a millisecond."""
    toy = FreshReference(None, description={"code": "toy"})
    return patch.dict(assemble.REFERENCES, {"tblite": lambda config, directory: toy})


def _read_trajectory(path: Path) -> None:
    list(iterate_trajectory(path.with_name("trajectory.extxyz")))


def _open_dataset(path: Path) -> None:
    dataset = Dataset(path)
    dataset.close()
    list(dataset)


def campaign(counts: dict[str, int], seed: int) -> dict[str, Any]:
    """Fuzz kinds of files; return counts, and what went wrong with the bytes that did it."""
    found: dict[str, Any] = {"inputs": 0, "refused": 0, "wrong": [], "seconds": {}}
    with tempfile.TemporaryDirectory() as directory:
        corpus = Corpus(Path(directory))
        for name, data in _cases(corpus, counts, seed, found["seconds"]):
            found["inputs"] += 1
            try:
                found["refused"] += not corpus.read(name, data)
            except Exception as error:
                trace = "".join(traceback.format_exception(error)[-3:])
                found["wrong"].append((name, repr(error), trace, data[:200].hex()))
        found["elsewhere"] = corpus.elsewhere()
    return found


def _cases(
    corpus: Corpus, counts: dict[str, int], seed: int, seconds: dict[str, float]
) -> Iterator[tuple[str, bytes]]:
    for name, count in counts.items():
        start, rng = time.monotonic(), random.Random(f"{name} {seed}")
        for _ in range(count):
            yield name, corpus.case(name, rng)
        seconds[name] = round(time.monotonic() - start, 1)


def main() -> None:
    """Fuzz with 2 GB of memory to spend, so that a header cannot ask for more unnoticed."""
    resource.setrlimit(resource.RLIMIT_DATA, (2 << 30, 2 << 30))
    counts = {name: int(n) for name, _, n in (a.partition("=") for a in sys.argv[2:])}
    found = campaign(counts, int(sys.argv[1]))
    for name, error, trace, _ in found["wrong"][:20]:
        print(name, error, trace, sep="\n", file=sys.stderr)  # noqa: T201
    wrong = [(name, error[:300]) for name, error, _, _ in found["wrong"]]
    print(json.dumps({**found, "wrong": wrong}))  # noqa: T201


if __name__ == "__main__":
    main()
