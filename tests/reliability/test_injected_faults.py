"""Every fault ends in a handled label, or in one sentence and a run that can be continued."""

from __future__ import annotations

import errno
import json
import os
import signal
import time
from typing import Any

import numpy as np
import pytest
from evidence import events, science, stop_at

import aofl.simulation.summary
from aofl import api
from aofl.errors import ReferenceFailed, RunStopped, StoreError
from aofl.records import Label
from aofl.store import (
    iterate_trajectory,
    load_checkpoint,
    read_labels,
)
from aofl.store.checkpoint import previous_checkpoint

# --- the reference ---------------------------------------------------------------------------


def crash(label: Label) -> Label:
    raise ReferenceFailed("the code crashed")


def time_out(label: Label) -> Label:
    raise ReferenceFailed("no answer after 3600 s")


def nan_forces(label: Label) -> Label:
    forces = label.forces.copy()
    forces[0, 0] = np.nan
    return changed(label, forces=forces)


def garbage(label: Label) -> Label:
    return changed(label, forces=label.forces[:3])


def wrong_state(label: Label) -> Label:
    return changed(label, energy=label.energy - 7400.0)


def changed(label: Label, **values: Any) -> Label:
    kept = {"energy": label.energy, "forces": label.forces, "seconds": label.seconds}
    return Label(**{**kept, **values})


FAULTS = (crash, time_out, nan_forces, garbage, wrong_state)


def test_bad_labels_by_a_seeded_schedule_never_stop_nor_stain_a_run(bench: Any) -> None:
    rng = np.random.default_rng(4)
    drawn = rng.integers(0, len(FAULTS), 1000)
    is_faulty = rng.random(1000) > 0.4
    is_faulty[:12] = False  # the first labels are young: nothing can tell a wrong state by then
    hit: dict[int, str] = {}

    def fault(call: int, label: Label) -> Label:
        # A label that is doubted is asked for again under the same number, with the same fault.
        if not is_faulty[call]:
            return label
        chosen = FAULTS[drawn[call]]
        hit[call] = chosen.__name__
        return chosen(label)

    bench.reference(fault)
    steps = {"dynamics.steps": 220, "learning.audit_probability": 0.4}
    run = bench.run("faulty", **steps)
    assert set(hit.values()) == {chosen.__name__ for chosen in FAULTS}
    assert events(run).count("label_failed") == len(hit)
    frames = list(iterate_trajectory(run / "trajectory.extxyz"))
    assert {len(atoms) for atoms in frames} == {8}
    assert all(np.isfinite(atoms.positions).all() for atoms in frames)
    energies = [entry.label.energy for entry in read_labels(run / "labels.extxyz")]
    assert max(energies) - min(energies) < 10.0
    for name in ("thermo.csv", "ledger.jsonl", "labels.extxyz", "events.jsonl", "summary.json"):
        assert "nan" not in (run / name).read_text().lower(), name


def test_a_reference_that_never_answers_stops_the_run_with_a_sentence(bench: Any) -> None:
    bench.reference(lambda call, label: crash(label) if call > 1 else label)
    with pytest.raises(RunStopped, match="failed 10 times in a row"):
        bench.run("dead", **{"dynamics.steps": 800, "learning.audit_probability": 1.0})
    assert json.loads((bench.path / "dead" / "summary.json").read_text())["status"] == "failed"


def test_a_fault_of_the_caller_is_his_and_the_run_says_that_it_ended(bench: Any) -> None:
    whole = science(bench.run("whole"))

    def fault(run: Any) -> None:
        if run.step == 13:
            raise ZeroDivisionError("in the caller's own code")

    with pytest.raises(ZeroDivisionError):
        bench.run("run", fault)
    summary = api.status(bench.path / "run")
    assert summary["status"] == "failed"
    assert summary["reason"] == "ZeroDivisionError: in the caller's own code"
    assert api.resume(bench.path / "run") == "done"
    assert science(bench.path / "run") == whole


# --- the disk --------------------------------------------------------------------------------


def test_a_full_disk_at_any_write_stops_cleanly_and_resume_ends_the_same(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = science(bench.run("whole"))
    write, rng = os.write, np.random.default_rng(9)
    for trial, first in enumerate(rng.integers(6, 65, 3)):
        count = 0

        def full(descriptor: int, data: Any, first: int = int(first)) -> int:
            nonlocal count
            count += 1
            if count >= first:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(descriptor, data)

        out = bench.path / f"full-{trial}"
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises((RunStopped, StoreError), match="No space left on device"):
                api.run(bench.config(), out)
        assert api.resume(out) == "done"
        assert science(out) == whole


def test_a_read_only_directory_is_one_sentence(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = bench.run("run", stop_at(12))

    def refuse(*arguments: Any) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    before = {file.name: file.read_bytes() for file in run.iterdir() if file.is_file()}
    with monkeypatch.context() as patch:
        for name in ("write", "replace", "ftruncate"):
            patch.setattr(os, name, refuse)
        with pytest.raises((RunStopped, StoreError), match="Read-only file system"):
            api.resume(run)
        with pytest.raises(StoreError, match="Read-only file system"):
            api.run(bench.config(), bench.path / "other")
    assert {file.name: file.read_bytes() for file in run.iterdir() if file.is_file()} == before


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("labels.extxyz", r"labels\.extxyz holds fewer labels"),
        ("ledger.jsonl", r"ledger\.jsonl has 0 bytes where the checkpoint expects"),
        ("thermo.csv", r"thermo\.csv has .* bytes where the checkpoint expects"),
        ("trajectory.0001.extxyz.gz", "one was cut or removed; restore it"),
        ("start.extxyz", r"has no start\.extxyz"),
        ("config.yaml", r"has no config\.yaml"),
    ],
)
def test_a_lost_file_is_named(bench: Any, name: str, sentence: str) -> None:
    run = bench.run("run", stop_at(12))
    (run / name).unlink()
    with pytest.raises(StoreError, match=sentence):
        api.resume(run)


def test_a_damaged_checkpoint_falls_back_and_says_so(bench: Any) -> None:
    whole = science(bench.run("whole"))
    run = bench.run("run", stop_at(12))
    checkpoint = run / "checkpoint.npz"
    data = bytearray(checkpoint.read_bytes())
    # In the content: dates and the like in the headers of the archive say nothing of the run.
    data[data.index(b"learned_ids")] ^= 0x40
    checkpoint.unlink()  # the archived copy is a hard link
    checkpoint.write_bytes(data)
    assert api.resume(run) == "done"
    assert "checkpoint_damaged" in events(run)
    assert science(run) == whole


def test_two_damaged_checkpoints_are_one_sentence(bench: Any) -> None:
    run = bench.run("run", stop_at(12))
    for path in (run / "checkpoint.npz", previous_checkpoint(run / "checkpoint.npz")):
        path.unlink()
        path.write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(StoreError, match="no checkpoint can be read"):
        api.resume(run)


# --- the outside -----------------------------------------------------------------------------


def test_a_jump_of_the_clock_changes_nothing(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = science(bench.run("whole"))

    class Jumping(aofl.simulation.summary.datetime):  # type: ignore[name-defined, misc]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls(1970 + int(time.monotonic() * 1000) % 100, 1, 1, tzinfo=tz)

    monkeypatch.setattr(aofl.simulation.summary, "datetime", Jumping)
    monkeypatch.setattr(time, "time", lambda: -1e9)
    assert science(bench.run("jumped")) == whole


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_checkpoint_and_leave(bench: Any, number: signal.Signals) -> None:
    whole = science(bench.run("whole"))
    out = bench.path / "stopped"

    def hook(run: Any) -> None:
        if run.step == 13:
            os.kill(os.getpid(), number)

    assert api.run(bench.config(), out, hook) == "stopped"
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["status"], summary["steps"]) == ("stopped", 13)
    assert number.name in summary["reason"]
    assert load_checkpoint(out / "checkpoint.npz").state["step"] == 13
    assert api.resume(out) == "done"
    assert science(out) == whole


def test_the_wall_time_stops_before_it_is_over(bench: Any) -> None:
    whole = science(bench.run("whole"))
    out = bench.path / "timed"
    start = time.monotonic()
    status = api.run(bench.config(), out, lambda run: time.sleep(0.2), max_walltime_s=1.5)
    assert status == "stopped"
    assert time.monotonic() - start < 10.0
    summary = json.loads((out / "summary.json").read_text())
    assert "wall time" in summary["reason"]
    assert 0 <= summary["steps"] < 24
    assert api.resume(out, max_walltime_s=3600) == "done"
    assert science(out) == whole
