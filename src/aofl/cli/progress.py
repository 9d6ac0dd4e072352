"""What verbs show while they go on: a live view of a run, a bar of any other work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from time import monotonic
from typing import TYPE_CHECKING, TypedDict

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
def shown_progress(*, is_aside: bool = False) -> Iterator[Callable[[Run], None]]:
    """Show a live view while the `with` block lasts; call what it gives after each step.

    Parameters
    ----------
    is_aside
        Whether it goes to standard error: standard output has a result for machines.
    """
    with LiveView(console=Console(stderr=is_aside)) as view:
        pace = Pace()
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


class Paced(TypedDict):
    """What `RunProgress` tells of the pace; None where it is not known yet."""

    elapsed_s: float
    ns_per_day: float | None
    remaining_s: float | None


class Pace:
    """The pace since the first look, so that a resumed run shows its own."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._first: tuple[int, float, float] | None = None

    def of(self, step: int, target_steps: int, time_fs: float) -> Paced:
        """Return how fast the run goes, and how long it still takes at this pace."""
        now = self._clock()
        if self._first is None or step < self._first[0]:  # another stage
            self._first = (step, time_fs, now)
        steps, seconds = step - self._first[0], now - self._first[2]
        is_known = steps > 0 and seconds > 0
        return {
            "elapsed_s": seconds,
            "ns_per_day": 0.0864 * (time_fs - self._first[1]) / seconds if is_known else None,
            "remaining_s": (target_steps - step) * seconds / steps if is_known else None,
        }

    def progress(self, run: Run) -> RunProgress:
        """Return where a run stands, and how fast it goes."""
        target = run.config.dynamics.steps
        return RunProgress(
            step=run.step,
            target_steps=target,
            time_fs=run.time_fs,
            temperature_K=float(run.atoms.get_temperature()),
            labels=len(run.calculator.oracle.ids),
            skips=run.calculator.state.n_skips,
            threshold_eV_per_A=run.calculator.state.path.limit,
            **self.of(run.step, target, run.time_fs),
        )
