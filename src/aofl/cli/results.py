"""How a verb prints what it found: for people, or as one JSON object for machines.

What is written with `--json` is the result and nothing else: progress and remarks go to standard
error. Numbers that are not finite are null, because JSON has none.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="one JSON value, for machines")]


def show(result: object, as_json: bool, for_people: Callable[[], None]) -> None:
    """Print a result: with `for_people`, or as JSON.

    Parameters
    ----------
    result
        Mappings, sequences, paths, numbers and texts.
    """
    if not as_json:
        for_people()
        return
    from aofl.store import jsonable

    typer.echo(json.dumps(jsonable(result), allow_nan=False, default=_path))


def _path(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no result that JSON can hold")
