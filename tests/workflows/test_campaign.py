"""Campaigns in real processes: walkers run beside one another, leave when asked, and go on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ase import Atoms
from typer.testing import CliRunner

from aofl import api
from aofl.cli.main import app
from aofl.config import read_config
from aofl.errors import ConfigError, StoreError, StructureError
from aofl.store import CampaignDirectory, Dataset

CONFIG = """\
mode: aofl
seed: 3
system: {structure: start.extxyz}
reference: {name: ase, calculator: sleepy.Sleepy}
force_field: {accuracy: fast}
learning: {target_force_error_meV_per_A: 200}
dynamics:
  {name: langevin, temperature_K: 600, timestep_fs: 1.0, friction_per_ps: 10, steps: STEPS}
output: {checkpoint_every: 10}
walkers: WALKERS
"""
SLEEPY = """\
import time
from ase.calculators.emt import EMT

class Sleepy(EMT):
    def calculate(self, *args, **kwargs):
        time.sleep(0.2)
        super().calculate(*args, **kwargs)
"""


@pytest.fixture
def place(tmp_path: Path, copper: Atoms, monkeypatch: pytest.MonkeyPatch) -> Path:
    copper.write(tmp_path / "start.extxyz")
    (tmp_path / "sleepy.py").write_text(SLEEPY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    return tmp_path


def written(place: Path, walkers: str, steps: int = 40) -> Path:
    config = place / "run.yaml"
    config.write_text(CONFIG.replace("WALKERS", walkers).replace("STEPS", str(steps)))
    return config


def aofl(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "aofl.cli", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, **options)


def hashes(labels: Path) -> list[str]:
    with contextlib.closing(Dataset(labels)) as dataset:
        return [str(entry.provenance["hash"]) for entry in dataset]


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"{path} does not come"
        time.sleep(0.05)


def test_a_walker_that_fails_takes_no_other_along(place: Path) -> None:
    vary = "{learning.budget.max_labels: [100, 2]}"
    config = written(place, f"{{count: 2, vary: {vary}}}", steps=10)
    out, said = (process := aofl("run", config, "--out", place / "c")).communicate(timeout=120)
    assert process.returncode == 1
    assert "walker 001 failed (exit code 1)" in said
    assert "max_labels" in said  # what the walker itself said
    assert "failed:" in out
    found = api.status(place / "c")
    assert [w["status"] for w in found["walkers"]] == ["done", "failed"]
    assert found["status"] == "failed"
    assert found["labels"] == sum(w["labels"] for w in found["walkers"])
    merged = api.merge([place / "c"], place / "all.extxyz")
    files = [CampaignDirectory(path=place / "c").walker(k).labels for k in range(2)]
    digests = [digest for file in files for digest in hashes(file)]
    assert merged.n_frames == len(digests) > len(set(digests))  # both labelled the start
    assert len(merged.labels) == len(set(digests))
    shown = CliRunner().invoke(app, ["status", str(place / "c")]).output
    assert "001" in shown
    assert "10/10" in shown


def test_a_signal_lets_every_walker_stop(place: Path) -> None:
    config = written(place, "{count: 2}", steps=4000)
    process = aofl("run", config, "--out", place / "c", "--processes", 2)
    campaign = CampaignDirectory(path=place / "c")
    for number in range(2):
        wait_for(campaign.walker(number).checkpoint, process)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "stopped:" in out
    found = api.status(place / "c")
    assert [w["status"] for w in found["walkers"]] == ["stopped", "stopped"]


def test_walkers_leave_when_their_parent_is_killed(place: Path) -> None:
    config = written(place, "{count: 2}", steps=4000)
    process = aofl("run", config, "--out", place / "c", "--processes", 2)
    campaign = CampaignDirectory(path=place / "c")
    for number in range(2):
        wait_for(campaign.walker(number).checkpoint, process)
    process.kill()
    process.communicate()
    end = time.monotonic() + 30
    while any(campaign.walker(number).is_held() for number in range(2)):
        assert time.monotonic() < end, "a walker goes on without its parent"
        time.sleep(0.05)
    assert [w["status"] for w in api.status(place / "c")["walkers"]] == ["stopped", "stopped"]


@pytest.mark.slow
def test_the_wall_time_ends_all_and_code_3_says_so(place: Path) -> None:
    config = written(place, "{count: 3}", steps=4000)
    start = time.monotonic()
    process = aofl("run", config, "--out", place / "c", "--processes", 2, "--max-walltime", "8s")
    process.communicate(timeout=60)
    assert process.returncode == 3
    assert time.monotonic() - start < 20  # on a busy machine Python itself takes seconds
    states = [w["status"] for w in api.status(place / "c")["walkers"]]
    assert states == ["stopped", "stopped", "waiting"]


@pytest.mark.slow
def test_more_steps_and_more_walkers_are_gone_on_with(place: Path) -> None:
    api.make(read_config(written(place, "{count: 1}", steps=10)), place / "c")
    assert api.resume_campaign(place / "c", n_processes=1).status == "done"
    campaign = CampaignDirectory(path=place / "c")
    text = campaign.config.read_text()
    campaign.config.write_text(text.replace("count: 1", "count: 2"))
    assert api.resume_campaign(place / "c", steps=20, n_processes=2).status == "done"
    assert [w["steps"] for w in api.status(place / "c")["walkers"]] == [20, 20]


def test_nothing_is_written_where_one_walker_cannot_begin(place: Path, copper: Atoms) -> None:
    copper.positions[1] = copper.positions[0] + 0.1
    copper.write(place / "clash.extxyz")
    config = written(place, "{count: 2, vary: {structure: [start.extxyz, clash.extxyz]}}")
    with pytest.raises(StructureError):
        api.make(read_config(config), place / "c")
    assert not (place / "c").exists()


def test_one_process_drives_a_campaign_and_a_directory_is_used_once(place: Path) -> None:
    config = read_config(written(place, "{count: 2}"))
    api.make(config, place / "c")
    with pytest.raises(StoreError, match="exists and is not empty"):
        api.make(config, place / "c")
    with CampaignDirectory(path=place / "c").lock(), pytest.raises(StoreError, match="in use"):
        api.resume_campaign(place / "c")


def test_what_is_for_one_run_is_refused(place: Path) -> None:
    config = read_config(written(place, "{count: 2}"))
    api.make(config, place / "c")
    with pytest.raises(ConfigError, match="--max-labels is for one run"):
        CliRunner().invoke(
            app, ["resume", str(place / "c"), "--max-labels", "5"], catch_exceptions=False
        )
    with pytest.raises(ConfigError, match="resume_campaign"):
        api.resume(place / "c")
    with pytest.raises(ConfigError, match="run_campaign"):
        api.run(config, place / "d")


def test_steps_that_differ_between_walkers_are_not_overridden(place: Path) -> None:
    config = written(place, "{count: 2, vary: {dynamics.steps: [10, 20]}}")
    api.make(read_config(config), place / "c")
    with pytest.raises(ConfigError, match=r"change it in .*campaign\.yaml"):
        api.resume_campaign(place / "c", steps=30)


def test_a_walker_without_its_record_but_with_labels_is_not_made_anew(place: Path) -> None:
    api.make(read_config(written(place, "{count: 1}")), place / "c")
    run = CampaignDirectory(path=place / "c").walker(0)
    run.record.unlink()
    run.labels.write_text("precious")
    with pytest.raises(StoreError, match="restore it from a copy"):
        api.resume_campaign(place / "c")
    assert run.labels.read_text() == "precious"


def test_a_walker_that_is_damaged_takes_no_other_along(place: Path) -> None:
    api.make(read_config(written(place, "{count: 2}", steps=5)), place / "c")
    run = CampaignDirectory(path=place / "c").walker(0)
    run.config.write_text("mode: [\n")
    outcome = api.resume_campaign(place / "c")
    assert outcome.status == "failed"
    assert [ended.number for ended in outcome.failed] == [0]
    assert "config.yaml" in str(outcome.failed[0])
    assert api.status(place / "c")["walkers"][1]["status"] == "done"


def test_only_make_makes_a_run_that_resume_begins(place: Path) -> None:
    config = written(place, "null", steps=3)
    words = ["run", str(config), "--out", str(place / "r"), "--only-make", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"directory": str(place / "r")}
    assert not (place / "r" / "labels.extxyz").exists()
    assert api.resume(place / "r") == "done"


def test_a_walker_that_another_process_has_is_waited_for(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    api.make(read_config(written(place, "{count: 1}", steps=5)), place / "c")
    run, waits = CampaignDirectory(path=place / "c").walker(0), 0
    lock = run.lock()
    lock.__enter__()

    def on_wait() -> None:
        nonlocal waits
        waits += 1
        if waits == 4:
            assert not run.checkpoint.exists()
            lock.__exit__(None, None, None)

    assert api.resume_campaign(place / "c", on_wait=on_wait).status == "done"
    assert waits > 4
    assert caplog.text.count(f"in use by process {os.getpid()}") == 1
