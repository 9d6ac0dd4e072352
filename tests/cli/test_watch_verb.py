"""Looking at a run from its files: what is shown, that it ends, and the report that stays fresh."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from ase.build import molecule
from rich.console import Console

from aofl import api
from aofl.cli import watch
from aofl.cli.progress import Pace
from aofl.errors import ConfigError, StoreError
from aofl.store import RunDirectory, last_whole_lines

COLUMNS = "step,time_fs,temperature_K,threshold_eV_per_A,n_labels,n_skips\n"


def make(path: Path) -> RunDirectory:
    return RunDirectory.create(
        path, config_text="mode: aofl\n", record={"aofl": "1"}, start_atoms=molecule("H2O")
    )


def came_to(run: RunDirectory, step: int, status: str = "running", **more: object) -> None:
    """Write the files as a run that has come to a step has them."""
    row = f"{step},{step / 2},612.4,0.25,{3 + step},7\n"
    run.thermo.write_text(f"{COLUMNS}0,0,600,,1,0\n{row}{step + 1},0.")  # torn, as it grows
    run.write_summary({"status": status, "steps": 0, "target_steps": 100, **more})


def test_the_newest_whole_row_is_shown_and_not_the_last_checkpoint(tmp_path: Path) -> None:
    run = make(tmp_path / "run")
    came_to(run, 40)
    progress = watch.progress_of(watch.look_at(run.path), Pace())
    assert (progress.step, progress.target_steps, progress.labels) == (40, 100, 43)
    assert (progress.time_fs, progress.temperature_K) == (20.0, 612.4)


def test_the_pace_is_that_of_the_steps_that_were_seen() -> None:
    now = [100.0]
    pace = Pace(clock=lambda: now[0])
    assert pace.of(10, 60, 5.0) == {"elapsed_s": 0.0, "ns_per_day": None, "remaining_s": None}
    now[0] = 120.0
    assert pace.of(20, 60, 10.0) == {
        "elapsed_s": 20.0,
        "ns_per_day": pytest.approx(86400 / 20 * 5e-6),
        "remaining_s": 80.0,
    }


def test_only_what_has_something_to_say_is_told(tmp_path: Path) -> None:
    run = make(tmp_path / "run")
    came_to(run, 1)
    lines = [
        {"step": 0, "time_fs": 0.0, "event": "started"},
        {"step": 5, "time_fs": 2.5, "event": "bond", "change": "broken"},
        {"step": 5, "time_fs": 2.5, "event": "reaction", "reaction": "H2O -> OH- + H-"},
        {"step": 9, "event": "resource_warning", "reason": "the disk is full"},
    ]
    run.events.write_text("\n".join(map(json.dumps, lines)) + '\n{"step": 10, "ev')
    said = watch.look_at(run.path).told
    assert [line.split("  ")[-1].strip() for line in said] == [
        "reaction: H2O -> OH- + H-",
        "resource_warning: the disk is full",
    ]


def test_looking_ends_when_the_run_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make(tmp_path / "run")
    came_to(run, 1)
    course = iter([(2, "running"), (2, "running"), (3, "done")])
    monkeypatch.setattr(watch.time, "sleep", lambda seconds: came_to(run, *next(course)))
    out = io.StringIO()
    watch.show(run.path, 5.0, Console(file=out, width=200))
    lines = out.getvalue().splitlines()
    assert [line.split()[1] for line in lines[:-1]] == ["1/100", "2/100", "3/100"]
    assert lines[-1].startswith("done")


def test_the_screen_fits_a_plain_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make(tmp_path / "run [7]")
    came_to(run, 40, "done", audit_forces_rmse=0.0951, n_audit_frames=22)
    run.events.write_text('{"step": 1, "event": "x", "message": "[red]' + 300 * "m" + '"}\n' * 30)
    out = io.StringIO()
    monkeypatch.chdir(tmp_path)  # a long path would be wrapped
    watch.show(
        Path(run.path.name), 5.0, Console(file=out, force_terminal=True, width=80, height=24)
    )
    shown = out.getvalue()
    assert "run [7]" in shown
    assert "remaining" in shown  # the last field is whole
    assert "40/100" in shown
    assert "0.095 eV/Å (22 frames)" in shown
    assert "[red]" in shown


def test_the_stage_where_a_run_stands_is_shown_and_its_end_is_none(tmp_path: Path) -> None:
    run = make(tmp_path / "run")
    assert not watch.look_at(run.path).summary
    for name, step in (("1-bulk", 50), ("2-liquid", 20)):
        came_to(make(run.stages / name), step, "done")
        look = watch.look_at(run.path)
        assert (look.directory.name, look.row["step"]) == (name, str(step))
        assert not look.has_ended
    came_to(run, 1, "done")
    assert watch.look_at(run.path).has_ended


def test_the_report_is_written_anew_when_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make(tmp_path / "run")
    came_to(run, 1)
    course = iter([(1, "running"), (2, "running"), (2, "killed")])
    written: list[float | None] = []

    def report(path: Path, out: Path | None, *, reload_s: float | None) -> Path:
        written.append(reload_s)
        return path / "report.html"

    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if seconds == 30.0:
            came_to(run, *next(course))

    monkeypatch.setattr(api, "report", report)
    monkeypatch.setattr(watch.time, "sleep", sleep)
    watch.keep_fresh(run.path, None, 30.0)
    assert written == [30.0, 30.0, None]  # at steps 1 and 2, and for good
    assert len(pauses) == 5  # three looks, and a rest after each of two pages
    assert "ended" in capsys.readouterr().out


def test_a_damaged_row_is_told_and_not_shown(tmp_path: Path) -> None:
    run = make(tmp_path / "run")
    came_to(run, 40)
    run.thermo.write_text(f"{COLUMNS}4o,1,2,3,4,5\n")
    with pytest.raises(StoreError, match=r"thermo.csv or summary.json is damaged .*'4o'"):
        watch.progress_of(watch.look_at(run.path), Pace())


def test_what_is_no_run_and_a_short_pause_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no run directory"):
        watch.look_at(tmp_path / "nowhere")
    for pause in (0.0, -1.0, float("nan")):
        with pytest.raises(ConfigError, match="give at least"):
            watch.check_pause(pause)


@pytest.mark.parametrize("size", [1, 7, 8, 20, 10_000])
def test_last_lines_are_whole(tmp_path: Path, size: int) -> None:
    path = tmp_path / "lines"
    lines = [f"line {n}" for n in range(5)]
    path.write_text("\n".join(lines) + "\ntorn")
    found = last_whole_lines(path, size)
    assert found == lines[len(lines) - len(found) :]
    assert len(found) >= min(5, (size - 4) // 7 - 1)
    assert last_whole_lines(tmp_path / "none") == []


def test_the_command_of_a_run_that_has_ended_says_so(tmp_path: Path) -> None:
    run = make(tmp_path / "run")
    came_to(run, 99, "failed", reason="the disk is full")
    done = subprocess.run(
        [sys.executable, "-m", "aofl.cli", "watch", str(run.path)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1].startswith("failed")
    assert "the disk is full" in done.stdout
