"""The job script for Slurm, submitted to a real Slurm of one node: runs as chains of jobs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from one_node import one_node, said, wait_until, why_not

from aofl.workflows.examples import job_script

pytestmark = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")

STEPS = 600
CONFIG = f"""\
mode: aofl
seed: 3
system: {{structure: start.extxyz}}
reference: {{name: ase, calculator: patient.Patient}}
force_field: {{accuracy: fast}}
learning: {{target_force_error_meV_per_A: 200}}
dynamics:
  {{name: langevin, temperature_K: 600, timestep_fs: 1.0, friction_per_ps: 10, steps: {STEPS}}}
output: {{checkpoint_every: 20}}
"""
# A reference that takes its time, so that a run is longer than a job. Each structure is new to it:
# a list of neighbours that EMT kept from another one would add up in another order.
PATIENT = """\
import time
from ase.calculators.calculator import all_changes
from ase.calculators.emt import EMT

class Patient(EMT):
    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        time.sleep(0.8)
        super().calculate(atoms, properties, all_changes)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    program = Path(sys.executable).parent
    with one_node(tmp_path_factory.mktemp("slurm")) as env:
        yield {**env, "PATH": f"{program}:{env['PATH']}", "AOFL_MAX_WALLTIME": "6s"}


@pytest.fixture
def place(tmp_path: Path, copper: object) -> Path:
    copper.write(tmp_path / "start.extxyz")  # type: ignore[attr-defined]
    (tmp_path / "run.yaml").write_text(CONFIG)
    (tmp_path / "patient.py").write_text(PATIENT)
    script = job_script("slurm")["job.slurm"].replace("--ntasks=16", "--ntasks=1")
    (tmp_path / "job.slurm").write_text(script.replace("--time=24:00:00", "--time=5"))
    return tmp_path


def submit(env: Mapping[str, str], place: Path) -> int:
    given = {**env, "PYTHONPATH": f"{place}:{os.environ.get('PYTHONPATH', '')}"}
    return int(said(given, "sbatch", "--parsable", "job.slurm", cwd=place))


def queue(env: Mapping[str, str]) -> list[str]:
    return said(env, "squeue", "--noheader", "--format", "%i %T").splitlines()


def end_of_chain(env: Mapping[str, str]) -> None:
    wait_until(lambda: not queue(env), 240.0)


def summary(place: Path) -> dict:
    return json.loads((place / "runs" / "mine" / "summary.json").read_text())


def labels(place: Path) -> list[int]:
    ledger = (place / "runs" / "mine" / "ledger.jsonl").read_text().splitlines()
    lines = [json.loads(line) for line in ledger]
    return [line["label_id"] for line in lines if line["action"] == "label"]


def test_a_chain_of_jobs_makes_the_run_that_one_job_makes(
    cluster: Mapping[str, str], place: Path
) -> None:
    submit(cluster, place)
    end_of_chain(cluster)
    assert summary(place)["status"] == "done", (place / "job.out").read_text()
    assert len((place / "job.next").read_text().splitlines()) > 1  # more than one job made it
    assert labels(place) == sorted(set(labels(place)))  # none lost, none twice
    alone = place / "alone"
    env = {**os.environ, "PYTHONPATH": f"{place}:{os.environ.get('PYTHONPATH', '')}"}
    command = [sys.executable, "-m", "aofl.cli", "run", "run.yaml", "--out", str(alone)]
    subprocess.run(command, cwd=place, env=env, check=True, capture_output=True)
    assert (place / "runs/mine/thermo.csv").read_bytes() == (alone / "thermo.csv").read_bytes()


def test_a_job_that_is_killed_is_followed_by_the_next(
    cluster: Mapping[str, str], place: Path
) -> None:
    job = submit(cluster, place)
    directory = place / "runs" / "mine"
    wait_until(lambda: (directory / "checkpoint.npz").exists() and len(queue(cluster)) == 2, 120.0)
    said(cluster, "scancel", "--full", "--signal=KILL", str(job))  # as at a limit, or an empty node
    end_of_chain(cluster)
    assert summary(place)["status"] == "done", (place / "job.out").read_text()
    assert labels(place) == sorted(set(labels(place)))


def test_nothing_follows_a_run_that_cannot_begin(cluster: Mapping[str, str], place: Path) -> None:
    (place / "run.yaml").write_text(CONFIG.replace("timestep_fs: 1.0", "timestep_fs: -1"))
    job = submit(cluster, place)
    end_of_chain(cluster)
    assert "ExitCode=2:0" in said(cluster, "scontrol", "show", "job", str(job))
    assert "timestep_fs" in (place / "job.out").read_text()
    assert not (place / "runs").exists()


def test_signals_reach_the_run(cluster: Mapping[str, str], place: Path) -> None:
    """`--signal=B:USR1@...` and `exec aofl`: what a script without a wall time of its own does."""
    script = f"#!/bin/bash\nexec {sys.executable} -m aofl.cli run run.yaml --out runs/mine\n"
    (place / "job.slurm").write_text(script)
    job = submit(cluster, place)
    wait_until((place / "runs" / "mine" / "checkpoint.npz").exists, 120.0)
    said(cluster, "scancel", "--batch", f"--signal={signal.SIGUSR1.name}", str(job))
    end_of_chain(cluster)
    assert "ExitCode=3:0" in said(cluster, "scontrol", "show", "job", str(job))
    assert summary(place)["status"] == "stopped"
