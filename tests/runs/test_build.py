"""`aofl build` as its user runs it, and what a run does with what was built."""

from __future__ import annotations

import json
from pathlib import Path

import ase.io
import numpy as np
import pytest
from test_cli import aofl, assert_same_run

from aofl.store import iterate_trajectory

FROZEN = """
seed: 4
system:
  electrode: {element: Na, surface: bcc100, lattice_constant_A: 4.2, size: [2, 2, 3],
              frozen_layers: 1}
  electrolyte: {molecules: {H2O: 1}, gap_A: 7.0}
reference: {name: tblite, electronic_temperature_K: 3000}
force_field: {name: ace, accuracy: fast}
learning: {target_force_error_meV_per_A: 300}
dynamics: {name: langevin, timestep_fs: 0.5, temperature_K: 500, steps: 12}
output: {trajectory_every: 1, checkpoint_every: 5}
"""


@pytest.fixture(scope="module")
def frozen_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frozen")
    (folder / "run.yaml").write_text(FROZEN)
    done = aofl("run", folder / "run.yaml", "--out", folder / "whole")
    assert done.returncode == 0, done.stderr
    return folder / "whole"


def test_build_writes_a_structure_that_run_starts_from(tmp_path: Path, frozen_run: Path) -> None:
    (tmp_path / "run.yaml").write_text(FROZEN)
    done = aofl("build", tmp_path / "run.yaml", "--out", tmp_path / "built", "--stages")
    assert done.returncode == 0, done.stderr
    assert "H2O" in done.stdout
    built = {path.name for path in (tmp_path / "built").iterdir()}
    assert built == {
        "start.extxyz", "start.png", "system.json", "bulk.extxyz", "molecules.extxyz",
        "liquid.extxyz",
    }  # fmt: skip
    told = json.loads((tmp_path / "built" / "system.json").read_text())
    assert (told["n_atoms"], told["n_frozen"]) == (15, 4)
    done = aofl("build", tmp_path / "run.yaml", "--out", tmp_path / "json", "--json")
    files = ["start.extxyz", "start.png", "system.json"]
    place = {"directory": str(tmp_path / "json"), "files": files}
    assert json.loads(done.stdout) == {**place, **told}
    system = FROZEN[FROZEN.index("system:") : FROZEN.index("reference:")]
    again = FROZEN.replace(system, "system: {structure: built/start.extxyz}\n")
    (tmp_path / "again.yaml").write_text(again)
    same = tmp_path / "same"
    assert aofl("run", tmp_path / "again.yaml", "--out", same).returncode == 0
    assert_same_run(same, frozen_run)


def test_frozen_layers_stay_through_a_stop_and_a_resume(tmp_path: Path, frozen_run: Path) -> None:
    (tmp_path / "run.yaml").write_text(FROZEN)
    halves = tmp_path / "halves"
    assert aofl("run", tmp_path / "run.yaml", "--out", halves, "--steps", 7).returncode == 0
    assert aofl("resume", halves, "--steps", 12).returncode == 0
    assert_same_run(halves, frozen_run)
    frames = list(iterate_trajectory(halves / "trajectory.extxyz"))
    moved = np.abs(frames[-1].positions - frames[0].positions).max(axis=1)
    start = ase.io.read(halves / "start.extxyz")
    frozen = start.constraints[0].index
    assert len(frozen) == 4
    assert moved[frozen].max() == 0
    assert np.delete(moved, frozen).min() > 0
    labels = ase.io.read(halves / "labels.extxyz", ":")
    assert all(np.abs(one.arrays["REF_forces"][frozen]).max() > 0 for one in labels)


def test_bad_systems_are_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    for old, new, words in (
        ("H2O: 1", "NaPF7: 1", "NaPF6"),
        ("H2O: 1", "Na+: 1", "total charge of +1"),
        ("gap_A: 7.0", "density_g_per_cm3: 9.0", "no liquid of H2O"),
        ("bcc100", "bcc", "surface 'bcc'"),
        ("frozen_layers: 1", "frozen_layers: 3", "leave at least one"),
        ("name: langevin", "name: nose_hoover", "use 'langevin' or 'bussi'"),
    ):
        (tmp_path / "run.yaml").write_text(FROZEN.replace(old, new))
        done = aofl("build", tmp_path / "run.yaml", "--out", tmp_path / "built")
        assert done.returncode == 2, done
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "built").exists()
