"""Labels made by other processes while a run goes on: same path at any speed, nothing lost."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from command_line import aofl, killed
from same_path import assert_same_path, ledger

from aofl import api
from aofl.config.read import config_from_mapping
from aofl.errors import ConfigError
from aofl.reference import TbliteReference

CONFIG = """
mode: aofl
seed: 3
system: {structure: START}
reference: {name: ase, calculator: counted.Counted, arguments: ARGUMENTS}
force_field: {name: ace, accuracy: fast}
learning: {target_force_error_meV_per_A: 40, audit_probability: 0.1}
labels: {background: N}
dynamics: {name: langevin, timestep_fs: 2, temperature_K: 500, steps: 160}
output: {trajectory_every: 1, checkpoint_every: 20}
"""


COLLISION = """
mode: aofl
seed: 18
system: {structure: START}
reference: {name: ase, calculator: counted.CountedMorse, arguments: ARGUMENTS}
force_field: {name: ace, accuracy: fast}
learning:
  target_force_error_meV_per_A: 1500
  audit_probability: 0.02
  guards: {max_temperature_K: 50000}
labels: {background: 2}
dynamics: {name: langevin, timestep_fs: 1, temperature_K: 500, friction_per_ps: 1, steps: 240}
output: {trajectory_every: 1, checkpoint_every: 20}
"""
MORSE = {"epsilon": 0.6, "r0": 0.74, "rho0": 1.4, "rcut1": 2.2, "rcut2": 3.2}


def collision(place: Path, **arguments: Any) -> Path:
    """Return a configuration of H2 and an H that comes to it, at a target that leaves no doubt."""
    place.mkdir()
    at = [[0, 0, 0], [0.74, 0, 0], [3.4, 0.1, 0]]
    start = Atoms("H3", at, cell=[8, 7, 7], pbc=True)
    start.set_momenta([[0.02, 0, 0], [0, 0, 0], [-0.5, 0, 0]])
    start.write(place / "start.extxyz")
    given = json.dumps({"calls": str(place / "calls"), **MORSE, **arguments})
    text = COLLISION.replace("ARGUMENTS", given).replace("START", str(place / "start.extxyz"))
    path = place / "run.yaml"
    path.write_text(text)
    return path


def made(place: Path, n: int = 2, **arguments: Any) -> Path:
    """Return a configuration whose calls of the reference are counted in a file beside it."""
    place.mkdir()
    start = bulk("Cu", "fcc", a=3.7, cubic=True) * (2, 2, 1)
    start.numbers[[1, 6]] = 13
    start.rattle(0.05, rng=np.random.default_rng(1))
    start.write(place / "start.xyz")
    given = json.dumps({"calls": str(place / "calls"), **arguments})
    path = place / "run.yaml"
    text = CONFIG.replace("ARGUMENTS", given).replace("START", str(place / "start.xyz"))
    path.write_text(text.replace("N}", f"{n}}}"))
    return path


def calls(config: Path) -> Counter[str]:
    return Counter((config.parent / "calls").read_text().split())


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("background") / "config")


@pytest.fixture(scope="module")
def finished(config: Path) -> Path:
    out = config.parent / "run"
    done = aofl("run", config, "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def test_audits_are_learned_later_and_every_structure_is_labelled_once(
    config: Path, finished: Path
) -> None:
    lines = [line for line in ledger(finished) if line["action"] == "label"]
    late = [line for line in lines if line["learned_step"] is not None]
    assert len(late) > 4
    assert all(line["rule"] in ("audit", "random_audit") for line in late)
    assert all(line["learned_step"] > line["step"] for line in late)
    assert set(calls(config).values()) == {1}
    n_out = calls(config).total() - len(lines)
    assert 0 <= n_out <= 2
    summary = json.loads((finished / "summary.json").read_text())
    assert summary["audits"] == sum(line["rule"] in ("audit", "random_audit") for line in lines)


def test_the_path_does_not_depend_on_how_fast_the_processes_are(
    finished: Path, tmp_path: Path
) -> None:
    slow = made(tmp_path / "slow", seconds=0.05)
    assert aofl("run", slow, "--out", tmp_path / "run").returncode == 0
    assert_same_path(tmp_path / "run", finished)


@pytest.mark.parametrize("share", [0.4, 0.8])
def test_a_killed_run_takes_the_same_path_and_labels_nothing_twice(
    finished: Path, tmp_path: Path, share: float
) -> None:
    config = made(tmp_path / "config", seconds=0.02)
    assert_goes_on(config, finished, share)
    assert set(calls(config).values()) == {1}


def assert_goes_on(config: Path, whole: Path, share: float) -> None:
    """Kill a run at a share of another's length; resumed, it takes the same path."""
    out = config.parent / "run"
    size = (whole / "thermo.csv").stat().st_size * share
    killed("run", config, "--out", out, growing=out / "thermo.csv", size=size)
    time.sleep(0.5)  # what was being labelled is finished and kept
    done = aofl("resume", out)
    assert done.returncode == 0, done.stderr
    assert_same_path(out, whole)


@pytest.fixture(scope="module")
def reacted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("reacted")
    done = aofl("run", collision(place / "config"), "--out", place / "run")
    assert done.returncode == 0, done.stderr
    return place / "run"


def test_labels_after_a_change_of_bonds_are_learned_later_too(reacted: Path) -> None:
    lines = [line for line in ledger(reacted) if line["rule"] == "chemistry"]
    late = [line for line in lines if line["learned_step"] is not None]
    assert len(late) > 4
    assert all(line["reason"].startswith("after H-H") for line in late)
    assert all(line["reactive"] for line in late)
    at_once = [line for line in lines if not line["reason"].startswith("after")]
    assert len(at_once) > 4
    assert all(line["learned_step"] is None for line in at_once)


@pytest.mark.parametrize("share", [0.4, 0.8])
def test_a_reaction_that_is_watched_late_survives_a_kill(
    reacted: Path, tmp_path: Path, share: float
) -> None:
    assert_goes_on(collision(tmp_path / "config", seconds=0.02), reacted, share)


def test_a_process_that_dies_costs_one_label(tmp_path: Path) -> None:
    config = made(tmp_path / "config", dies_at=14)
    done = aofl("run", config, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    events = [json.loads(x) for x in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    (failed,) = [event for event in events if event["event"] == "label_failed"]
    assert "SIGKILL" in failed["message"]


def test_a_reference_that_is_handed_over_cannot_be_made_again(tmp_path: Path) -> None:
    mapping = {
        "mode": "aofl",
        "system": {"structure": str(made(tmp_path / "config").parent / "start.xyz")},
        "reference": {"name": "tblite"},
        "labels": {"background": 1},
        "dynamics": {"name": "langevin", "timestep_fs": 1.0, "temperature_K": 300, "steps": 2},
    }
    config = config_from_mapping(mapping)
    with pytest.raises(ConfigError, match=r"`labels.background` is 1"):
        api.run(config, tmp_path / "run", reference=TbliteReference())
    assert not (tmp_path / "run").exists()
