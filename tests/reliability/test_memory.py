"""A run of a million steps takes no more memory than one of ten thousand, and no more threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
import pytest
import threadpoolctl
from evidence import events
from scenarios import crystal

from aofl.learning.timing import CallTimes
from aofl.records import ErrorSums, LedgerLine
from aofl.simulation import resources
from aofl.simulation.audit_statistics import AuditStatistics
from aofl.simulation.resources import Need, memory_limit, resident_bytes
from aofl.store import format_atoms, read_journal
from aofl.workflows.assemble import limited_threads

BUSY = """
mode: cofl
seed: 5
system: {structure: start.extxyz}
reference: {name: ase, calculator: ase.calculators.emt.EMT}
force_field: {accuracy: fast}
learning: {target_force_error_meV_per_A: 60}
dynamics: {name: nose_hoover, timestep_fs: 3.0, temperature_K: 400, steps: 40}
"""


def long_run(directory: Path, steps: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("memory.py"), directory, str(steps)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.soak
def test_memory_is_flat_over_a_million_steps(tmp_path: Path) -> None:
    found = long_run(tmp_path, 10**6)
    print(json.dumps(found))  # noqa: T201 - the figures of a soak are its result
    assert found["steps"] == 10**6
    assert found["MB"]["1000000"] <= 1.01 * found["MB"]["10000"]


def test_call_times_are_bounded_and_their_median_is_right() -> None:
    times, exact = CallTimes(), []
    for k in range(20_001):
        exact.append(0.3 * 1.0003**k)
        times.append(exact[-1])
    assert times.quantile(0.5) == pytest.approx(exact[10_000], rel=0.01)
    assert len(times.counts) < 700
    assert CallTimes.from_json(json.loads(json.dumps(times.to_json()))) == times
    assert CallTimes.from_json([2.0, 2.0, 9.0]).quantile(0.5) == pytest.approx(2.0, rel=0.01)
    assert CallTimes().quantile(0.5) is None
    for strange in (0.0, -1.0, 1e300):
        times.append(strange)
    assert len(times.counts) < 703


def test_the_tally_of_a_ledger_line_by_line_is_the_error_of_all_audits() -> None:
    part = ErrorSums(n=2, sum_sq=8.0, sum_abs=4.0, max=2.0)
    lines = [
        LedgerLine(step=k, time_fs=1.0 * k, action="label", rule=rule, reason="", errors=errors)
        for k, (rule, errors) in enumerate(
            [
                ("audit", {"Cu": part}),
                ("random_audit", {"Cu": part, "Al": replace(part, sum_sq=0.0)}),
                ("uncertainty", {"Cu": part}),
                ("audit", None),
            ]
        )
    ]
    figures = AuditStatistics.of(lines).figures()
    assert figures["audit_forces_rmse"] == pytest.approx((16 / 6) ** 0.5)
    assert figures["audit_forces_rmse_by_element"] == {"Cu": 2.0, "Al": 0.0}
    assert (figures["n_audit_frames"], figures["random_audits"]) == (2, 1)
    assert figures["audits_above_target"] is None  # nobody wrote down the worst atom


def test_the_tally_counts_audits_beyond_the_target_and_beyond_what_was_expected() -> None:
    lines = [
        LedgerLine(
            step=k, time_fs=1.0 * k, action="label", rule="audit", reason="", true_error=true,
            predicted_error=0.25, errors={"Cu": ErrorSums(n=1, sum_sq=1.0, sum_abs=1.0, max=1.0)},
        )
        for k, true in enumerate([0.1, 0.2, 0.28, 0.5])
    ]  # fmt: skip
    figures = AuditStatistics.of(lines, target=0.3).figures()
    assert (figures["audits_above_target"], figures["audits_above_expected"]) == (0.25, 0.5)


def test_a_run_takes_the_threads_it_was_given_and_gives_them_back() -> None:
    before = numba.get_num_threads()
    with limited_threads(1):
        assert numba.get_num_threads() == 1
        pools = threadpoolctl.threadpool_info()
        assert all(pool["num_threads"] == 1 for pool in pools), pools
    assert numba.get_num_threads() == before
    with limited_threads(10**6):  # never more than the machine has
        cores = len(os.sched_getaffinity(0))
        assert numba.get_num_threads() <= cores
        assert all(pool["num_threads"] <= cores for pool in threadpoolctl.threadpool_info())


def running_threads(process: subprocess.Popen[bytes]) -> int:
    """Return how many threads of a process want a core at this moment."""
    states = []
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            states.append((task / "stat").read_text().rpartition(")")[2].split()[0])
    return states.count("R")


@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_keeps_no_more_threads_busy_than_it_was_given(tmp_path: Path, threads: int) -> None:
    """Also where no variable of the environment holds OpenMP and OpenBLAS back."""
    (tmp_path / "start.extxyz").write_text(format_atoms(crystal() * (2, 2, 2)))
    config, out = tmp_path / "run.yaml", tmp_path / "out"
    config.write_text(BUSY + f"threads: {threads}\n")
    free = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    command = [sys.executable, "-m", "aofl.cli", "run", config, "--out", out]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=free
    )
    seen = []
    while process.poll() is None:
        if (out / "thermo.csv").exists() and not (out / "model.h5").exists():
            seen.append(running_threads(process))
        time.sleep(0.002)
    assert process.wait() == 0
    beyond = np.mean(np.array(seen) > threads)
    print("threads", threads, "mean", np.mean(seen), "beyond", beyond)  # noqa: T201
    assert len(seen) > 20
    assert np.mean(seen) > 0.2
    assert beyond < 0.03


def test_a_forecast_comes_first_and_a_warning_once_where_it_gets_tight(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = bench.run("roomy")
    assert (events(run).count("forecast"), events(run).count("resource_warning")) == (1, 0)
    forecast = next(e for e in read_journal(run / "events.jsonl") if e["event"] == "forecast")
    size = sum(file.stat().st_size for file in run.iterdir() if file.is_file()) / 1e6
    assert size / 5 < forecast["disk_needed_MB"] < 5 * size
    monkeypatch.setattr(resources, "memory_limit", lambda: int(1.3 * (resident_bytes() or 0)))
    monkeypatch.setattr(resources.shutil, "disk_usage", lambda path: SimpleNamespace(free=10_000))
    run = bench.run("tight")
    reasons = [
        e["reason"] for e in read_journal(run / "events.jsonl") if e["event"] == "resource_warning"
    ]
    assert [reason.partition(" of ")[0].rpartition(" ")[0] for reason in reasons] == [
        "the run will need", "the run will need", "the run takes", "the run takes",
    ]  # fmt: skip
    assert all("free space" in r or "use a machine with more" in r for r in reasons)


def test_what_there_is_is_known() -> None:
    resident, limit = resident_bytes(), memory_limit()
    assert resident is not None
    assert limit is not None
    assert 10**7 < resident < limit
    assert Need(name="disk", needed=7.0, limit=10.0).share == pytest.approx(0.7)
    assert Need(name="disk", needed=1.0, limit=0.0).share == float("inf")
