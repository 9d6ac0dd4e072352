"""What the live view writes, how often, and the status screen with full and empty summaries."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from aofl.cli.live import LiveView, RunProgress, clock_time
from aofl.cli.status_screen import render_status

PROGRESS = RunProgress(
    step=10,
    target_steps=2000,
    time_fs=5.0,
    temperature_K=612.3,
    labels=7,
    skips=3,
    threshold_eV_per_A=0.25,
    elapsed_s=4.0,
    ns_per_day=1.234,
    remaining_s=3725.0,
)


def console(is_terminal: bool = False) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, force_terminal=is_terminal, width=140), out


def run_for(seconds: int) -> list[str]:
    """Lines of a run that makes one step a second."""
    now = [0.0]
    target, out = console()
    with LiveView(console=target, clock=lambda: now[0]) as view:
        for second in range(seconds):
            now[0] = float(second)
            view.update(replace(PROGRESS, step=second))
    return out.getvalue().splitlines()


def test_without_a_terminal_a_line_comes_every_ten_seconds_and_at_the_end():
    assert [line.split()[1] for line in run_for(25)] == [f"{n}/2000" for n in (0, 10, 20, 24)]


def test_the_last_line_is_not_written_twice():
    assert [line.split()[1] for line in run_for(11)] == ["0/2000", "10/2000"]


@pytest.mark.parametrize("is_terminal", [False, True])
def test_every_figure_is_shown(is_terminal):
    target, out = console(is_terminal)
    with LiveView("na-water [700 K]", console=target) as view:
        view.update(PROGRESS)
    text = out.getvalue()
    for figure in ("10/2000", "0.005 ps", "612 K", "0.250 eV/Å", "1.23", "1:02:05"):
        assert figure in text
    assert ("na-water [700 K]" in text) == is_terminal


def test_what_is_not_known_yet_is_a_dash():
    target, out = console()
    with LiveView(console=target) as view:
        view.update(replace(PROGRESS, ns_per_day=None, remaining_s=None, threshold_eV_per_A=None))
    assert "threshold -  ns/day -" in out.getvalue()


def test_a_run_that_fails_before_its_first_step_writes_nothing():
    target, out = console()
    with pytest.raises(ValueError, match="boom"), LiveView(console=target):
        raise ValueError("boom")
    assert out.getvalue() == ""


def test_status_shows_the_figures_and_survives_an_empty_summary():
    summary = {
        "status": "done",
        "mode": "aofl",
        "reason": "[not markup]",
        "steps": 2000,
        "target_steps": 2000,
        "labels": 61,
        "label_fraction": 0.0305,
        "audit_forces_rmse": 0.1234,
        "audit_forces_rmse_by_element": {"H": 0.15},
        "wall_s": {"reference": 61.0, "total": 75.0},
        "speedup": 7.2,
    }
    target, out = console()
    target.print(render_status(summary))
    for part in ("2000 of 2000", "61 (3%)", "0.123 eV/Å", "0.150 eV/Å", "7.2 x", "[not markup]"):
        assert part in out.getvalue()
    target, out = console()
    target.print(render_status({}))
    assert "unknown" in out.getvalue()
    assert len(out.getvalue().splitlines()) < 24


def test_clock_time_carries_over():
    assert [clock_time(s) for s in (0, 59.6, 3725)] == ["0:00:00", "0:01:00", "1:02:05"]
