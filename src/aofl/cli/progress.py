"""What verbs show while they go on: a live view of a run, a bar of any other work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from time import monotonic
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from aofl.cli.live import LiveView, RunProgress
from aofl.progress import OnProgress, nobody

if TYPE_CHECKING:
    from aofl.simulation.run_state import Run

PATIENCE_S = 2.0


@contextmanager
def shown_progress() -> Iterator[Callable[[Run], None]]:
    """Show a live view while the `with` block lasts; call what it gives after each step."""
    with LiveView() as view:
        pace = _Pace()
        yield lambda run: view.update(pace.progress(run))


@contextmanager
def bar() -> Iterator[OnProgress]:
    """Show how far work is and how long it still takes, on standard error if that is a terminal.

    What is done within two seconds shows nothing. Call what it gives as `OnProgress`.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield nobody
        return
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    # What is printed meanwhile goes above the bar if it goes to the terminal, else where it should.
    drawn = Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty())
    tasks: dict[str, TaskID] = {}

    def on_progress(what: str, done: int, total: int | None) -> None:
        if what not in tasks:
            for earlier in tasks.values():
                drawn.update(earlier, visible=False)
            tasks[what] = drawn.add_task(what, total=total)
        drawn.update(tasks[what], completed=done, total=total)

    begins = Timer(PATIENCE_S, drawn.start)
    begins.daemon = True
    begins.start()
    try:
        yield on_progress
    finally:
        begins.cancel()
        begins.join()
        drawn.stop()


class _Pace:
    """The pace of this session alone, so that a resumed run shows its own."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None

    def progress(self, run: Run) -> RunProgress:
        """Return where a run stands, and how fast it goes."""
        now = monotonic()
        if self._first is None or run.step < self._first[0]:  # another stage
            self._first = (run.step, now)
        steps, seconds = run.step - self._first[0], now - self._first[1]
        per_step = seconds / steps if steps > 0 and seconds > 0 else None
        target = run.config.dynamics.steps
        timestep_ns = 1e-6 * run.config.dynamics.timestep_fs
        return RunProgress(
            step=run.step,
            target_steps=target,
            time_fs=run.time_fs,
            temperature_K=float(run.atoms.get_temperature()),
            labels=len(run.calculator.oracle.ids),
            skips=run.calculator.state.n_skips,
            threshold_eV_per_A=run.calculator.state.path.limit,
            elapsed_s=seconds,
            ns_per_day=86400 / per_step * timestep_ns if per_step else None,
            remaining_s=(target - run.step) * per_step if per_step else None,
        )
