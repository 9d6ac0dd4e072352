"""The verbs on labelled data sets: join them, and take near-duplicates out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aofl.cli.labelled_screen import MOST_LINES, Shown
from aofl.cli.labels_of import EnergyKey, ForcesKey, StressKey, VirialKey, keys_of
from aofl.cli.numbers import number_of
from aofl.cli.results import AsJson, print_json


def merge(
    data: Annotated[
        list[Path], typer.Argument(metavar="DATA...", help="labelled extxyz, runs, campaigns")
    ],
    out: Annotated[Path, typer.Option(help="file to write; it must not exist")],
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
    virial_key: VirialKey = None,
    as_json: AsJson = False,
) -> None:
    """Join labelled data sets of one level of theory; what comes again is written once."""
    from aofl import api
    from aofl.cli.progress import bar

    keys = keys_of(energy_key, forces_key, stress_key, virial_key)
    with bar() as on_progress:
        on_progress("reading labels", 0, None)
        found = api.merge(data, out, keys=keys)
    Shown(as_json=as_json)(found)
    if as_json:
        print_json({"out": out, **found.to_json()})
    else:
        typer.echo(f"{len(found.labels)} labels: {out}")


def dedupe(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="labelled extxyz, also .gz")],
    out: Annotated[Path, typer.Option(help="file to write; it must not exist")],
    displacement: Annotated[
        str | None, typer.Option(metavar="Å", help="how far an atom of a near-duplicate is at most")
    ] = None,
    similarity: Annotated[
        str | None,
        typer.Option(metavar="R", help="how far its environments are, in usual distances"),
    ] = None,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
    virial_key: VirialKey = None,
    as_json: AsJson = False,
) -> None:
    """Take near-duplicates out of a data set; of those that are alike the first is kept."""
    from aofl import api
    from aofl.cli.progress import bar
    from aofl.workflows.dedupe import DISPLACEMENT, SIMILARITY

    farthest = number_of(displacement, "--displacement")
    unlike = number_of(similarity, "--similarity")
    with bar() as on_progress:
        found = api.dedupe(
            data,
            out,
            displacement=DISPLACEMENT if farthest is None else farthest,
            similarity=SIMILARITY if unlike is None else unlike,
            keys=keys_of(energy_key, forces_key, stress_key, virial_key),
            on_progress=on_progress,
        )
    if as_json:
        print_json({"out": out, **found.to_json()})
        return
    Shown(as_json=False)(found.read)
    for item in found.removed[:MOST_LINES]:
        typer.echo(f"  removed: frame {item.frame}: {item.reason}")
    if len(found.removed) > MOST_LINES:
        typer.echo(f"  removed: {len(found.removed) - MOST_LINES} more, all of them with --json")
    typer.echo(
        f"near-duplicates have all atoms within {found.displacement:g} Å of a frame that is kept, "
        f"or all environments within {found.similarity:g} usual distances of known ones"
    )
    typer.echo(f"{len(found.kept)} of {len(found.read.labels)} labels are kept: {out}")
