"""A run with CP2K itself that is killed in the middle of a label keeps every label it had."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from aofl.store import Dataset, read_table

pytestmark = [
    pytest.mark.cp2k,
    pytest.mark.skipif(shutil.which("cp2k_shell") is None, reason="CP2K is not installed"),
]
STEPS = 5
START = """3
Lattice="5 0 0 0 5 0 0 0 5" Properties=species:S:1:pos:R:3 pbc="T T T"
O 0.0 0.0 0.0
H 0.97 0.0 0.0
H -0.24 0.93 0.0
"""
CONFIG = """
mode: aimd
seed: 1
system: {structure: start.extxyz}
reference: {name: cp2k}
dynamics: {name: velocity_verlet, timestep_fs: 0.5, temperature_K: 600, steps: 5}
output: {trajectory_every: 1, checkpoint_every: 2}
"""


def aofl(*arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "aofl.cli", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def killed_in_label(config: Path, out: Path, number: int) -> int:
    """Start a run, kill it while CP2K makes a label; return the process of CP2K, left behind."""
    process = aofl("run", config, "--out", out)
    labels, child = out / "labels.extxyz", out / "reference" / ".child"
    deadline = time.monotonic() + 500
    while not labels.exists() or labels.read_text().count("REF_energy") < number:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    size = output_size(out)
    while output_size(out) <= size:  # CP2K has begun with the next one
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert labels.read_text().count("REF_energy") == number, "the label was made already"
    return int(child.read_text().split()[0])


def output_size(out: Path) -> int:
    return sum(file.stat().st_size for file in (out / "reference").glob("*.out"))


def test_labels_are_unchanged_after_a_kill_in_the_middle_of_one(tmp_path: Path) -> None:
    (tmp_path / "start.extxyz").write_text(START)
    config, out, whole = tmp_path / "run.yaml", tmp_path / "killed", tmp_path / "whole"
    config.write_text(CONFIG)
    orphan = killed_in_label(config, out, 4)
    before = (out / "labels.extxyz").read_bytes()
    assert aofl("resume", out).wait(timeout=600) == 0
    after = (out / "labels.extxyz").read_bytes()
    assert after.startswith(before)
    assert not Path(f"/proc/{orphan}").exists()
    dataset = Dataset(out / "labels.extxyz")
    hashes = [entry.provenance["hash"] for entry in dataset]
    dataset.close()
    assert len(set(hashes)) == len(hashes) == STEPS + 1
    assert json.loads((out / "summary.json").read_text())["status"] == "done"
    assert aofl("run", config, "--out", whole).wait(timeout=600) == 0
    one, other = (
        [float(row["potential_eV"]) for row in read_table(run / "thermo.csv")]
        for run in (out, whole)
    )
    # Labels of before the kill are the same; CP2K begins anew afterwards.
    assert one[:3] == other[:3]
    np.testing.assert_allclose(one, other, atol=1e-3)
