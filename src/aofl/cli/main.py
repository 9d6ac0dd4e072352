"""The `aofl` command: verbs, and how errors leave the program.

Exit codes: 0 done, 1 the run failed or stopped itself, 2 bad input, 3 stopped before its end by a
signal or the wall time (resume goes on). Heavy imports happen inside the verbs, so that `--help`
answers at once.
"""

from __future__ import annotations

import sys

import typer

from aofl.cli.campaign import check, compare, rehearse
from aofl.cli.commands import app
from aofl.cli.streams import make_lasting, tell_lost_output
from aofl.errors import AoflError, ReferenceFailed, RunStopped

for verb in (check, rehearse, compare):
    app.command()(verb)


def main() -> None:
    """Run the command line; errors of the package become one sentence and an exit code."""
    make_lasting()
    try:
        app()
    except (RunStopped, ReferenceFailed) as error:
        typer.echo(f"aofl: {error}", err=True)
        sys.exit(1)
    except AoflError as error:
        typer.echo(f"aofl: {error}", err=True)
        sys.exit(2)
    finally:
        tell_lost_output()
