"""Runs whose structure is too large for a label, as a user runs, kills and resumes them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from command_line import aofl, killed
from same_path import assert_same_path, ledger

from aofl.bayes.error_statistics import error_sums, total
from aofl.forcefield.model import ForceField
from aofl.report.data import read_run

CONFIG = """
mode: aofl
seed: 3
system: {structure: START}
reference: {name: ase, calculator: counted.Counted, arguments: {calls: CALLS}}
force_field: {name: ace, accuracy: fast}
labels: {cut: {max_atoms: 100, margin_A: 5.0}}
learning: {target_force_error_meV_per_A: 60, audit_probability: 0.1}
dynamics: {name: langevin, timestep_fs: 2, temperature_K: 700, steps: 60}
output: {trajectory_every: 1, checkpoint_every: 20}
"""


def made(place: Path) -> Path:
    place.mkdir()
    start = bulk("Cu", "fcc", a=3.7, cubic=True) * (4, 4, 4)
    start.rattle(0.05, rng=np.random.default_rng(1))
    start.write(place / "start.xyz")
    text = CONFIG.replace("START", str(place / "start.xyz")).replace("CALLS", str(place / "calls"))
    path = place / "run.yaml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("cut") / "config")


@pytest.fixture(scope="module")
def finished(config: Path) -> Path:
    out = config.parent / "run"
    done = aofl("run", config, "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def test_cut_outs_teach_the_forces_of_the_whole(finished: Path) -> None:
    known = ForceField.load(finished / "model.h5", on_uncertain="ignore")
    errors = []
    for atoms in ase.io.read(finished / "trajectory.0001.extxyz.gz", "::20"):
        said = known.predict(atoms).forces
        atoms.calc = EMT()
        errors.append(said - atoms.get_forces())
    assert np.sqrt(np.mean(np.square(errors))) < 0.03


def test_labels_are_of_parts_and_each_is_made_once(config: Path, finished: Path) -> None:
    lines = [line for line in ledger(finished) if line["action"] == "label"]
    assert lines
    assert all(line["cut"]["atoms"] < 256 for line in lines)
    frames = ase.io.read(finished / "labels.extxyz", ":")
    shown = [(len(frame), int(frame.arrays["REF_core"].sum())) for frame in frames]
    assert shown == [(line["cut"]["atoms"], line["cut"]["core"]) for line in lines]
    calls = Counter((config.parent / "calls").read_text().split())
    assert set(calls.values()) == {1}
    summary = json.loads((finished / "summary.json").read_text())
    assert summary["aimd_step_s"] is summary["speedup"] is None


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_a_killed_run_takes_the_same_path_and_labels_nothing_twice(
    finished: Path, tmp_path: Path, share: float
) -> None:
    config, out = made(tmp_path / "config"), tmp_path / "run"
    size = (finished / "labels.extxyz").stat().st_size * share
    killed("run", config, "--out", out, growing=out / "labels.extxyz", size=size)
    done = aofl("resume", out)
    assert done.returncode == 0, done.stderr
    assert_same_path(out, finished)
    assert (out / "labels.extxyz").stat().st_size > size
    calls = Counter((config.parent / "calls").read_text().split())
    assert sum(calls.values()) <= len(calls) + 1  # at most the one that was being made


def test_its_labels_train_and_test_a_force_field(finished: Path, tmp_path: Path) -> None:
    labels, model = finished / "labels.extxyz", tmp_path / "model.h5"
    trained = aofl("train", labels, "--out", model)
    assert trained.returncode == 0, trained.stderr
    evaluate = ("evaluate", model, labels, "--plot", tmp_path / "parity.svg")
    told = aofl(*evaluate, "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["forces_rmse"] < 0.03
    assert found["energy_rmse_per_atom"] is None
    assert "energy" not in aofl(*evaluate).stdout.partition("forces  RMSE")[2]


def test_a_check_labels_a_part_and_does_not_guess_aimd(config: Path) -> None:
    told = aofl("check", config, "--label")
    assert told.returncode == 0, told.stderr
    assert "cut-out     100 atoms, of which the forces on" in told.stdout
    assert "labels of cut-outs do not tell" in told.stdout


def test_the_report_tells_it_and_counts_cores_alone(finished: Path) -> None:
    assert aofl("report", finished).returncode == 0
    page = (finished / "report.html").read_text()
    assert "cut out along a, b, c: 100 of 256 atoms" in page
    assert "labels are of cut-outs of up to 100 atoms: what AIMD" in page
    run = read_run(finished)
    shown = total(x for audit in run.audits for x in error_sums(*audit).values())
    assert shown.rmse == pytest.approx(run.summary["audit_forces_rmse"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("mode: aimd", "`mode: aimd` moves the whole on labels"),
        ("labels: {background: 1, cut: {max_atoms: 100}}", "`labels.background` sends whole"),
        ("labels: {cut: {max_atoms: 100, margin_A: 12, vacuum_A: 9}}", "must be wider than"),
        (
            "dynamics: {name: mtk, cell: full, timestep_fs: 1, temperature_K: 300, "
            "pressure_GPa: 0, steps: 9}",
            "`dynamics.pressure_GPa` needs a stress",
        ),
    ],
)
def test_what_needs_labels_of_the_whole_is_refused(
    config: Path, tmp_path: Path, change: str, said: str
) -> None:
    key = change.partition(":")[0]
    lines = [line for line in config.read_text().splitlines() if not line.startswith(f"{key}:")]
    changed = tmp_path / "run.yaml"
    changed.write_text("\n".join([*lines, change]))
    done = aofl("run", changed, "--out", tmp_path / "run")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()
