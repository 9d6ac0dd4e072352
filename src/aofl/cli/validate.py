"""`aofl validate`: whether a reference is right for a chemistry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aofl.cli.results import AsJson, print_json

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from aofl.workflows.validate_reference import ValidationProgress

FAILED = 1
STOPPED_BY_SIGNAL = 3
COLOURS = {"right": "green", "rough": "yellow", "wrong": "red", "unconverged": "magenta"}


def validate(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="YAML with a section `reference`, as run.yaml")
    ],
    elements: Annotated[
        str, typer.Option(help="such as Na,O,H; left out, those of the system in CONFIG")
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="directory to write into; begun ones go on")
    ] = None,
    edge: Annotated[
        float, typer.Option(min=5.0, help="length of the cells that sample a crystal, Å")
    ] = 13.0,
    workers: Annotated[int, typer.Option(min=1, help="processes, each with its own code")] = 1,
    as_json: AsJson = False,
) -> None:
    """Compare a reference with measured crystals, molecules and reactions of some elements."""
    from aofl import api
    from aofl.config import read_config, read_reference

    directory = out or Path(f"validations/{config.resolve().parent.name}-{config.stem}")
    reference = read_reference(config)
    given = [part.strip() for part in elements.split(",")] if elements else None
    try:
        found = api.validate_reference(
            reference,
            given or api.elements_of(read_config(config)),
            directory,
            edge=edge,
            workers=workers,
            on_progress=_tell,
        )
    except KeyboardInterrupt:
        typer.echo(f"stopped: {directory}; the same command goes on", err=True)
        raise typer.Exit(STOPPED_BY_SIGNAL) from None
    if as_json:
        print_json(found)
    else:
        from rich.console import Console

        Console().print(render(found))
        typer.echo(f"written: {directory / 'validation.json'}")
    if not any(one["computed"] for one in found["substances"]):
        raise typer.Exit(FAILED)


def _tell(progress: ValidationProgress) -> None:
    """Say on the error stream what was computed, so that the JSON stays alone."""
    what = "" if progress.failure is None else f" failed: {progress.failure}"
    typer.echo(f"{progress.n_done} of {progress.n_all}  {progress.name}{what}", err=True)


def render(found: Mapping[str, Any]) -> RenderableType:
    """Lay out tables of reactions, atomisation and lengths, and the verdict below them."""
    from rich.console import Group
    from rich.text import Text

    failures = [
        Text(f"{one['name']} has no result: {one['failure']}", style="red")
        for one in found["substances"]
        if one["failure"]
    ]
    notes = [
        Text(f"{one['name']}: {note}", style="dim")
        for one in found["substances"]
        if one["computed"]
        for note in one["computed"]["notes"]
    ]
    level = found["level_of_theory"]
    kind = ", semi-empirical" if found["semi_empirical"] else ""
    return Group(
        Text(f"{level['code']} {level['version'] or ''} {level['method'] or ''}{kind}"),
        _energies("reaction, kJ/mol at 298 K", found["reactions"]),
        _energies("atomisation", found["atomisation"]),
        _lengths(found["lengths"]),
        *failures,
        *notes,
        *(Text(f"- {sentence}", style="bold") for sentence in found["verdict"]),
    )


def _energies(title: str, lines: Sequence[Mapping[str, Any]]) -> Table:
    table = _table(title, "measured", "computed", "error", "cell")
    for line in lines:
        measured = f"{line['measured_kJ_mol']:.0f}"
        if line["missing"]:
            table.add_row(
                line["reaction"], measured, "-", "", "", f"without {', '.join(line['missing'])}"
            )
            continue
        numbers = [
            f"{line[key]:{form}}"
            for key, form in (
                ("computed_kJ_mol", ".0f"),
                ("error_kJ_mol", "+.0f"),
                ("cell_kJ_mol", ".0f"),
            )
        ]
        word = f"{line['grade']}{', wrong way' if line['wrong_way'] else ''}"
        table.add_row(line["reaction"], measured, *numbers, _coloured(line["grade"], word))
    return table


def _lengths(lines: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("lengths and bulk moduli", "measured", "computed", "error", "")
    for line in lines:
        table.add_row(
            f"{line['name']} {line['what']}, {line['unit']}",
            f"{line['measured']:.3f}",
            f"{line['computed']:.3f}",
            f"{line['error_percent']:+.1f} %",
            "",
            _coloured(line["grade"], line["grade"]),
        )
    return table


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(title, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    table.add_column("", no_wrap=True)
    return table


def _coloured(grade: str, word: str) -> Text:
    from rich.text import Text

    return Text(word, style=COLOURS[grade])
