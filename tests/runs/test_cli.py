"""The command line as its user runs it: run, status, report, kill, resume, bad input."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import ENVIRONMENT, aofl, killed, started, wait_until

CONFIG = """
mode: aofl
seed: 3
system:
  electrode: {element: Na, surface: bcc100, lattice_constant_A: 4.2, size: [2, 2, 2]}
  electrolyte: {molecules: {H2O: 1}, gap_A: 6.0}
reference: {name: tblite, electronic_temperature_K: 3000}
force_field: {name: ace, accuracy: fast}
learning: {target_force_error_meV_per_A: 300, audit_probability: 0.05}
dynamics: {name: DYNAMICS, timestep_fs: 0.5, temperature_K: 500, steps: 40}
output: {trajectory_every: 1, checkpoint_every: 10}
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "run.yaml"
    path.write_text(CONFIG.replace("DYNAMICS", "langevin"))
    return path


@pytest.fixture(scope="module")
def finished(config: Path) -> Path:
    out = config.parent / "finished"
    done = aofl("run", config, "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def lines_without_times(path: Path) -> list[dict[str, object]]:
    """Return the ledger without what a clock measured."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


def assert_same_run(one: Path, other: Path) -> None:
    for name in ("trajectory.0001.extxyz.gz", "thermo.csv"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    assert lines_without_times(one / "ledger.jsonl") == lines_without_times(other / "ledger.jsonl")


def test_run_leaves_everything_behind(finished: Path) -> None:
    for name in (
        "config.yaml", "run.json", "start.extxyz", "labels.extxyz", "ledger.jsonl", "events.jsonl",
        "thermo.csv", "trajectory.0001.extxyz.gz", "checkpoint.npz", "model.h5", "summary.json",
    ):  # fmt: skip
        assert (finished / name).stat().st_size > 0, name
    record = json.loads((finished / "run.json").read_text())
    assert record["seed"] == 3
    assert record["semi_empirical"] is True
    assert "tblite" in record["versions"]


def test_status_for_people_and_for_machines(finished: Path) -> None:
    screen = aofl("status", finished)
    assert screen.returncode == 0
    assert "labels" in screen.stdout
    summary = json.loads(aofl("status", finished, "--json").stdout)
    for key in (
        "steps", "labels", "skips", "audits", "rewinds", "audit_forces_rmse", "wall_s",
        "aimd_step_s", "speedup",
    ):  # fmt: skip
        assert key in summary
    assert summary["steps"] == 40
    assert 1 < summary["labels"] < 40


@pytest.mark.parametrize("streams", [">&- 2>&-", "> /dev/full 2> /dev/full", "| head -1"])
def test_output_never_ends_a_run(config: Path, tmp_path: Path, streams: str) -> None:
    command = f'"$0" -m aofl.cli run "$1" --out "$2" --steps 2 {streams}'
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command, sys.executable, config, tmp_path / "run"],
        env=environment, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "done"


def test_report_is_one_file(finished: Path) -> None:
    done = aofl("report", finished)
    assert done.returncode == 0, done.stderr
    page = (finished / "report.html").read_text()
    assert "semi-empirical" in page
    assert "Speed-up over AIMD" in page
    # What it loads: scripts without a source, nothing else. Licences within them name addresses.
    assert not re.findall(r"<(?:script|img|iframe|link)[^>]*\b(?:src|href)=(?![\"']data:)", page)


@pytest.mark.parametrize("wait_for", ["ledger.jsonl", "trajectory.0001.extxyz.gz"])
def test_kill_and_resume_is_bit_identical(
    config: Path, finished: Path, tmp_path: Path, wait_for: str
) -> None:
    out = tmp_path / "killed"
    size = (finished / wait_for).stat().st_size * 0.6
    killed("run", config, "--out", out, growing=out / wait_for, size=size)
    assert (out / "thermo.csv").read_bytes() != (finished / "thermo.csv").read_bytes()
    said = json.loads(aofl("status", out, "--json").stdout)
    assert said["status"] == "killed"
    assert f"aofl resume {out}" in said["reason"]
    done = aofl("resume", out)
    assert done.returncode == 0, done.stderr
    assert json.loads(aofl("status", out, "--json").stdout)["status"] == "done"
    assert_same_run(out, finished)


def test_sigterm_stops_cleanly_and_resume_goes_on(
    config: Path, finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "stopped"
    with started("run", config, "--out", out) as process:
        wait_until(process, out / "thermo.csv", 600)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=60) == 3
    assert json.loads((out / "summary.json").read_text())["status"] == "stopped"
    assert aofl("resume", out).returncode == 0
    assert_same_run(out, finished)


def test_run_and_resume_tell_machines_how_they_ended(config: Path, tmp_path: Path) -> None:
    """One value on standard output; progress and what changed stand aside."""
    out = tmp_path / "run"
    done = aofl("run", config, "--out", out, "--steps", 3, "--max-walltime", "1h", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["directory"], said["status"], said["steps"]) == (str(out), "done", 3)
    assert said == {"directory": str(out), **json.loads((out / "summary.json").read_text())}
    assert "step 3/3" in done.stderr
    assert "stops cleanly before 1:00:00" in done.stderr
    done = aofl("resume", out, "--steps", 400, "--max-walltime", "1s", "--json")
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["status"] == "stopped"
    assert "changed from here on: `dynamics.steps`: 3 -> 400" in done.stderr
    assert f"go on with `aofl resume {out}`" in done.stderr


def test_steps_is_a_total(config: Path, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "short"
    assert aofl("run", config, "--out", out, "--steps", 25).returncode == 0
    assert aofl("resume", out, "--steps", 40).returncode == 0
    assert_same_run(out, finished)


@pytest.mark.parametrize("dynamics", ["velocity_verlet", "bussi", "nose_hoover"])
def test_other_dynamics_resume_bit_identically(tmp_path: Path, dynamics: str) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(CONFIG.replace("DYNAMICS", dynamics))
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    assert aofl("run", config, "--out", whole, "--steps", 16).returncode == 0
    assert aofl("run", config, "--out", halves, "--steps", 7).returncode == 0
    assert aofl("resume", halves, "--steps", 16).returncode == 0
    assert_same_run(halves, whole)


def test_modes_start_alike(config: Path, finished: Path, tmp_path: Path) -> None:
    for mode in ("aimd", "cofl"):
        done = aofl("run", config, "--out", tmp_path / mode, "--mode", mode, "--steps", 12)
        assert done.returncode == 0, done.stderr
    model = finished / "model.h5"
    done = aofl(
        "run", config, "--out", tmp_path / "mlff", "--mode", "mlff", "--steps", 12, "--model", model
    )
    assert done.returncode == 0, done.stderr
    starts = {(tmp_path / m / "start.extxyz").read_bytes() for m in ("aimd", "cofl", "mlff")}
    assert starts == {(finished / "start.extxyz").read_bytes()}
    summaries = {
        m: json.loads((tmp_path / m / "summary.json").read_text()) for m in ("aimd", "cofl", "mlff")
    }
    assert summaries["aimd"]["labels"] == 13
    assert summaries["cofl"]["labels"] < 13
    assert summaries["cofl"]["skips"] == 0


def test_a_lost_checkpoint_falls_back_to_the_one_before(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "damaged"
    shutil.copytree(finished, out)
    checkpoint = out / "checkpoint.npz"
    checkpoint.write_bytes(checkpoint.read_bytes()[:500])
    assert aofl("resume", out).returncode == 0
    assert_same_run(out, finished)


def bad(tmp_path: Path, old: str, new: str) -> Path:
    path = tmp_path / "bad.yaml"
    text = CONFIG.replace("DYNAMICS", "langevin")
    assert old in text
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("steps: 40", "stepz: 40", ["dynamics.stepz", "steps"]),
        ("steps: 40", "steps: many", ["dynamics.steps", "many"]),
        ("element: Na", "element: Xx", ["Xx"]),
        ("H2O: 1", "H2O: 90", ["gap"]),
        ("H2O: 1", "unobtainium: 1", ["unobtainium"]),
        ("timestep_fs: 0.5", "timestep_fs: 5.0", ["timestep_fs", "hydrogen"]),
        ("mode: aofl", "mode: mlff", ["model"]),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    done = aofl("run", bad(tmp_path, old, new), "--out", tmp_path / "out")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert not (tmp_path / "out").exists()


def test_overlapping_atoms_are_refused(tmp_path: Path) -> None:
    (tmp_path / "start.xyz").write_text(
        '2\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3 pbc="T T T"\n'
        "Na 0 0 0\nNa 0 0 0.4\n"
    )
    text = CONFIG.replace("DYNAMICS", "langevin")
    system = text[text.index("system:") : text.index("reference:")]
    (tmp_path / "run.yaml").write_text(text.replace(system, "system: {structure: start.xyz}\n"))
    done = aofl("run", tmp_path / "run.yaml", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "Na" in done.stderr
    assert not (tmp_path / "out").exists()


def test_branch_and_changes_from_the_command_line(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "branch"
    hotter = finished.parent / "hotter.yaml"
    cold = (finished.parent / "run.yaml").read_text()
    hotter.write_text(cold.replace("temperature_K: 500", "temperature_K: 900"))
    done = aofl(
        "resume", finished, "--from", 25, "--to", out, "--config", hotter, "--steps", 30,
        "--max-walltime", "1:00:00",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "`dynamics.temperature_K`: 500.0 -> 900.0" in done.stdout
    assert "`dynamics.steps`: 40 -> 30" in done.stdout
    ours, theirs = ((run / "thermo.csv").read_text().splitlines() for run in (out, finished))
    assert ours[:27] == theirs[:27]
    assert ours[27] != theirs[27]
    assert len(ours) == 32
    for arguments, words in (
        (("resume", finished, "--steps", 20), "the run is at step 40"),
        (("resume", finished, "--seed", 4), "the past was drawn from it"),
        (("resume", finished, "--from", 4), "needs both"),
        (("resume", finished, "--from", 99, "--to", tmp_path / "x"), "saved up to step 40"),
        (("resume", finished, "--max-walltime", "soon"), "D-H:MM:SS"),
    ):
        refused = aofl(*arguments)
        assert refused.returncode == 2, refused
        assert words in refused.stderr
        assert "Traceback" not in refused.stderr


def test_missing_files_and_used_directories(config: Path, finished: Path, tmp_path: Path) -> None:
    for arguments, word in (
        (("run", tmp_path / "no.yaml"), "no.yaml"),
        (("run", config, "--out", finished), "aofl resume"),
        (("resume", tmp_path / "nothing"), "nothing"),
        (("status", tmp_path), "no run directory"),
        (("report", tmp_path / "nothing"), "nothing"),
    ):
        done = aofl(*arguments)
        assert done.returncode == 2, done
        assert word in done.stderr
        assert "Traceback" not in done.stderr


def test_train_and_evaluate_on_the_labels_of_a_run(finished: Path, tmp_path: Path) -> None:
    model = tmp_path / "trained.h5"
    done = aofl("train", finished / "labels.extxyz", "--out", model, "--accuracy", "fast")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    said = re.search(r"on (\d+) labels held back, before they were learned:", done.stdout)
    assert said is not None
    assert int(said[1]) >= 2
    for element in ("H", "O", "Na"):
        assert re.search(rf"(?m)^ +{element}  RMSE [\d.]+, .* coverage 0\.\d\d", done.stdout)
    plot = tmp_path / "parity.svg"
    done = aofl("evaluate", model, finished / "labels.extxyz", "--plot", plot, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert 0 < found["forces_rmse"] < 0.3
    assert set(found["by_element"]) == {"H", "O", "Na"}
    assert plot.read_text().lstrip().startswith("<")
    nothing = tmp_path / "nothing.xyz"
    nothing.write_text("1\nProperties=species:S:1:pos:R:3\nNa 0 0 0\n")
    refused = aofl("train", nothing, "--out", model)
    assert refused.returncode == 2
    assert "none with a label" in refused.stderr


def test_a_step_beyond_a_guard_is_rewound_and_a_hopeless_run_stops_with_advice(
    tmp_path: Path,
) -> None:
    """Each rewind goes back and labels; no step is written twice."""
    config = tmp_path / "run.yaml"
    tight = "learning: {guards: {max_temperature_K: 520}, max_rewinds: 3, "
    config.write_text(CONFIG.replace("DYNAMICS", "langevin").replace("learning: {", tight))
    out = tmp_path / "out"
    stopped = aofl("run", config, "--out", out, "--steps", 400, "--json")
    assert stopped.returncode == 1, stopped.stderr
    assert json.loads(stopped.stdout)["status"] == "failed"
    assert "rewinds did not help" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    summary = json.loads((out / "summary.json").read_text())
    assert summary["status"] == "failed"
    assert summary["rewinds"] == 4
    rows = [line.split(",") for line in (out / "thermo.csv").read_text().splitlines()[1:]]
    steps = [int(row[0]) for row in rows]
    assert steps == list(range(len(steps)))
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    assert [e["event"] for e in events].count("rewind") == 3
    ledger = [json.loads(line) for line in (out / "ledger.jsonl").read_text().splitlines()]
    assert {"rewind", "label"} <= {line["action"] for line in ledger}
    assert any(line["rule"] == "rewind" and line["action"] == "label" for line in ledger)


def test_check_says_what_a_run_is_and_may_cost_and_writes_nothing(
    config: Path, tmp_path: Path
) -> None:
    before = sorted(config.parent.iterdir())
    done = aofl("check", config, "--label", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["n_atoms"] == 11
    assert found["labels"][0] <= found["labels"][1] <= 41
    assert found["label_s"] > 0
    assert sorted(config.parent.iterdir()) == before
    refused = aofl("check", bad(tmp_path, "steps: 40", "stepz: 40"))
    assert refused.returncode == 2
    assert "dynamics.stepz" in refused.stderr


def test_a_rehearsal_is_scored_at_every_step_and_compares_with_a_run(
    config: Path, finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "rehearsal"
    teacher = ("--teacher", finished / "model.h5")
    done = aofl("rehearse", config, "--out", out, "--steps", 25, *teacher, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # The first label is that of step 0.
    assert found["steps_scored"] + found["labels"] == 26
    assert found["forecast"]["label_s"] > 0
    assert json.loads((out / "rehearsal.json").read_text())["labels"] == found["labels"]
    assert len((out / "rehearsal.csv").read_text().splitlines()) == found["steps_scored"] + 1
    done = aofl("compare", finished, out, "--out", tmp_path / "compared", "--json")
    assert done.returncode == 0, done.stderr
    assert [run["name"] for run in json.loads(done.stdout)] == ["finished", "rehearsal"]
    assert (tmp_path / "compared" / "compare.html").exists()
    refused = aofl("rehearse", bad(tmp_path, "mode: aofl", "mode: aimd"), "--out", tmp_path / "no")
    assert refused.returncode == 2
    assert "aimd" in refused.stderr


def test_a_finished_demo_is_reported_again_and_an_unfinished_one_goes_on(
    finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "demo"
    shutil.copytree(finished, out)
    ledger = (out / "ledger.jsonl").read_bytes()
    done = aofl("demo", "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{out} is complete; to run it again, move it away", str(out / "report.html")
    ]  # fmt: skip
    assert (out / "ledger.jsonl").read_bytes() == ledger
    summary = json.loads((out / "summary.json").read_text())
    (out / "summary.json").write_text(json.dumps(summary | {"status": "stopped"}))
    done = aofl("demo", "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == f"{out} is unfinished and is resumed"
    assert json.loads((out / "summary.json").read_text())["status"] == "done"
    assert (out / "ledger.jsonl").read_bytes() == ledger
