"""The verbs of a run on a campaign: run, resume, analyse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from aofl.cli.results import print_json
from aofl.errors import STOPPED_EARLY, ConfigError

if TYPE_CHECKING:
    from aofl.config.schema import RunConfig
    from aofl.workflows.analyse import AnalyseOptions
    from aofl.workflows.campaign import Outcome

FAILED = 1  # exit code


def analyse_walkers(path: Path, out: Path | None, options: AnalyseOptions, as_json: bool) -> None:
    """Analyse each walker, and print what all of them saw."""
    import json

    from aofl import api
    from aofl.cli.progress import bar

    if out is not None:
        raise ConfigError(
            "--out is for one run: each walker has its `analysis/`, as has a campaign"
        )
    with bar() as on_progress:
        file = api.analyse_campaign(path, options, on_progress)
    found = json.loads(file.read_text(encoding="utf-8"))
    if as_json:
        print_json(found)
        return
    for one in found["reactions"]:
        where = f" ({one['group']})" if one["group"] else ""
        typer.echo(f"{sum(one['counts']):5} x {one['reaction']}{where}")
    typer.echo(f"{len(found['walkers'])} walkers, each with its `analysis/`; together: {file}")


def run_walkers(
    config: RunConfig,
    directory: Path,
    processes: int | None,
    granted_s: float | None,
    as_json: bool,
) -> None:
    """Make all walkers and run them."""
    from aofl import api

    _show_walkers(
        directory,
        as_json,
        lambda show: api.run_campaign(
            config, directory, n_processes=processes, max_walltime_s=granted_s, on_wait=show
        ),
    )


def resume_walkers(
    directory: Path,
    steps: int | None,
    processes: int | None,
    granted_s: float | None,
    as_json: bool,
    of_a_run: Mapping[str, object],
) -> None:
    """Go on with the walkers that are not done.

    `of_a_run` are options that a campaign cannot have, by name.
    """
    from aofl import api

    given = [name for name, value in of_a_run.items() if value is not None]
    if given:
        raise ConfigError(
            f"{', '.join(given)} is for one run, and this is a campaign: give the directory of a "
            "walker, or change `campaign.yaml` for the walkers to come"
        )
    _show_walkers(
        directory,
        as_json,
        lambda show: api.resume_campaign(
            directory, steps=steps, n_processes=processes, max_walltime_s=granted_s, on_wait=show
        ),
    )


def _show_walkers(
    directory: Path, as_json: bool, work: Callable[[Callable[[], None]], Outcome]
) -> None:
    """Let a campaign run with its walkers on the screen; exit codes are those of a run."""
    from aofl import api
    from aofl.cli.walkers import shown_walkers, tell_end

    with shown_walkers(directory, is_aside=as_json) as show:
        outcome = work(show)
    tell_end(directory, outcome, is_aside=as_json)
    if as_json:
        print_json({"directory": directory, **api.status(directory)})
    if outcome.status != "done":
        raise typer.Exit(STOPPED_EARLY if outcome.status == "stopped" else FAILED)
