"""Staged learning: small cells first, stopped and resumed in any of them, the same in the end."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from aofl import api
from aofl.config import config_from_mapping
from aofl.config.schema import RunConfig
from aofl.errors import ConfigError, StoreError
from aofl.forcefield.model import ForceField
from aofl.report.data import read_run
from aofl.simulation.run_state import Run
from aofl.store import RunDirectory
from aofl.workflows.report import read_stages, write_report

CONFIG = {
    "mode": "aofl",
    "seed": 3,
    "system": {
        "electrode": {
            "element": "Na",
            "surface": "bcc100",
            "lattice_constant_A": 4.2,
            "size": [2, 2, 2],
        },
        "electrolyte": {"molecules": {"H2O": 1}, "gap_A": 6.0},
    },
    "stages": {"bulk": {"steps": 2}, "molecules": {"steps": 4, "temperature_K": 700.0}},
    "reference": {"name": "tblite", "electronic_temperature_K": 3000.0},
    "force_field": {"accuracy": "fast"},
    "dynamics": {"name": "langevin", "timestep_fs": 0.5, "temperature_K": 500.0, "steps": 6},
    "output": {"trajectory_every": 1, "checkpoint_every": 1},
}


def config(**overrides: object) -> RunConfig:
    return config_from_mapping(CONFIG, overrides)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("staged") / "run"
    told: list[str] = []
    assert api.run(config(), out, on_stage=told.append) == "done"
    assert told == ["01-bulk-Na54", "02-molecules-H2O"]
    return out


def test_each_stage_starts_from_the_one_before_and_the_run_from_the_last(finished: Path) -> None:
    bulk, water = (RunDirectory(path=finished / "stages" / name) for name in
                   ("01-bulk-Na54", "02-molecules-H2O"))  # fmt: skip
    assert ForceField.load(bulk.model).elements == ["H", "O", "Na"]
    assert water.start_model.read_bytes() == bulk.model.read_bytes()
    assert RunDirectory(path=finished).start_model.read_bytes() == water.model.read_bytes()
    n_taught = ForceField.load(water.model).n_labels
    own = RunDirectory(path=finished).read_summary()["labels"]
    assert ForceField.load(finished / "model.h5").n_labels == n_taught + own


def test_a_stage_may_have_a_temperature_of_its_own(finished: Path) -> None:
    def kelvin(path: Path) -> float:
        return RunDirectory(path=path).read_record()["temperature_K"]

    assert kelvin(finished / "stages" / "02-molecules-H2O") == 700.0
    assert kelvin(finished / "stages" / "01-bulk-Na54") == kelvin(finished) == 500.0


class Killed(BaseException):
    """Ends a run at once, as a signal would that leaves no time."""


@pytest.mark.parametrize("where", [(1, 1), (2, 3), (3, 2)])
def test_a_run_that_is_killed_in_any_stage_ends_the_same(
    finished: Path, tmp_path: Path, where: tuple[int, int]
) -> None:
    starts = [0]

    def kill(now: Run) -> None:
        starts[0] += now.step == 1
        if (starts[0], now.step) == where:
            raise Killed

    with pytest.raises(Killed):
        api.run(config(), tmp_path / "run", kill)
    assert api.resume(tmp_path / "run") == "done"
    for name in ("thermo.csv", "labels.extxyz"):
        ours = (tmp_path / "run" / name).read_text().splitlines()
        whole = (finished / name).read_text().splitlines()
        assert _without_times(ours) == _without_times(whole)


def _without_times(lines: list[str]) -> list[str]:
    return [line.partition("aofl_seconds")[0] for line in lines]


def test_a_stage_that_was_killed_while_it_was_made_is_made_anew(tmp_path: Path) -> None:
    def kill(now: Run) -> None:
        raise Killed

    with pytest.raises(Killed):
        api.run(config(), tmp_path / "run", kill)
    (tmp_path / "run" / "stages" / "01-bulk-Na54" / "run.json").unlink()
    assert api.resume(tmp_path / "run") == "done"


def test_the_report_says_what_each_stage_cost_and_was_worth(finished: Path) -> None:
    data = read_run(finished)
    assert data.stages == ()  # models are loaded for the report alone
    bulk, water = read_stages(finished / "stages", data.labels)
    assert (bulk.n_atoms, water.n_atoms, bulk.name) == (54, 3, "bulk-Na54")
    assert bulk.forces_rmse is not None
    assert water.forces_rmse is not None
    assert water.forces_rmse < bulk.forces_rmse  # water was strange to the metal
    assert "Cells in the order of learning" in write_report(finished).read_text()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mode": "aimd"}, "learns none"),
        ({"system": {"structure": "a.xyz"}}, "not of a file"),
        ({"stages.bulk": {"steps": 0}}, "greater than or equal to 1"),
        ({"stages.gas": {"steps": 1}}, "unknown"),
        (
            {"stages": {}},
            "`stages`: give at least one of `bulk`, `molecules`, `liquid` and `explore`",
        ),
        ({"stages": {"bulk": None}}, "give at least one"),
    ],
)
def test_stages_that_make_no_sense_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        config(**changes)


def test_stages_and_a_model_to_start_from_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"drop `force_field\.model`"):
        api.run(config(**{"force_field.model": "m.h5"}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_run_after_its_stages_is_resumed_like_any_other(finished: Path, tmp_path: Path) -> None:
    out = shutil.copytree(finished, tmp_path / "run")
    assert api.resume(out, {"dynamics.steps": 7}) == "done"
    assert RunDirectory(path=out).read_summary()["steps"] == 7


def test_the_run_after_its_stages_does_not_begin_them_anew(finished: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    left_out = shutil.ignore_patterns("checkpoint*", "*model.h5")
    shutil.copytree(finished, copy, ignore=left_out)
    with pytest.raises(StoreError, match=r"copy has run and has no checkpoint\.npz to go on from"):
        api.resume(copy)


def test_stages_cannot_be_added_to_a_run_that_has_begun(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert api.run(config(stages=None, **{"dynamics.steps": 1}), out) == "done"
    with pytest.raises(ConfigError, match="learned before the run began"):
        api.resume(out, {"stages": CONFIG["stages"], "dynamics.steps": 2})
    assert not (out / "stages").exists()


def test_stages_without_a_cell_to_learn_from_are_refused(tmp_path: Path) -> None:
    ions = {"system.electrolyte.molecules": {"Na+": 1, "PF6-": 1}, "stages.bulk": None}
    with pytest.raises(ConfigError, match="no neutral molecule to learn alone; add `bulk`"):
        api.run(config(**ions), tmp_path / "run")
    assert not (tmp_path / "run" / "stages").exists()  # what is added is built on resume


def test_a_rehearsal_leaves_the_stages_out(tmp_path: Path) -> None:
    out = tmp_path / "rehearsal"
    found = api.rehearse(config(**{"dynamics.steps": 2}), out, time_label=False)
    assert found["status"] == "done"
    assert not (out / "stages").exists()
    assert "stages: null" in (out / "config.yaml").read_text()
