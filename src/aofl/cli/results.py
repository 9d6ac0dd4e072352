"""How a verb gives its result to machines: one option, one JSON value on standard output.

With `--json` standard output has the result and nothing else; progress goes to standard error.
Numbers that are not finite are null, because JSON has none.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="for machines")]


def print_json(result: object) -> None:
    """Print a result of mappings, sequences, paths, numbers and texts as one line of JSON."""
    from aofl.store import jsonable

    typer.echo(json.dumps(jsonable(result), allow_nan=False, default=_path))


def _path(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no result that JSON can hold")
