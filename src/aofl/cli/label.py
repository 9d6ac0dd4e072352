"""`aofl label`: labels for given frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aofl.cli.results import AsJson, print_json

if TYPE_CHECKING:
    from aofl.workflows.label_frames import LabelProgress

FAILED = 1
STOPPED_BY_SIGNAL = 3


def label(
    frames: Annotated[Path, typer.Argument(metavar="FRAMES", help="any file ASE reads, also .gz")],
    out: Annotated[Path, typer.Option(help="directory of the labels; begun ones go on")],
    reference: Annotated[
        str | None, typer.Option(help="code with its default settings, such as tblite")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML with a section `reference`, such as run.yaml")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes, each with its own code")] = 1,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="try again what failed before")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Label the frames of a file with a reference code."""
    from aofl import api
    from aofl.config import read_reference, reference_named
    from aofl.errors import ConfigError

    if (reference is None) == (config is None):
        raise ConfigError("say who makes the labels: give either --reference or --config")
    chosen = reference_named(reference or "") if config is None else read_reference(config)
    try:
        end = api.label(
            frames,
            out,
            chosen,
            workers=workers,
            retry_failed=retry_failed,
            on_progress=(lambda progress: None) if as_json else _show,
        )
    except KeyboardInterrupt:
        typer.echo(f"stopped: {out}; the same command goes on", err=True)
        raise typer.Exit(STOPPED_BY_SIGNAL) from None
    if as_json:
        print_json(end.to_json())
    else:
        _show_end(end, out)
    if end.n_labelled < end.n_frames:
        raise typer.Exit(FAILED)


def _show(progress: LabelProgress) -> None:
    if progress.newest:
        typer.echo(f"{progress.n_labelled} of {progress.n_frames}  {progress.newest}")


def _show_end(end: LabelProgress, out: Path) -> None:
    typer.echo(
        f"{end.n_labelled} of {end.n_frames} frames have a label ({end.n_new} new): "
        f"{out / 'labels.extxyz'}"
    )
    if end.n_failed:
        typer.echo(
            f"{end.n_failed} failed, with their reasons in {out / 'failures.jsonl'}; "
            "--retry-failed tries them again"
        )
