"""The verbs around runs: compare them, check and rehearse one before it is paid for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from aofl.cli.results import AsJson, print_json

COLUMNS = {
    "rule": ("rule", "{}"),
    "steps": ("steps", "{}"),
    "labels": ("labels", "{:g}"),
    "labelled": ("label_fraction", "{:.1%}"),
    "speed-up": ("speedup", "{:.2f}"),
    "time saved": ("wall_time_down_percent", "{:.0f} %"),
    "rate up": ("rate_up_percent", "{:.0f} %"),
    "quiet, eV/Å": ("audit_quiet_rmse", "{:.3f}"),
    "reactive": ("audit_reactive_rmse", "{:.3f}"),
    "reactions": ("n_reactions", "{}"),
    "density": ("label_density_ratio", "{:.1f}"),
    "recall": ("recall", "{:.0%}"),
    "g(r) overlap": ("radial_overlap", "{:.0%}"),
}


def compare(
    directories: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="run directories, campaigns")
    ],
    out: Annotated[Path, typer.Option(help="directory to write to")] = Path("comparison"),
    as_json: AsJson = False,
) -> None:
    """Put runs side by side: labels, time, errors, structure, reactions (HTML and JSON)."""
    from aofl import api
    from aofl.cli.progress import bar

    with bar() as on_progress:
        on_progress("reading runs", 0, None)
        found = api.compare(directories, out)
    if as_json:
        print_json(found.records)
        return
    from rich.console import Console

    Console().print(_table(found.records))
    for record in found.records:
        if record["differs_in"]:
            typer.echo(f"{record['name']} differs in {' and '.join(record['differs_in'])}")
    typer.echo(f"written to {', '.join(str(file) for file in found.files)}")


def _table(records: Sequence[Mapping[str, Any]]) -> Any:
    """Return one column for each run: long names have room, and many figures do not scroll."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for record in records:
        table.add_column(str(record["name"]), justify="right")
    for title, (key, form) in COLUMNS.items():
        values = [record[key] for record in records]
        table.add_row(title, *("-" if v is None else form.format(v) for v in values))
    return table


def check(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="run.yaml")],
    label: Annotated[bool, typer.Option(help="time one label of the start structure")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a configuration and forecast what it costs; nothing is run or written."""
    from aofl import api
    from aofl.cli.progress import bar
    from aofl.config import read_config

    with bar() as on_progress:
        found = api.check(read_config(config), time_label=label, on_progress=on_progress)
    if as_json:
        print_json(found)
        return
    cell = " x ".join(f"{length:.2f}" for length in found["cell_A"])
    level = ", ".join(str(v) for v in found["level_of_theory"].values() if isinstance(v, str))
    doubts = found["doubts"]
    typer.echo(f"{config} is sound" if not doubts else f"{config} can start, but look at this:")
    for doubt in doubts:
        typer.echo(f"doubt       {doubt}")
    if found["walkers"] is not None:
        typer.echo(f"walkers     {found['walkers']}; what follows is the first of them")
    typer.echo(f"system      {found['formula']}, {found['n_atoms']} atoms in {cell} Å")
    typer.echo(f"run         {found['mode']}, {found['steps']} steps, {found['time_ps']:g} ps")
    note = " (semi-empirical, not DFT)" if found["semi_empirical"] else ""
    typer.echo(f"reference   {level}{note}")
    if found["reference_data"]:
        typer.echo(f"data        {', '.join(found['reference_data'])}")
    if found["weights"] is not None:
        typer.echo(f"force field {found['weights']} weights")
    if found["cut"] is not None:
        atoms, core = found["cut"]["atoms"], found["cut"]["core"]
        typer.echo(f"cut-out     {atoms} atoms, of which the forces on {core} count")
    _show_forecast(found)
    if found["label_s"] is None:
        typer.echo("`--label` times one label for hours; `aofl rehearse` counts the labels")


def rehearse(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="run.yaml")],
    out: Annotated[Path, typer.Option(help="run directory to make")],
    steps: Annotated[int | None, typer.Option(help="steps of the rehearsal")] = None,
    teacher: Annotated[Path | None, typer.Option(help="learned model; else GFN1-xTB")] = None,
    label: Annotated[bool, typer.Option(help="time one label of the real reference")] = True,
    as_json: AsJson = False,
) -> None:
    """Run a campaign with a cheap teacher as its reference, and score the rules at every step."""
    from aofl import api
    from aofl.cli.progress import shown_progress
    from aofl.config import read_config

    chosen = read_config(config, {} if steps is None else {"dynamics.steps": steps})
    with nullcontext(lambda run: None) if as_json else shown_progress() as on_step:
        found = api.rehearse(chosen, out, teacher=teacher, time_label=label, on_step=on_step)
    if as_json:
        print_json(found)
        return
    n, n_labels = found["steps_scored"], found["labels"]
    typer.echo(f"{found['status']}: {n_labels} labels, the other {n} steps checked one by one")
    typer.echo(f"true force RMSE     {_milli(found['true_rmse'])} meV/Å over all these steps")
    audits = f"over {found['n_audit_frames']} audits"
    typer.echo(f"as the audits say   {_milli(found['audit_forces_rmse'])} meV/Å {audits}")
    typer.echo(f"largest error       {_milli(found['largest_error'])} meV/Å on an atom")
    beyond = found["steps_beyond_threshold"]
    typer.echo(f"beyond threshold    {beyond} steps that no rule noticed, {beyond / max(n, 1):.1%}")
    typer.echo(
        f"labels not needed   {found['labels_wasted']} of the {found['labels_asked']} that doubt "
        "or chemistry asked for"
    )
    typer.echo(
        f"reactions           {found['reactions']}, {found['reactions_missed']} without a label "
        f"{', '.join(found['missed'])}"
    )
    _show_forecast(found["forecast"])
    typer.echo(f"advice      {found['advice']}")
    typer.echo(f"written to {out}")


def _show_forecast(found: Mapping[str, Any]) -> None:
    least, most = found["labels"]
    labels = f"{least}" if least == most else f"{least} to {most}"
    typer.echo(f"labels      {labels} for {found['steps']} steps")
    if found["label_s"] is None:
        return
    hours = " to ".join(dict.fromkeys(f"{h:.2g}" for h in found["hours"]))
    basis = f"{hours} h at {found['label_s']:.2g} s a label"
    if found["aimd_hours"] is None:
        typer.echo(f"time        {basis}; what AIMD would take, labels of cut-outs do not tell")
        return
    basis += f"; AIMD {found['aimd_hours']:.2g} h"
    if found["speedup"] is None:
        typer.echo(f"labels take {basis}; steps of the force field come on top")
        return
    factor = " to ".join(dict.fromkeys(f"{s:.2g}" for s in found["speedup"]))
    typer.echo(f"time        {basis}, so {factor} x as fast")
    typer.echo(f"of which    {_shares(found['hours_by_part'])}")


def _shares(parts: Mapping[str, Sequence[float]]) -> str:
    """Return which share of the time the parts take, where the most labels are asked for."""
    total = sum(most for _, most in parts.values())
    shown = {name.replace("_", " "): most / total for name, (_, most) in parts.items()}
    return ", ".join(f"{name} {share:.0%}" for name, share in shown.items())


def _milli(value: float | None) -> str:
    return "-" if value is None else f"{1e3 * value:.0f}"
