"""A run that is killed at any instant ends bit for bit like one that was not.

The schedule is drawn from a seed: a kill in the n-th write (after part of the bytes), fsync,
rename, cut, link or removal, in a reference call, in an update, or at an instant of the clock. The
runs rewind, so kills fall into rewinds too; what each shows is asserted.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WORKER = Path(__file__).with_name("worker.py")


def campaign(directory: Path, seed: int, **kills: int) -> dict[str, dict[str, Any]]:
    """Return what happened, by scenario."""
    wanted = [f"{scenario}={n}" for scenario, n in kills.items()]
    done = subprocess.run(
        [sys.executable, WORKER, directory, str(seed), *wanted],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    assert {scenario: part["kills"] for scenario, part in found.items()} == kills
    return found


def assert_nothing_was_lost(found: dict[str, dict[str, Any]]) -> None:
    for scenario, part in found.items():
        assert part["different"] == [], scenario
        assert part["failed"] == 0, scenario
        assert part["lost"] == 0, scenario
        assert part["computed_twice"] == 0, scenario


def test_twenty_kills(tmp_path: Path) -> None:
    found = campaign(tmp_path, seed=7, reactive=12, rival=8)
    assert_nothing_was_lost(found)
    reactive, rival = found["reactive"]["whole"], found["rival"]["whole"]
    assert min(reactive[name] for name in ("rewinds", "bonds", "watched", "chemistry")) >= 1
    assert rival["labels"] >= 5


def test_kills_while_a_schedule_heats_and_quenches(tmp_path: Path) -> None:
    found = campaign(tmp_path, seed=3, melting=8)
    assert_nothing_was_lost(found)
    assert found["melting"]["whole"]["rewinds"] == 2


def test_kills_while_the_cell_moves(tmp_path: Path) -> None:
    found = campaign(tmp_path, seed=4, pressed=8)
    assert_nothing_was_lost(found)
    assert found["pressed"]["whole"]["rewinds"] == 2


def test_kills_under_a_bias(tmp_path: Path) -> None:
    found = campaign(tmp_path, seed=5, pulled=8)
    assert_nothing_was_lost(found)
    assert found["pulled"]["whole"]["rewinds"] == 2


@pytest.mark.soak
def test_two_hundred_kills(tmp_path: Path) -> None:
    found = campaign(tmp_path, seed=2026, guarded=60, reactive=80, rival=40, production=20)
    print(json.dumps(found))  # noqa: T201 - the figures of a soak are its result
    assert_nothing_was_lost(found)
    assert len(set().union(*(part["hits"] for part in found.values()))) >= 6
    assert found["guarded"]["whole"]["rewinds"] == 2
    assert found["production"]["whole"]["audits"] >= 2
