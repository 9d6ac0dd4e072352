"""Kills of a campaign at random instants: walkers, the parent, all at once; nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("campaign_kills.py")


@pytest.mark.slow
def test_a_killed_campaign_loses_no_label_and_makes_none_twice(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path, "11", "5"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["kills"] == 5
    assert found["labels"] > 10
    assert (found["lost"], found["made_twice"], found["orphans"]) == (0, 0, 0)
    assert found["exit_code"] == 0
