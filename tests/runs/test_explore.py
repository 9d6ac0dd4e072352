"""Exploring by a cheap reference: chosen frames, labelled once, and a run that begins with them."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from aofl import api
from aofl.cli.status_screen import render_status
from aofl.config import config_from_mapping
from aofl.config.schema import RunConfig
from aofl.errors import ConfigError, RunStopped
from aofl.forcefield.model import ForceField
from aofl.reference import AseReference
from aofl.report.data import own_labels, read_run
from aofl.simulation.run_state import Run
from aofl.store import Dataset, RunDirectory, read_events
from aofl.workflows import explore as exploring
from aofl.workflows.explore import choose
from aofl.workflows.label_frames import read_frames
from aofl.workflows.report import write_report

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
    "stages": {
        "explore": {
            "reference": {"name": "tblite", "electronic_temperature_K": 6000.0},
            "steps": 16,
            "labels": 4,
        }
    },
    "reference": {"name": "tblite", "electronic_temperature_K": 3000.0},
    "force_field": {"accuracy": "fast"},
    "dynamics": {"name": "langevin", "timestep_fs": 0.5, "temperature_K": 500.0, "steps": 6},
    "output": {"trajectory_every": 1, "checkpoint_every": 2},
}
PART = "01-explore"


def config(**overrides: object) -> RunConfig:
    return config_from_mapping(CONFIG, overrides)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("explored") / "run"
    told: list[str] = []
    assert api.run(config(), out, on_stage=told.append) == "done"
    assert told[0] == PART
    assert told[-1] == f"{PART}: 4 of 4 frames labelled"
    return out


def labels_of(out: Path) -> list[tuple[str, float]]:
    dataset = Dataset(out / "labels.extxyz")
    dataset.close()
    return [(entry.provenance["hash"], entry.label.energy) for entry in dataset]


def lines_of(out: Path) -> list[str]:
    return (out / "thermo.csv").read_text().splitlines()


def test_the_run_begins_with_the_labels_and_says_where_they_are_from(finished: Path) -> None:
    dataset = Dataset(finished / "labels.extxyz")
    dataset.close()
    first = [entry.provenance for entry in dataset][:4]
    assert [origin["rule"] for origin in first] == ["explore"] * 4
    assert [origin["source"] for origin in first] == [f"stages/{PART}/chosen/frames.extxyz"] * 4
    levels = {origin["level"] for origin in first}
    assert levels == {ForceField.load(finished / "model.h5").level}
    steps = [origin["explored_step"] for origin in first]
    assert steps == sorted(set(steps))
    summary = RunDirectory(path=finished).read_summary()
    assert ForceField.load(finished / "model.h5").n_labels == 4 + summary["labels"]
    assert summary["labels_learned"] == 4 + summary["labels"]


def test_summary_events_and_report_say_what_exploring_gave_and_cost(finished: Path) -> None:
    part = RunDirectory(path=finished / "stages" / PART)
    told = next(event for event in read_events(finished / "events.jsonl")
                if event.event == "explored")  # fmt: skip
    assert (told.explored_steps, told.labels, told.failed) == (16, 4, 0)
    assert told.cheap_labels == part.read_summary()["labels"]
    assert told.frames == 17
    assert told.label_s > 0
    assert told.explored_s > 0
    assert api.status(finished)["explored"]["labels"] == 4
    screen = Console(width=80, record=True, file=io.StringIO())
    screen.print(render_status({**api.status(finished), "stage": "02-liquid"}))
    text = screen.export_text()
    assert "stage 02-liquid" in text
    assert "explored" in text
    data = read_run(finished)
    assert len(own_labels(data.labels)) == len(data.labels) - 4
    assert "labelled the 4 that say most" in write_report(finished).read_text()


def test_the_frames_are_those_that_say_most(finished: Path) -> None:
    part = RunDirectory(path=finished / "stages" / PART)
    frames = list(exploring._candidates(part))
    prior = ForceField.load(part.model)
    best = choose(frames, prior, None, 4)
    gains = [item.gain for item in best]
    assert gains == sorted(gains, reverse=True)
    written = read_frames(part.path / "chosen" / "frames.extxyz")
    assert len(written) == 4
    # What is known of a model counts: a frame whose labels it has learned says next to nothing.
    again = choose(frames[:1] * 2, prior, part.model, 1)
    assert again[0].gain < 0.7 * max(gains)


class Killed(BaseException):
    """Ends a run at once, as a signal would that leaves no time."""


SLOW = [
    pytest.param(where, marks=pytest.mark.slow)
    for where in ("exploring", "0 of 4", "4 of 4", "begun")
]


@pytest.mark.parametrize("where", ["choosing frames", "2 of 4", "handing over", *SLOW])
def test_a_kill_at_any_instant_costs_no_label_and_changes_no_bit(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    out = tmp_path / "run"

    def stage(told: str) -> None:
        if where in told and told != PART:
            raise Killed

    def step(now: Run) -> None:
        explores = now.directory.path.name == PART
        if (where == "exploring" and explores and now.step == 9) or (
            where == "begun" and not explores and now.step == 3
        ):
            raise Killed

    with monkeypatch.context() as patch:
        if where == "handing over":
            patch.setattr(Dataset, "append", _killing_the_second(Dataset.append, out))
        with pytest.raises(Killed):
            api.run(config(), out, step, on_stage=stage)
    made = labels_of(out / "stages" / PART / "chosen") if "of 4" in where else []
    assert api.resume(out) == "done"
    assert labels_of(out) == labels_of(finished)
    assert lines_of(out) == lines_of(finished)
    kept = labels_of(out / "stages" / PART / "chosen")
    assert kept[: len(made)] == made
    assert len({digest for digest, _ in kept}) == len(kept) == 4


def _killing_the_second(append, out):  # type: ignore[no-untyped-def]
    """Return `append` of a data set that is killed when the run's own gets its second label."""

    def killed(dataset, entry):  # type: ignore[no-untyped-def]
        if dataset._file.path == out / "labels.extxyz" and len(dataset) == 1:
            raise Killed
        return append(dataset, entry)

    return killed


def test_without_time_it_stops_between_labels_and_status_says_where(tmp_path: Path) -> None:
    out = tmp_path / "run"

    def late(told: str) -> None:
        if "1 of 4" in told:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        api.run(config(), out, on_stage=late)
    assert api.status(out)["stage"] == PART
    assert api.resume(out, max_walltime_s=0.0) == "stopped"
    assert api.resume(out) == "done"


def test_a_frame_that_cannot_be_labelled_is_told_and_done_without(
    finished: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(finished, tmp_path / "run")
    part = RunDirectory(path=out / "stages" / PART)
    chosen = part.path / "chosen"
    entries = Dataset(chosen / "labels.extxyz")
    entries.close()
    lost = entries[0]
    (chosen / "failures.jsonl").write_text(
        json.dumps({"frame": 0, "hash": lost.provenance["hash"], "error": "no convergence"}) + "\n"
    )
    facts = exploring._facts(part, chosen, list(entries)[1:], {lost.provenance["hash"]})
    assert (facts["labels"], facts["failed"]) == (3, 1)
    (chosen / "labels.extxyz").unlink()
    with pytest.raises(RunStopped, match=r"could be labelled \(no convergence\)"):
        exploring._hand_over(RunDirectory(path=out), part, chosen)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stages.explore.labels": 17}, "`labels` is 17 and `steps` 16"),
        ({"stages.explore.labels": 0}, "greater than or equal to 1"),
        ({"stages.explore.step": 3}, "`stages.explore.step` is unknown; the nearest valid key"),
        ({"stages.explore.reference.name": "xtb"}, r"`stages.explore.reference.name` is 'xtb'"),
        ({"stages.explore.reference": CONFIG["reference"]}, "give a cheaper one, or drop"),
        ({"mode": "aimd"}, "learns none"),
        ({"mode": "mlff", "force_field.model": "m.h5"}, "learns none"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        config(**changes)


def test_a_cheap_reference_that_is_not_there_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    strange = {"name": "ase", "calculator": "ase.calculators.emt.Nothing"}
    changed = config(**{"stages.explore.reference": strange})
    for begin in (lambda: api.run(changed, tmp_path / "run"), lambda: api.check(changed)):
        with pytest.raises(ConfigError, match=r"`stages\.explore` cannot begin: .*Nothing"):
            begin()
    assert not (tmp_path / "run").exists()


def test_exploring_and_a_model_to_start_from_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"drop `force_field\.model`"):
        api.run(config(**{"force_field.model": "m.h5"}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_reference_of_the_caller_cannot_be_sent_to_other_processes(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="in processes of their own"):
        api.run(config(), tmp_path / "run", reference=AseReference.__new__(AseReference))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_small_cells_and_exploring_go_together(tmp_path: Path) -> None:
    out = tmp_path / "run"
    cells = {"stages.molecules": {"steps": 3}}
    few = {"stages.explore.steps": 4, "stages.explore.labels": 2, "dynamics.steps": 2}
    assert api.run(config(**cells, **few), out) == "done"
    first, second = sorted(path.name for path in (out / "stages").iterdir() if path.is_dir())
    assert (first, second) == ("01-molecules-H2O", "02-explore")
    taught = ForceField.load(out / "stages" / first / "model.h5").n_labels
    own = RunDirectory(path=out).read_summary()["labels"]
    assert ForceField.load(out / "model.h5").n_labels == taught + 2 + own
    assert not RunDirectory(path=out / "stages" / second).start_model.exists()  # another level


def test_any_system_can_be_explored(tmp_path: Path, finished: Path) -> None:
    changed = config(
        system={"structure": str(finished / "start.extxyz")},
        **{"stages.explore.steps": 4, "stages.explore.labels": 1, "dynamics.steps": 1},
    )
    assert api.run(changed, tmp_path / "run") == "done"
    start = Dataset(tmp_path / "run" / "labels.extxyz")
    start.close()
    assert np.isfinite(start[0].label.energy)
