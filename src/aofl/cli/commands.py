"""The verbs of the command line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aofl.cli.doctor import doctor
from aofl.cli.export import export
from aofl.cli.label import label
from aofl.cli.labelled_screen import Shown, lines_of_errors
from aofl.cli.labels_of import EnergyKey, ForcesKey, StressKey, VirialKey, keys_of
from aofl.cli.numbers import cell_of, number_of
from aofl.cli.results import AsJson, print_json
from aofl.cli.walker_verbs import analyse_walkers, resume_walkers, run_walkers
from aofl.cli.walltime import seconds_of
from aofl.cli.watch import keep_fresh
from aofl.errors import STOPPED_EARLY, ConfigError, RunStopped

if TYPE_CHECKING:
    from aofl.simulation.run_state import Run


app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Reactive molecular dynamics with a force field that learns while it runs.",
)

app.command()(label)
app.command()(doctor)
app.command()(export)

WallTime = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="stop cleanly before this, read as Slurm does: 90 (minutes), 30:00, 12:00:00, 1-12; "
        "or with a unit: 90s, 30min, 1.5h, 2d",
    ),
]
RunDir = Annotated[Path, typer.Argument(metavar="DIR", help="run directory")]
Processes = Annotated[
    int | None,
    typer.Option(min=1, help="with `walkers`: how many at a time; else the cores over `threads`"),
]


@app.command()
def build(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="run.yaml")],
    out: Annotated[Path | None, typer.Option(help="directory to write into")] = None,
    seed: Annotated[int | None, typer.Option(help="seed of all randomness")] = None,
    stages: Annotated[bool, typer.Option(help="write the cells of the stages too")] = False,
    as_json: AsJson = False,
) -> None:
    """Build the start structure, draw it, and show what was asked for and got."""
    from rich.console import Console

    from aofl.cli.build_screen import render_system
    from aofl.config import read_config
    from aofl.system import to_json
    from aofl.workflows.build import build_files

    chosen = read_config(config, {} if seed is None else {"seed": seed})
    directory = out or Path(f"builds/{config.resolve().parent.name}")
    system = build_files(chosen, directory, with_stages=stages)
    written = sorted(path.name for path in directory.iterdir() if path.suffix != ".tmp")
    if as_json:
        print_json({"directory": directory, "files": written, **to_json(system)})
        return
    Console().print(render_system(system))
    typer.echo(f"{directory}: {', '.join(written)}")


@app.command()
def run(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="run.yaml")],
    out: Annotated[Path | None, typer.Option(help="run directory to make")] = None,
    steps: Annotated[int | None, typer.Option(help="steps of the whole run")] = None,
    mode: Annotated[str | None, typer.Option(help="aimd, cofl, aofl or mlff")] = None,
    seed: Annotated[int | None, typer.Option(help="seed of all randomness")] = None,
    model: Annotated[Path | None, typer.Option(help="learned model to start from")] = None,
    max_walltime: WallTime = None,
    processes: Processes = None,
    only_make: Annotated[
        bool, typer.Option("--only-make", help="make the directory and start nothing")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Start a run, or a campaign of `walkers`; options override the file."""
    from aofl import api
    from aofl.config import read_config

    given = {
        "dynamics.steps": steps,
        "mode": mode,
        "seed": seed,
        "out": None if out is None else str(out),
        "force_field.model": None if model is None else str(model),
    }
    chosen = read_config(config, {key: value for key, value in given.items() if value is not None})
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    directory = Path(chosen.out or f"runs/{config.resolve().parent.name}-{stamp}")
    if only_make:
        api.make(chosen, directory)
        _tell_made(directory, as_json)
        return
    granted_s, tell = _granted(max_walltime, as_json), _teller(as_json)
    if chosen.walkers is not None:
        run_walkers(chosen, directory, processes, granted_s, as_json)
        return
    _ended(
        directory,
        as_json,
        lambda show: api.run(
            chosen,
            directory,
            show,
            max_walltime_s=granted_s,
            on_stage=lambda name: tell(f"stage {name}"),
        ),
    )


@app.command()
def resume(
    directory: RunDir,
    steps: Annotated[int | None, typer.Option(help="new total number of steps")] = None,
    max_labels: Annotated[int | None, typer.Option(help="new total budget of labels")] = None,
    config: Annotated[Path | None, typer.Option(help="configuration to go on with")] = None,
    from_step: Annotated[
        int | None, typer.Option("--from", metavar="STEP", help="branch: the step to begin at")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="NEWDIR", help="branch: run directory to make")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="branch: another seed")] = None,
    max_walltime: WallTime = None,
    processes: Processes = None,
    while_input_is_open: Annotated[
        bool, typer.Option("--while-input-is-open", hidden=True, help="leave with the parent")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Continue a run or a campaign from its last checkpoint, or branch a run at an earlier step."""
    from aofl import api
    from aofl.cli.parent import leave_when_input_closes
    from aofl.store import is_campaign

    if while_input_is_open:
        leave_when_input_closes()
    given = {"dynamics.steps": steps, "learning.budget.max_labels": max_labels, "seed": seed}
    overrides = {key: value for key, value in given.items() if value is not None}
    granted_s, tell = _granted(max_walltime, as_json), _teller(as_json)
    if is_campaign(directory):
        of_a_run = {"--max-labels": max_labels, "--config": config, "--from": from_step, "--to": to}
        of_a_run["--seed"] = seed
        resume_walkers(directory, steps, processes, granted_s, as_json, of_a_run)
        return
    if (from_step is None) != (to is None):
        raise ConfigError("a branch needs both `--from STEP` and `--to NEWDIR`")
    if from_step is not None and to is not None:
        api.branch(directory, from_step, to, overrides, config_file=config)
        directory, overrides, config = to, {}, None
    _ended(
        directory,
        as_json,
        lambda show: api.resume(
            directory,
            overrides,
            show,
            config_file=config,
            max_walltime_s=granted_s,
            on_change=lambda change: tell(f"changed from here on: {change}"),
            on_stage=lambda name: tell(f"stage {name}"),
        ),
    )


@app.command()
def status(
    directory: RunDir,
    as_json: AsJson = False,
) -> None:
    """Print one screen on how a run stands, or the walkers of a campaign."""
    from aofl import api

    summary = api.status(directory)
    if as_json:
        print_json(summary)
        return
    from rich.console import Console

    from aofl.cli.status_screen import render_status
    from aofl.cli.walkers import walkers_table

    is_one_run = "walkers" not in summary
    Console().print(
        render_status(summary) if is_one_run else walkers_table(summary, str(directory))
    )


@app.command()
def report(
    directory: RunDir,
    out: Annotated[
        Path | None, typer.Option(help="file to write; report.html in the run directory")
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="directory for the plots as PDF, SVG and CSV, in widths of journals"),
    ] = None,
    is_watched: Annotated[
        bool, typer.Option("--watch", help="keep the page fresh until the run ends; it reloads")
    ] = False,
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", help="with --watch: between looks")
    ] = 30.0,
) -> None:
    """Write the report of a run: one HTML file; of a campaign, one for each walker and for all."""
    from aofl import api
    from aofl.cli.progress import bar
    from aofl.store import is_campaign

    if is_watched and is_campaign(directory):
        raise ConfigError("--watch keeps the page of one run fresh; give it a walker's directory")
    if is_watched and figures is not None:
        raise ConfigError("--watch writes no figures; give `--figures` without it")
    if is_watched:
        keep_fresh(directory, out, every)
        return
    with bar() as on_progress:
        on_progress("writing the report", 0, None)
        written = api.report(directory, out, figures=figures)
    typer.echo(written)
    if figures is not None:
        typer.echo(f"{figures}: {', '.join(sorted(path.name for path in figures.glob('*.csv')))}")


@app.command()
def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="labelled extxyz, also .gz")],
    out: Annotated[Path, typer.Option(help="model file to write")],
    accuracy: Annotated[str, typer.Option(help="fast, standard or high")] = "standard",
    seed: Annotated[int, typer.Option(help="of the labels held back for calibration")] = 0,
    for_production: Annotated[
        bool, typer.Option("--for-production", help="small file that predicts and never learns")
    ] = False,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
    virial_key: VirialKey = None,
    as_json: AsJson = False,
) -> None:
    """Train a force field on labelled frames."""
    from aofl import api
    from aofl.cli.progress import bar

    keys, shown = keys_of(energy_key, forces_key, stress_key, virial_key), Shown(as_json=as_json)
    with bar() as on_progress:
        found = api.train(
            data,
            out,
            accuracy,
            seed,
            for_production=for_production,
            keys=keys,
            on_read=shown,
            on_progress=on_progress,
        )
    if as_json:
        print_json({"model": out, **found.to_json(), "data": shown.read})
        return
    if found.held_back is None:
        typer.echo("too few labels to hold some back: nothing is known of the errors")
    else:
        typer.echo(f"on {found.held_back.n_frames} labels held back, before they were learned:")
        for line in lines_of_errors(found.held_back):
            typer.echo(line)
    typer.echo(f"learned {found.n_labels} labels of {data}: {out}")


@app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="model.h5")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="labelled extxyz, also .gz")],
    plot: Annotated[Path | None, typer.Option(help="parity plot to write (SVG)")] = None,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
    virial_key: VirialKey = None,
    as_json: AsJson = False,
) -> None:
    """Compare a force field with labelled frames: errors and coverage by element."""
    from aofl import api
    from aofl.cli.progress import bar

    drawn = plot or Path(f"{model.stem}.parity.svg")
    keys, shown = keys_of(energy_key, forces_key, stress_key, virial_key), Shown(as_json=as_json)
    with bar() as on_progress:
        found = api.evaluate(model, data, drawn, keys=keys, on_read=shown, on_progress=on_progress)
    if as_json:
        print_json({**found.to_json(), "data": shown.read})
        return
    typer.echo(f"{found.n_frames} frames of {data}")
    for line in lines_of_errors(found):
        typer.echo(line)
    typer.echo(f"parity plot: {drawn}")


@app.command()
def analyse(
    path: Annotated[
        Path, typer.Argument(metavar="FILE_OR_DIR", help="trajectory or run directory")
    ],
    out: Annotated[Path | None, typer.Option(help="directory to write to")] = None,
    every: Annotated[int, typer.Option(help="look at every n-th frame")] = 1,
    file_format: Annotated[
        str | None, typer.Option("--format", help="if the name misleads")
    ] = None,
    elements: Annotated[
        str,
        typer.Option(
            help="of the atom types, as Na,O,H; of names, as HW=H,OW=O; or a file of the same atoms"
        ),
    ] = "",
    cell: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,C", help="where the file has none: 3, 6 or 9 numbers, Å, degrees; or none"
        ),
    ] = None,
    unwrapped: Annotated[
        bool, typer.Option("--unwrapped", help="no boundary has cut the paths of the file")
    ] = False,
    frame_interval_fs: Annotated[
        str | None,
        typer.Option(metavar="FS", help="where the file has no times, or no good ones"),
    ] = None,
    min_lifetime_fs: Annotated[
        str | None, typer.Option(metavar="FS", help="shorter-lived is flicker")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what formed: species, reactions, solids, structure and motion of any trajectory."""
    from aofl import api
    from aofl.cli.progress import bar
    from aofl.store import is_campaign
    from aofl.workflows.analyse import AnalyseOptions

    options = AnalyseOptions(
        format_=file_format,
        elements=tuple(part.strip() for part in elements.split(",") if part.strip()),
        cell=cell_of(cell),
        is_unwrapped=unwrapped,
        interval_fs=number_of(frame_interval_fs, "--frame-interval-fs"),
        min_lifetime_fs=number_of(min_lifetime_fs, "--min-lifetime-fs"),
        every=every,
    )
    if is_campaign(path):
        analyse_walkers(path, out, options, as_json)
        return
    with bar() as on_progress:
        found = api.analyse(path, out, options, on_progress)
    if as_json:
        print_json(found.results)
        return
    from rich.console import Console

    from aofl.cli.analysis_screen import render_analysis

    Console().print(render_analysis(found.results, found.files))


def _tell_made(directory: Path, as_json: bool) -> None:
    if as_json:
        print_json({"directory": directory})
    else:
        typer.echo(f"made: {directory}")


def _teller(as_json: bool) -> Callable[[str], None]:
    """Return what says a word on the way: aside, where standard output is for machines."""
    return lambda words: typer.echo(words, err=as_json)


def _granted(max_walltime: str | None, as_json: bool) -> float | None:
    """Return the wall time that is granted, s, and say how it was read; None without a limit."""
    from aofl.cli.live import clock_time

    seconds = seconds_of(max_walltime)
    if seconds is not None:
        limit = clock_time(seconds)
        _teller(as_json)(f"stops cleanly before {limit} (h:mm:ss) of wall time is over")
    return seconds


def _ended(directory: Path, as_json: bool, go: Callable[[Callable[[Run], None]], str]) -> None:
    """Let a run go, show how far it is, and tell how it ended.

    For machines that is its summary, also where it stopped itself.
    """
    from aofl.cli.progress import shown_progress

    try:
        with shown_progress(is_aside=as_json) as show:
            status = go(show)
    except RunStopped:
        if as_json:
            print_json(_summary(directory, "stopped"))
        raise
    if as_json:
        print_json(_summary(directory, status))
    else:
        typer.echo(f"{status}: {directory}")
    if status != "done":
        _teller(as_json)(f"go on with `aofl resume {directory}`")
        raise typer.Exit(STOPPED_EARLY)


def _summary(directory: Path, status: str) -> dict[str, Any]:
    """Return the summary of a run; one that ended in its stages has none of its own."""
    from aofl import api

    known = api.status(directory) if (directory / "summary.json").is_file() else {}
    return {"directory": directory, "status": status, **known}
