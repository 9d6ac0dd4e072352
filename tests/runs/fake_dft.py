"""A run of a second whose labels are made by the stand-in for `cp2k_shell`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write

FAKE = Path(__file__).parents[1] / "reference" / "codes" / "fake_cp2k_shell.py"
CONFIG = """
mode: aofl
seed: 1
system: {structure: start.xyz}
reference: {name: cp2k, command: COMMAND, timeout_s: 1.0}
labels: {on_failure: continue}
force_field: {name: ace, accuracy: fast}
learning: {audit_probability: 1.0}
dynamics: {name: velocity_verlet, timestep_fs: 1.0, temperature_K: 300, steps: 24}
output: {trajectory_every: 10, checkpoint_every: 10}
"""


def prepared(directory: Path) -> Path:
    """Write `run.yaml` and its structure; every step asks for a label of the code."""
    positions = 2.2 * np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    write(directory / "start.xyz", Atoms("Na8", positions + 4.0, cell=[12.0] * 3, pbc=True))
    command = json.dumps([sys.executable, str(FAKE), str(directory / "plan.json")])
    (directory / "run.yaml").write_text(CONFIG.replace("COMMAND", command))
    write_plan(directory, [])
    return directory


def write_plan(directory: Path, plan: list[str]) -> None:
    """Say what goes wrong at the evaluations to come, in order; nothing after the last."""
    (directory / "plan.json").write_text(json.dumps(plan))


def n_evaluations(directory: Path) -> int:
    """Return how often the code was asked so far, by all runs together."""
    log = directory / "plan.log"
    return len(log.read_text().splitlines()) if log.exists() else 0
