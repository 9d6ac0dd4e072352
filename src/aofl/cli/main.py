"""The `aofl` command: verbs, and how errors leave the program.

Exit codes: 0 done, 1 the run failed or stopped itself, 2 bad input, 3 stopped before its end by a
signal or the wall time (resume goes on). Heavy imports happen inside the verbs, so that `--help`
answers at once.
"""

from __future__ import annotations

import errno
import sys
from typing import Annotated

import typer

from aofl.cli.begin import demo, init, schema
from aofl.cli.campaign import check, compare, rehearse
from aofl.cli.commands import app
from aofl.cli.datasets import dedupe, merge
from aofl.cli.ranks import other_ranks, serve_rank
from aofl.cli.streams import make_lasting, tell_lost_output
from aofl.cli.validate import validate
from aofl.cli.watch import watch
from aofl.engines.mpi import launched
from aofl.errors import AoflError, ReferenceFailed, RunStopped

FAILED, BAD_INPUT = 1, 2

for verb in (init, schema, demo, check, rehearse, compare, validate, merge, dedupe, watch):
    app.command()(verb)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"aofl {version('aofl')}")
        raise typer.Exit


@app.callback()
def _global_options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Take the options of no verb."""


def main() -> None:
    """Run the command line; errors of the package become one sentence and an exit code."""
    make_lasting()
    if launched()[0] > 0:
        serve_rank()
        return
    try:
        with other_ranks():
            app(prog_name="aofl")
    except (RunStopped, ReferenceFailed) as error:
        typer.echo(f"aofl: {error}", err=True)
        sys.exit(FAILED)
    except AoflError as error:
        typer.echo(f"aofl: {error}", err=True)
        sys.exit(BAD_INPUT)
    except OSError as error:  # of the machine: each verb names those that it expects
        typer.echo(f"aofl: {_machine_fault(error)}", err=True)
        sys.exit(FAILED)
    except SystemExit as end:
        _advise_on_commas(end)
        raise
    finally:
        tell_lost_output()


def _machine_fault(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.filename is not None:
        return f"{error.filename}: {reason}"
    if error.errno == errno.ENOENT:
        return "the working directory is no more; `cd` into one that is there"
    return reason


def _advise_on_commas(end: SystemExit) -> None:
    """Say what a number looks like, where arguments were refused and one is like 0,5."""
    if end.code != BAD_INPUT:
        return
    from aofl.config.plain_yaml import DECIMAL_COMMA, NO_COMMA

    values = [argument.rpartition("=")[2] for argument in sys.argv[1:]]
    found = [value for value in values if DECIMAL_COMMA.fullmatch(value)]
    if found:
        typer.echo(f"aofl: an argument is {found[0]!r}; {NO_COMMA}", err=True)
