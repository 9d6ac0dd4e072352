"""Looking at a run from outside: on a screen, or by a report that is kept fresh.

Everything is read from the run directory, so any machine that sees the files can look, and nothing
is asked of the run itself. Looking ends when the run does, or with Ctrl-C.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aofl.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from aofl.cli.live import RunProgress
    from aofl.cli.progress import Pace

LEAST_S = 0.2  # between looks
SHOWN = 8  # newest events on the screen
SHARE = 0.1  # of a core, that writing reports may take

Every = Annotated[float, typer.Option("--every", metavar="SECONDS", help="between looks")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the files of a run say at one moment.

    Attributes
    ----------
    directory
        Of the run, or of the stage where it stands.
    summary
        As `aofl.api.status` gives it; empty before the first step.
    row
        The newest row of `thermo.csv`, as text by column; empty before the first step.
    told
        The newest events that have something to say, oldest first.
    age_s
        Since a step was written, s; None before the first one.
    """

    directory: Path
    summary: dict[str, Any]
    row: dict[str, str]
    told: tuple[str, ...]
    age_s: float | None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come by itself."""
        return str(self.summary.get("status", "running")) != "running"


def watch(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="run directory")],
    every: Every = 2.0,
) -> None:
    """Show how a run goes until it ends, from its files alone; Ctrl-C leaves, the run goes on."""
    from rich.console import Console

    from aofl.cli.walkers import watch_walkers
    from aofl.store import is_campaign

    check_pause(every)
    draw = watch_walkers if is_campaign(directory) else show
    with suppress(KeyboardInterrupt):
        draw(directory, every, Console())


def show(directory: Path, every: float, console: Console) -> None:
    """Draw the run again and again in a terminal, or print a line for each change elsewhere."""
    from rich.live import Live

    from aofl.cli.progress import Pace

    pace = Pace()
    if not console.is_terminal:
        for line in _lines(directory, every, pace):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        return
    with Live(console=console, auto_refresh=False) as live:
        for look in looks(directory, every):
            live.update(screen(look, pace), refresh=True)


def keep_fresh(directory: Path, out: Path | None, every: float) -> None:
    """Write the report whenever the run has gone on, and once more when it has ended.

    While the run goes the page reloads itself. No more than a tenth of the time is spent on it.
    """
    from aofl import api

    check_pause(every)
    shown = None
    with suppress(KeyboardInterrupt):
        for look in looks(directory, every):
            state = (look.row.get("step"), look.has_ended)
            if state == shown:
                continue
            began = time.monotonic()
            path = api.report(directory, out, reload_s=None if look.has_ended else every)
            if shown is None:
                typer.echo(f"{path} is kept fresh until the run ends; Ctrl-C leaves")
            shown = state
            if not look.has_ended:
                time.sleep((time.monotonic() - began) * (1 - SHARE) / SHARE)
        typer.echo(f"the run has ended: {path}")


def check_pause(every: float) -> None:
    """Refuse a time between looks that is too short.

    Raises
    ------
    ConfigError
        If it is: give a longer one.
    """
    if not every >= LEAST_S:
        raise ConfigError(f"--every is {every:g}; give at least {LEAST_S:g} seconds")


def looks(directory: Path, every: float) -> Iterator[Look]:
    """Yield what the files say now and after each pause, until the run has ended."""
    while True:
        look = look_at(directory)
        yield look
        if look.has_ended:
            return
        time.sleep(every)


def look_at(directory: Path) -> Look:
    """Read the newest state of a run, or of the stage where it stands.

    Raises
    ------
    StoreError
        If there is no run, or its files cannot be read.
    """
    from aofl import api
    from aofl.store import RunDirectory, last_whole_lines

    run = RunDirectory.open(directory)
    stage = None if run.summary.exists() else run.stage()
    if stage is not None:
        look = look_at(stage.path)
        # A stage that is done is no end: the next one begins, or the run itself.
        goes_on = {"status": "running"} if look.summary["status"] == "done" else {}
        return replace(look, summary=look.summary | goes_on)
    return Look(
        directory=directory,
        summary=api.status(directory) if run.summary.exists() else {},
        row=_newest_row(run.thermo),
        told=tuple(_told(last_whole_lines(run.events)))[-SHOWN:],
        age_s=_age(run.thermo),
    )


def _newest_row(thermo: Path) -> dict[str, str]:
    from aofl.store import last_whole_lines

    try:
        with thermo.open(encoding="utf-8") as file:
            columns = file.readline().strip().split(",")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{thermo} cannot be read: {error}") from error
    values = [line.split(",") for line in last_whole_lines(thermo)]
    rows = [row for row in values if len(row) == len(columns) and row != columns]
    return dict(zip(columns, rows[-1], strict=True)) if rows else {}


def _told(lines: list[str]) -> Iterator[str]:
    """Return events in words: reactions, and whatever has a message or a reason."""
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue  # looking goes on; a report names what is damaged
        words = event.get("reaction") or event.get("message") or event.get("reason")
        if words:
            when = f"{event['time_fs']:.0f} fs" if "time_fs" in event else ""
            yield f"step {event.get('step', '-'):>7}  {when:>9}  {event.get('event')}: {words}"


def _age(path: Path) -> float | None:
    try:
        return max(0.0, time.time() - path.stat().st_mtime)
    except OSError:
        return None


def progress_of(look: Look, pace: Pace) -> RunProgress | None:
    """Return where a run stands; None before its first step.

    Raises
    ------
    StoreError
        If the newest row of `thermo.csv` has no number where one belongs.
    """
    from aofl.cli.live import RunProgress

    row, summary = look.row, look.summary
    if not row or not summary:
        return None
    try:
        step, target, time_fs = (
            int(row["step"]),
            int(summary["target_steps"]),
            float(row["time_fs"]),
        )
        threshold = row["threshold_eV_per_A"]
        paced = pace.of(step, target, time_fs)
        spent = summary.get("wall_s", {}).get("total")
        return RunProgress(
            step=step,
            target_steps=target,
            time_fs=time_fs,
            temperature_K=float(row["temperature_K"]),
            labels=int(row["n_labels"]),
            skips=int(row["n_skips"]),
            threshold_eV_per_A=float(threshold) if threshold else None,
            elapsed_s=paced["elapsed_s"] if spent is None else float(spent),
            ns_per_day=paced["ns_per_day"],
            remaining_s=paced["remaining_s"],
        )
    except (KeyError, ValueError) as error:
        raise StoreError(
            f"{look.directory}: thermo.csv or summary.json is damaged ({error}); "
            "`aofl report` shows what can be read"
        ) from error


def screen(look: Look, pace: Pace) -> RenderableType:
    """Lay out a look for a terminal: progress, the state of things, the newest events."""
    from rich.console import Group
    from rich.text import Text

    from aofl.cli.live import panel

    progress = progress_of(look, pace)
    if progress is None:
        return Text(f"{look.directory}: waiting for the first step", style="dim")
    told = Text("\n".join(look.told), no_wrap=True, overflow="ellipsis")
    return Group(panel(progress, str(look.directory)), Text(state_of(look)), told)


def state_of(look: Look) -> str:
    """Write status, accuracy and the age of what is shown as one line."""
    from aofl.cli.live import clock_time

    summary = look.summary
    error, speedup = summary.get("audit_forces_rmse"), summary.get("speedup")
    parts = [str(summary.get("status", "unknown"))]
    if error is not None:
        parts.append(f"audits {error:.3f} eV/Å ({summary.get('n_audit_frames')} frames)")
    if speedup is not None:
        parts.append(f"{speedup:.3g} x AIMD")
    if look.age_s is not None and not look.has_ended:
        parts.append(f"last step {clock_time(look.age_s)} ago")
    if summary.get("reason"):
        parts.append(str(summary["reason"]))
    return "  ".join(parts)


def _lines(directory: Path, every: float, pace: Pace) -> Iterator[str]:
    """Yield a line for each change: new events, a new step, the end."""
    from aofl.cli.live import progress_line

    told: tuple[str, ...] = ()
    step = None
    for look in looks(directory, every):
        yield from (line for line in look.told if line not in told)
        told = look.told
        progress = progress_of(look, pace)
        if progress is not None and progress.step != step:
            step = progress.step
            yield progress_line(progress)
        if look.has_ended:
            yield state_of(look)
