"""Run directories: made once, found again, held by one process."""

import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from ase.build import molecule

from aofl.errors import StoreError
from aofl.store import RunDirectory, read_atoms
from aofl.store.checkpoint import previous_checkpoint

HOLD = """
import sys, time
from pathlib import Path
from aofl.store import RunDirectory
with RunDirectory.open(Path(sys.argv[1])).lock():
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def run(tmp_path):
    return RunDirectory.create(
        tmp_path / "deep" / "run",
        config_text="mode: aofl\n",
        record={"seed": 1, "versions": {"numpy": "2"}},
        start_atoms=molecule("H2O"),
    )


@pytest.fixture
def holder(run):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run.path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_create_then_open(run):
    found = RunDirectory.open(run.path)
    assert found == run
    assert found.config.read_text() == "mode: aofl\n"
    assert found.read_record() == {"seed": 1, "versions": {"numpy": "2"}}
    assert read_atoms(found.start) == molecule("H2O")


def test_the_files_have_the_names_of_the_format(run):
    names = (
        "config record start labels ledger events thermo trajectory checkpoint model summary log"
    )
    files = [getattr(run, name) for name in names.split()]
    assert all(file.parent == run.path for file in files)
    assert [file.name for file in files] == [
        "config.yaml",
        "run.json",
        "start.extxyz",
        "labels.extxyz",
        "ledger.jsonl",
        "events.jsonl",
        "thermo.csv",
        "trajectory.extxyz",
        "checkpoint.npz",
        "model.h5",
        "summary.json",
        "run.log",
    ]


def test_an_existing_run_is_never_overwritten(run):
    with pytest.raises(StoreError, match=r"not empty: continue it with `aofl resume .*`--out`"):
        RunDirectory.create(run.path, config_text="", record={}, start_atoms=molecule("H2O"))
    assert run.config.read_text() == "mode: aofl\n"


def test_an_empty_directory_may_be_used(tmp_path):
    RunDirectory.create(tmp_path, config_text="", record={}, start_atoms=molecule("H2O"))
    assert RunDirectory.open(tmp_path).read_record() == {}


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(StoreError, match="cannot create the run directory"):
        RunDirectory.create(
            tmp_path / "run", config_text="", record={}, start_atoms=molecule("H2O")
        )


def test_open_says_what_is_missing(tmp_path, run):
    with pytest.raises(StoreError, match=r"there is no run directory .*aofl run"):
        RunDirectory.open(tmp_path / "nothing")
    run.record.unlink()
    with pytest.raises(StoreError, match=r"is no run directory, it has no run\.json"):
        RunDirectory.open(run.path)


def test_summary_round_trip_without_nan(run):
    run.write_summary({"steps": np.int64(5), "audit_forces_rmse": float("nan"), "status": "done"})
    assert run.read_summary() == {"steps": 5, "audit_forces_rmse": None, "status": "done"}


@pytest.mark.parametrize("text", ["{", "[1]", "", "[" * 100_000])
def test_a_damaged_summary_is_one_clear_sentence(run, text):
    run.summary.write_text(text)
    with pytest.raises(StoreError, match=r"summary\.json is not .*damaged"):
        run.read_summary()


def test_a_missing_summary_is_one_clear_sentence(run):
    with pytest.raises(StoreError, match=r"cannot read .*summary\.json: No such file"):
        run.read_summary()


def test_a_run_has_begun_with_either_checkpoint_and_has_lost_it_where_a_summary_is_left(run):
    assert not run.has_begun()
    for checkpoint in (run.checkpoint, previous_checkpoint(run.checkpoint)):
        checkpoint.touch()
        assert run.has_begun()
        checkpoint.unlink()
    run.write_summary({"status": "done"})
    with pytest.raises(StoreError, match=r"has run and has no checkpoint\.npz to go on from: copy"):
        run.has_begun()


def test_a_second_process_is_refused_and_a_dead_one_does_not_block(run, holder, caplog):
    with pytest.raises(StoreError, match=f"in use by process {holder.pid}"), run.lock():
        pytest.fail("two processes hold one run directory")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with caplog.at_level("WARNING"), run.lock():
        assert (run.path / ".lock").read_text().startswith(f"{os.getpid()} on ")
    assert f"process {holder.pid} on " in caplog.text
    assert "ended without giving the run back" in caplog.text
    caplog.clear()
    with run.lock():
        assert not caplog.text


def test_a_directory_is_abandoned_once_its_process_is_no_more(run, holder):
    assert not run.is_abandoned()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert run.is_abandoned()
    (run.path / ".lock").write_text(f"{holder.pid} on another-machine\n")
    assert not run.is_abandoned()
    with run.lock():
        assert not run.is_abandoned()
    assert not run.is_abandoned()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "x on y",
        f"{10**40} on {socket.gethostname()}",
        f"1\u00b2 on {socket.gethostname()}",
    ],
)
def test_a_lock_file_that_names_nobody_is_read_without_harm(run, text):
    (run.path / ".lock").write_text(text)
    assert run.is_abandoned() is text.startswith("1")


def test_the_lock_is_free_after_an_error(run):
    with pytest.raises(ValueError, match="boom"), run.lock():
        raise ValueError("boom")
    with run.lock(), pytest.raises(StoreError, match="in use"), run.lock():
        pytest.fail("the lock was given twice")
