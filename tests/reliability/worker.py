"""Runs with kills by a seeded schedule, in forked processes of a warm one.

    python worker.py DIRECTORY SEED SCENARIO=KILLS ...

makes an uninterrupted run of each scenario, then runs that are killed `KILLS` times in all, each
time resumed, and prints as JSON what differed (nothing should), how many kills hit which
operation, and how many labels were lost or computed twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")  # survives a fork

from scenarios import SCENARIOS, FreshReference, install, seen

from aofl import api
from aofl.config import RunConfig
from aofl.forcefield.model import ForceField
from aofl.store import Dataset, load_checkpoint, read_journal, structure_hash
from aofl.store.chunks import parts

OPERATIONS = ("write", "fsync", "replace", "ftruncate", "unlink", "link")
OF_A_SESSION = ("resumed", "forecast")  # events that tell of a process, not of the run


class Killer:
    """Ends this process by SIGKILL in operation number `at`, half way through if it is a write."""

    def __init__(self, at: int | None, rng: random.Random, note: Callable[[str], None]) -> None:
        self.count, self._at, self._rng, self._note = 0, at, rng, note

    def install(self) -> None:
        for name in OPERATIONS:
            setattr(os, name, self.wrapped(name, getattr(os, name)))
        FreshReference.label = self.wrapped("reference", FreshReference.label)  # type: ignore[method-assign]
        ForceField.learn = self.wrapped("learn", ForceField.learn)  # type: ignore[method-assign]

    def wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        write = os.write

        def counted(*arguments: Any, **options: Any) -> Any:
            self.count += 1
            if self.count != self._at:
                return call(*arguments, **options)
            if name == "write":
                data = bytes(arguments[1])
                write(arguments[0], data[: self._rng.randrange(len(data) + 1)])
            elif self._rng.random() < 0.5:
                call(*arguments, **options)
            self._note(name)
            os.kill(os.getpid(), signal.SIGKILL)
            return None

        return counted


class Witness:
    """Notes outside of the run directory which labels were computed and which were stored."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, line: str, _write: Callable[..., Any] = os.write) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        _write(descriptor, f"{line}\n".encode())
        os.close(descriptor)

    def install(self) -> None:
        label, append = FreshReference.label, Dataset.append

        def noted_label(reference: Any, atoms: Any, **options: Any) -> Any:
            digest = structure_hash(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc)
            self.note(f"computed {digest}")
            return label(reference, atoms, **options)

        def noted_append(dataset: Any, entry: Any) -> int:
            label_id = append(dataset, entry)
            digest = structure_hash(entry.numbers, entry.positions, entry.cell, entry.pbc)
            self.note(f"stored {digest}")
            return label_id

        FreshReference.label = noted_label  # type: ignore[method-assign]
        Dataset.append = noted_append  # type: ignore[method-assign]

    def lost_and_repeated(self, labels: Path) -> tuple[int, int]:
        """Return how many stored labels are not in the file, and how many were computed again."""
        dataset = Dataset(labels)
        stored: set[str] = set()
        repeated = 0
        for line in self.path.read_text().splitlines():
            kind, digest = line.split()
            if kind == "stored":
                stored.add(digest)
            elif kind == "computed":
                repeated += digest in stored
        lost = sum(dataset.find(digest) is None for digest in stored)
        dataset.close()
        return lost, repeated


def in_child(action: Callable[[], None], kill_after: float | None = None) -> int:
    """Run an action in a forked process, killed after a time if one is given; return its status."""
    pid = os.fork()
    if pid == 0:
        code = 0
        try:
            action()
        except BaseException:
            traceback.print_exc()
            code = 70
        os._exit(code)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def session(out: Path, config: RunConfig) -> None:
    """Start the run, or resume it where it was started before."""
    if (out / "run.json").exists():
        api.resume(out)
    else:
        for file in out.glob("*") if out.exists() else ():
            file.unlink()  # killed before the directory was whole: `aofl run` starts again
        api.run(config, out)


def fingerprint(run: Path) -> dict[str, Any]:
    """Return everything that must be bit-identical; times of a clock are left out."""
    checkpoint = load_checkpoint(run / "checkpoint.npz")
    labels = Dataset(run / "labels.extxyz")
    state = {k: v for k, v in checkpoint.state.items() if k != "wall"}
    state["config"]["force_field"]["model"] = None  # its path is that of the run
    state["memory"] = {**state["memory"], "reference_seconds": None}
    state["instants"] = [{**instant, "offsets": None} for instant in state["instants"]]
    model = run / "model.h5"
    found = {
        "trajectory": [part.read_bytes().hex() for part in parts(run / "trajectory.extxyz")],
        "thermo": (run / "thermo.csv").read_text(),
        "ledger": [{**line, "seconds": None} for line in read_journal(run / "ledger.jsonl")],
        "events": [
            {**line, "message": line.get("message", "").partition("; kept in ")[0]}
            for line in read_journal(run / "events.jsonl")
            if line["event"] not in OF_A_SESSION
        ],
        "labels": [
            (entry.provenance, entry.label.energy, entry.label.forces.tobytes().hex())
            for entry in labels
        ],
        "arrays": {k: v.tobytes().hex() for k, v in checkpoint.arrays.items()},
        "state": state,
        "model": hashlib.sha256(model.read_bytes()).hexdigest() if model.exists() else None,
    }
    labels.close()
    return found


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [key for key in one if one[key] != other[key]]


class Campaign:
    """Runs of one scenario that are killed and resumed until so many kills have happened."""

    def __init__(self, directory: Path, scenario: str, seed: int) -> None:
        self.directory = directory
        self.rng = random.Random(f"{scenario} {seed}")
        self.config = SCENARIOS[scenario](directory)
        self.hits: Counter[str] = Counter()
        self.report: dict[str, Any] = {"kills": 0, "runs": 0, "different": [], "lost": 0}
        self.report |= {"computed_twice": 0, "failed": 0}

    def reference_run(self) -> None:
        """Make the uninterrupted run; learn how many operations and how long it takes."""
        out, counted = self.directory / "whole", self.directory / "operations"

        def action() -> None:
            killer = Killer(None, self.rng, lambda name: None)
            killer.install()
            session(out, self.config)
            counted.write_text(str(killer.count))

        session(self.directory / "warm", self.config)  # compiled kernels go to all children
        start = time.monotonic()
        status = in_child(action)
        self.seconds = time.monotonic() - start
        if status != 0:
            raise SystemExit("the uninterrupted run failed")
        self.operations = int(counted.read_text())
        self.whole = fingerprint(out)
        self.report["whole"] = seen(out)

    def run_until(self, kills: int) -> None:
        while self.report["kills"] < kills:
            self.one_run(kills)
            self.report["runs"] += 1

    def one_run(self, kills: int) -> None:
        out = self.directory / f"killed-{self.report['runs']}"
        witness = Witness(self.directory / f"witness-{self.report['runs']}")
        witness.path.touch()
        while True:
            status = self.one_session(out, witness, may_kill=self.report["kills"] < kills)
            if status == 0:
                break
            if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
                self.report["failed"] += 1
                return
            self.report["kills"] += 1
        different = differences(self.whole, fingerprint(out))
        if different:
            self.report["different"].append({"run": out.name, "in": different})
        lost, repeated = witness.lost_and_repeated(out / "labels.extxyz")
        self.report["lost"] += lost
        self.report["computed_twice"] += repeated

    def one_session(self, out: Path, witness: Witness, *, may_kill: bool) -> int:
        by_clock = may_kill and self.rng.random() < 0.3
        at = self.rng.randrange(1, self.operations // 2) if may_kill and not by_clock else None
        hit = self.directory / "hit"
        hit.unlink(missing_ok=True)
        child_rng = random.Random(self.rng.random())

        def action() -> None:
            witness.install()
            Killer(at, child_rng, lambda name: Witness(hit).note(name)).install()
            session(out, self.config)

        status = in_child(action, self.rng.uniform(0, self.seconds) if by_clock else None)
        if os.WIFSIGNALED(status):
            self.hits[hit.read_text().strip() if hit.exists() else "clock"] += 1
        return status


def main() -> None:
    directory, seed = Path(sys.argv[1]), int(sys.argv[2])
    install()
    reports = {}
    for argument in sys.argv[3:]:
        scenario, _, kills = argument.partition("=")
        (directory / scenario).mkdir()
        campaign = Campaign(directory / scenario, scenario, seed)
        campaign.reference_run()
        campaign.run_until(int(kills))
        reports[scenario] = {**campaign.report, "hits": campaign.hits}
    print(json.dumps(reports))  # noqa: T201


if __name__ == "__main__":
    main()
