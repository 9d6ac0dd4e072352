"""What a label is paid for is paid once; labels of another level of theory are never mixed in."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from ase.constraints import FixAtoms
from ase.io import read, write
from fake_dft import n_evaluations, prepared

from aofl import api
from aofl.config import read_config
from aofl.errors import ConfigError, ModelError, StoreError
from aofl.store import iterate_trajectory, read_labels

WRITTEN = ("labels.extxyz", "trajectory.0001.extxyz.gz")
STEPS = {"dynamics.steps": 6, "output.trajectory_every": 1}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return prepared(tmp_path)


def run(here: Path, name: str, **settings: object) -> Path:
    assert api.run(read_config(here / "run.yaml", {**STEPS, **settings}), here / name) == "done"
    return here / name


def test_a_run_that_begins_again_computes_nothing_that_it_has(here: Path) -> None:
    out = run(here, "out")
    assert n_evaluations(here) == 7
    written = [(out / name).read_bytes() for name in WRITTEN]
    for written_with_it in (*out.glob("checkpoint*.npz"), out / "summary.json"):
        written_with_it.unlink()  # killed before the first checkpoint
    shutil.rmtree(out / "checkpoints", ignore_errors=True)
    assert api.resume(out) == "done"
    assert n_evaluations(here) == 7
    assert [(out / n).read_bytes() for n in WRITTEN] == written
    # Going on asks for what is new alone.
    assert api.resume(out, {"dynamics.steps": 8}) == "done"
    assert n_evaluations(here) == 9


def test_a_run_whose_checkpoints_were_left_out_of_a_copy_keeps_all_that_it_has(here: Path) -> None:
    out = run(here, "out")
    for path in (*out.glob("checkpoint*.npz"), *out.glob("*model.h5")):
        path.unlink()
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    with pytest.raises(StoreError, match=r"out has run and has no checkpoint\.npz to go on from"):
        api.resume(out, {"dynamics.steps": 8})
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before


def test_runs_share_a_cache_and_another_level_does_not_see_it(here: Path) -> None:
    cache = {"labels.cache": str(here / "cache")}
    first, second = run(here, "first", **cache), run(here, "second", **cache)
    assert n_evaluations(here) == 7
    assert (first / "thermo.csv").read_bytes() == (second / "thermo.csv").read_bytes()
    assert len(read_labels(second / "labels.extxyz")) == 7
    run(here, "finer", **cache, **{"reference.cutoff_Ry": 300.0})
    assert n_evaluations(here) == 14


def test_a_run_does_not_go_on_at_another_level(here: Path) -> None:
    out = run(here, "out")
    config = (out / "config.yaml").read_text()
    assert "cutoff_Ry: 280.0" in config
    (out / "config.yaml").write_text(config.replace("cutoff_Ry: 280.0", "cutoff_Ry: 300.0"))
    with pytest.raises(ConfigError, match="labels of two levels of theory must not be mixed"):
        api.resume(out, {"dynamics.steps": 9})
    assert n_evaluations(here) == 7


def test_a_model_of_another_level_and_mixed_labels_are_refused(here: Path) -> None:
    out, finer = run(here, "out"), run(here, "finer", **{"reference.cutoff_Ry": 300.0})
    model = {"force_field.model": str(out / "model.h5"), "reference.cutoff_Ry": 300.0}
    with pytest.raises(ModelError, match=r"learned from CP2K .* and the reference makes CP2K"):
        run(here, "mixed", **model)
    both = [*read(out / "labels.extxyz", ":"), *read(finer / "labels.extxyz", ":")]
    write(here / "both.extxyz", both)
    with pytest.raises(StoreError, match="level"):
        api.train(here / "both.extxyz", here / "mixed.h5")
    assert not (here / "mixed.h5").exists()


def test_frozen_layers_move_nothing_and_are_labelled_like_all_others(here: Path) -> None:
    atoms = read(here / "start.xyz")
    atoms.set_constraint(FixAtoms([0, 1, 2, 3]))
    write(here / "frozen.traj", atoms)
    out = run(here, "out", **{"system.structure": "frozen.traj"})
    frames = list(iterate_trajectory(out / "trajectory.extxyz"))
    for entry in read_labels(out / "labels.extxyz"):
        assert np.array_equal(entry.positions[:4], atoms.positions[:4])
        assert np.abs(entry.label.forces[:4]).min(axis=1).min() > 0.01
        assert np.abs(entry.label.forces.sum(axis=0)).max() < 1e-9
    assert np.array_equal(frames[-1].positions[:4], atoms.positions[:4])
    assert np.abs(frames[-1].positions[4:] - atoms.positions[4:]).min(axis=1).max() > 1e-3
