"""The live view of a run: a small table in a terminal, plain lines anywhere else.

The run calls `update` at every step, which only keeps the newest record; drawing happens at most
four times a second in a terminal, and a line at most every ten seconds without one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.text import Text

REFRESH_PER_S = 4
LINE_EVERY_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """Where a run stands.

    Attributes
    ----------
    step, target_steps
        Steps done and wanted.
    time_fs, temperature_K
        Simulated time, fs, and present temperature, K.
    labels, skips
        Reference calls accepted so far, and calls spared by similarity.
    threshold_eV_per_A
        Calibrated force error above which a label is asked for, eV/Å; None if there is none.
    elapsed_s, ns_per_day, remaining_s
        Wall time since the start, s; pace; wall time left at this pace. None if not known yet.
    """

    step: int
    target_steps: int
    time_fs: float
    temperature_K: float  # noqa: N815 - the unit is a capital K
    labels: int
    skips: int
    threshold_eV_per_A: float | None  # noqa: N815 - eV and Å have capitals
    elapsed_s: float
    ns_per_day: float | None = None
    remaining_s: float | None = None


class LiveView:
    """Show the progress of a run while the `with` block lasts.

    Parameters
    ----------
    title
        Shown over the table in a terminal.
    console
        Where to write; standard output if not given.
    clock
        Seconds from any origin; replaced in tests.
    """

    def __init__(
        self,
        title: str = "",
        *,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title = title
        self._console = console or Console()
        self._clock = clock
        self._latest: RunProgress | None = None
        self._printed: RunProgress | None = None
        self._next_line = clock()
        self._live: Live | None = None

    def __enter__(self) -> LiveView:
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._render,
                console=self._console,
                refresh_per_second=REFRESH_PER_S,
            )
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.stop()
        elif self._latest is not self._printed:
            self._print_line()

    def update(self, progress: RunProgress) -> None:
        """Take the newest state of the run; cheap enough for every step."""
        self._latest = progress
        if self._live is None and self._clock() >= self._next_line:
            self._print_line()

    def _print_line(self) -> None:
        if self._latest is not None:
            self._console.print(progress_line(self._latest), markup=False, soft_wrap=True)
        self._printed = self._latest
        self._next_line = self._clock() + LINE_EVERY_S

    def _render(self) -> RenderableType:
        return Text("starting") if self._latest is None else panel(self._latest, self._title)


def panel(progress: RunProgress, title: str) -> Panel:
    """Lay out the progress for a terminal, in as many rows as its width needs."""
    fields = [
        Text.assemble((name, "dim"), "\n", (value, "bold"))
        for name, value in _fields(progress).items()
    ]
    bar = ProgressBar(total=max(progress.target_steps, 1), completed=progress.step)
    return Panel(
        Group(Columns(fields, padding=(0, 3)), bar),
        title=Text(title),
        title_align="left",
        border_style="dim",
    )


def progress_line(progress: RunProgress) -> str:
    """Write the progress as one plain line."""
    return "  ".join(f"{name} {value}" for name, value in _fields(progress).items())


def clock_time(seconds: float) -> str:
    """Write a time span as h:mm:ss."""
    minutes, s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{s:02d}"


def _fields(p: RunProgress) -> dict[str, str]:
    return {
        "step": f"{p.step}/{p.target_steps}",
        "time": f"{p.time_fs / 1000:.3f} ps",
        "temperature": f"{p.temperature_K:.0f} K",
        "labels": str(p.labels),
        "skips": str(p.skips),
        "threshold": _or_dash(p.threshold_eV_per_A, lambda value: f"{value:.3f} eV/Å"),
        "ns/day": _or_dash(p.ns_per_day, lambda value: f"{value:.3g}"),
        "elapsed": clock_time(p.elapsed_s),
        "remaining": _or_dash(p.remaining_s, clock_time),
    }


def _or_dash(value: float | None, write: Callable[[float], str]) -> str:
    return "-" if value is None else write(value)
