"""A campaign on the screen: a table of its walkers while they run, and how they ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import typer

from aofl.cli.status_screen import STATUS_STYLES
from aofl.errors import AoflError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

    from aofl.workflows.campaign import Outcome

LOOK_S = 2.0  # between looks at the files
LINE_S = 60.0  # between lines where there is no terminal, if nothing else changes
GOES_ON = ("running", "waiting")
COLUMNS = ("walker", "status", "steps", "time", "labels", "audits", "audit RMSE")


@contextmanager
def shown_walkers(directory: Path, *, is_aside: bool = False) -> Iterator[Callable[[], None]]:
    """Show the walkers while the `with` block lasts; call what it gives now and then.

    `is_aside` shows them on standard error.
    """
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=is_aside)
    if not console.is_terminal:
        lines = _Lines(directory, console)
        yield _every(LOOK_S, lines.look)
        lines.look()  # not after an exception
        return
    with Live(console=console, auto_refresh=False) as live:
        yield _every(LOOK_S, lambda: _look(live, directory))
        _look(live, directory)


def watch_walkers(directory: Path, every: float, console: Console) -> None:
    """Show a campaign until each walker has ended, from its files alone.

    A terminal gets a table that is drawn again, anything else a line for each change.
    """
    from rich.live import Live

    if not console.is_terminal:
        lines = _Lines(directory, console)
        while lines.look()["status"] in GOES_ON:
            sleep(every)
        return
    with Live(console=console, auto_refresh=False) as live:
        while True:
            found = _look(live, directory)
            if found["status"] not in GOES_ON:
                return
            sleep(every)


def _look(live: Live, directory: Path) -> dict[str, Any]:
    from aofl import api

    found = api.status(directory)
    live.update(walkers_table(found, str(directory)), refresh=True)
    return found


def _every(seconds: float, look: Callable[[], object]) -> Callable[[], None]:
    """Return a function that may be called often and looks at most once in so many seconds.

    What cannot be read is not shown: the walkers go on.
    """
    due = monotonic()

    def call() -> None:
        nonlocal due
        if monotonic() >= due:
            with suppress(AoflError):
                look()
            due = monotonic() + seconds

    return call


class _Lines:
    """Prints a line when the status of a walker changes, and one in a minute."""

    def __init__(self, directory: Path, console: Console) -> None:
        self._directory, self._console = directory, console
        self._shown: list[tuple[str, str]] = []
        self._next_line = monotonic()

    def look(self) -> dict[str, Any]:
        from aofl import api

        found = api.status(self._directory)
        now = [(str(walker["name"]), str(walker["status"])) for walker in found["walkers"]]
        if now == self._shown and monotonic() < self._next_line:
            return found
        self._shown, self._next_line = now, monotonic() + LINE_S
        self._console.print(walkers_line(found), markup=False, highlight=False, soft_wrap=True)
        return found


def walkers_line(found: Mapping[str, Any]) -> str:
    """Write where a campaign stands as one plain line."""
    states = [str(walker["status"]) for walker in found["walkers"]]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    steps, target = found["steps"], found["target_steps"]
    return f"{counts}  step {steps}/{target}  labels {found['labels']}  {_error(found, 'audits')}"


def walkers_table(found: Mapping[str, Any], title: str) -> Table:
    """Lay out the walkers of a campaign and their sums.

    Parameters
    ----------
    found
        As `aofl.workflows.run_status.campaign_status` gives it.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in COLUMNS[:2] else "right")
    for walker in found["walkers"]:
        style = STATUS_STYLES.get(walker["status"], "bold yellow")
        table.add_row(walker["name"], Text(walker["status"], style=style), *_figures(walker))
    table.add_section()
    table.add_row("all", Text(found["status"], style="bold"), *_figures(found))
    return table


def _figures(values: Mapping[str, Any]) -> tuple[str, ...]:
    def number(key: str) -> str:
        return "-" if values.get(key) is None else f"{values[key]:g}"

    time_fs = values.get("time_fs")
    return (
        f"{number('steps')}/{number('target_steps')}",
        "-" if time_fs is None else f"{time_fs / 1000:.3f} ps",
        number("labels"),
        number("n_audit_frames"),
        _error(values),
    )


def _error(values: Mapping[str, Any], name: str = "") -> str:
    rmse = values.get("audit_forces_rmse")
    return f"{name} {'-' if rmse is None else f'{rmse:.3f} eV/Å'}".strip()


def tell_end(directory: Path, outcome: Outcome, *, is_aside: bool = False) -> None:
    """Say how a campaign ended, with what failing walkers said."""
    for ended in outcome.failed:
        typer.echo(str(ended), err=True)
    typer.echo(f"{outcome.status}: {directory}", err=is_aside)
    if outcome.status != "done":
        typer.echo(f"go on with `aofl resume {directory}`", err=is_aside)
