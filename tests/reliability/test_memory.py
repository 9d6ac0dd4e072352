"""A run of a million steps takes no more memory than one of ten thousand, and no more threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import pytest
import threadpoolctl

from aofl.assemble import limited_threads
from aofl.learning.resources import Need, memory_limit, resident_bytes
from aofl.learning.tally import AuditTally
from aofl.learning.wall import CallTimes


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
    assert times.median() == pytest.approx(exact[10_000], rel=0.01)
    assert len(times.counts) < 700
    assert CallTimes.from_json(json.loads(json.dumps(times.to_json()))) == times
    assert CallTimes.from_json([2.0, 2.0, 9.0]).median() == pytest.approx(2.0, rel=0.01)
    assert CallTimes().median() is None
    for strange in (0.0, -1.0, 1e300):
        times.append(strange)
    assert len(times.counts) < 703


def test_the_tally_of_a_ledger_line_by_line_is_the_error_of_all_audits() -> None:
    part = {"n": 2, "sum_sq": 8.0, "sum_abs": 4.0, "max": 2.0}
    lines = [
        {"rule": "audit", "errors": {"Cu": part}},
        {"rule": "random_audit", "errors": {"Cu": part, "Al": {**part, "sum_sq": 0.0}}},
        {"rule": "uncertainty", "errors": {"Cu": part}},
        {"rule": "audit", "errors": None},
    ]
    figures = AuditTally.of(lines).figures()
    assert figures["audit_forces_rmse"] == pytest.approx((16 / 6) ** 0.5)
    assert figures["audit_forces_rmse_by_element"] == {"Cu": 2.0, "Al": 0.0}
    assert (figures["n_audit_frames"], figures["random_audits"]) == (2, 1)


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


def test_what_there_is_is_known() -> None:
    resident, limit = resident_bytes(), memory_limit()
    assert resident is not None
    assert limit is not None
    assert 10**7 < resident < limit
    assert Need(name="disk", needed=7.0, limit=10.0).share == pytest.approx(0.7)
    assert Need(name="disk", needed=1.0, limit=0.0).share == float("inf")
