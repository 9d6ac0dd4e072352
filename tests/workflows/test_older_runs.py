"""Runs of before go on, whatever keys the configuration has got since."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aofl.config import config_from_mapping
from aofl.store import Checkpoint, RunDirectory
from aofl.workflows.session import changes_since

GIVEN = {
    "system": {"structure": "start.extxyz"},
    "dynamics": {"name": "langevin", "timestep_fs": 1.0, "temperature_K": 300.0,
                 "friction_per_ps": 5.0, "steps": 10},
}  # fmt: skip


@pytest.mark.parametrize("key", ["reference.multiplicity", "engine", "learning.strict"])
def test_a_key_that_has_come_since_is_no_change(key: str, tmp_path: Path) -> None:
    config = config_from_mapping(GIVEN)
    before = config.model_dump(mode="json")
    *path, last = key.split(".")
    section = before
    for name in path:
        section = section[name]
    del section[last]
    assert changes_of(before, tmp_path) == []
    before["seed"] = 7
    assert [change.key for change in changes_of(before, tmp_path)] == ["seed"]


def changes_of(before: dict, directory: Path) -> list:
    checkpoint = Checkpoint(state={"config": before, "step": 0}, arrays={"x": np.zeros(1)})
    return changes_since(
        checkpoint, config_from_mapping(GIVEN), RunDirectory(path=directory), is_branch=False
    )
