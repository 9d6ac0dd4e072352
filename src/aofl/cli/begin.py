"""The verbs of the first hour: a configuration to change, its schema, a first run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from aofl.cli.commands import report, resume, run
from aofl.cli.results import AsJson, print_json
from aofl.errors import ConfigError


def init(
    example: Annotated[
        str | None,
        typer.Argument(metavar="EXAMPLE", help="an example, see --list; or a run.yaml of your own"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="directory to write into; its name")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="slurm or pbs: a job script beside it")
    ] = None,
    is_list: Annotated[bool, typer.Option("--list", help="say which examples there are")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a configuration to begin with: an example, or one of your own by three questions."""
    from aofl.workflows.examples import write_config, write_example, write_job
    from aofl.workflows.first_system import first_system, head_of

    if example is not None and Path(example).is_file():
        written = write_job(Path(example), cluster, out or Path(example).parent)
        _tell_script(written, Path(example), as_json)
        return
    if example is not None:
        _tell_written(write_example(example, out or Path(example), cluster), as_json)
        return
    if is_list or as_json or not _is_conversation():
        _list_examples(as_json)
        return
    metal, liquid, reference = answers = _three_answers()
    directory = out or Path(f"{metal}-{liquid}-{reference}".lower())
    written = write_config(first_system(*answers), head_of(*answers), directory, cluster)
    _tell_written(written, as_json=False)


def schema(
    out: Annotated[Path | None, typer.Option(help="file to write; else it is printed")] = None,
) -> None:
    """Print the JSON schema of run.yaml: editors complete and check keys by it."""
    from aofl.config.json_schema import editor_line, json_schema
    from aofl.store import write_atomic

    if out is None:
        typer.echo(json_schema(), nl=False)
        return
    if out.suffix != ".json":
        raise ConfigError(f"--out is {out}: the name of a schema ends with .json")
    write_atomic(out, json_schema().encode())
    typer.echo(f"{out}: editors use it where the first line of a run.yaml beside it is")
    typer.echo(editor_line(out.name))


def demo(
    out: Annotated[Path, typer.Option(help="run directory; begun ones go on")] = Path("runs/demo"),
) -> None:
    """Run sodium under water for 2 ps, end to end: a minute or two, and a report at the end."""
    from aofl import api
    from aofl.workflows.examples import DEMO, example_config

    if not out.exists():
        run(example_config(DEMO), out=out)
    elif (out / "summary.json").exists() and api.status(out)["status"] == "done":
        typer.echo(f"{out} is complete; to run it again, move it away")
    else:
        typer.echo(f"{out} is unfinished and is resumed")
        resume(out)
    report(out)


def _is_conversation() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _three_answers() -> tuple[str, str, str]:
    from aofl.workflows.first_system import LIQUID_WORDS, METALS, REFERENCE_WORDS

    return (
        _answer("Which metal?", dict.fromkeys(METALS, "")),
        _answer("What lies on it?", LIQUID_WORDS),
        _answer("Which reference code makes the labels?", REFERENCE_WORDS),
    )


def _answer(question: str, choices: Mapping[str, str]) -> str:
    """Ask until the answer is one of the choices or its number; the first is the default."""
    names = list(choices)
    typer.echo(question)
    for number, (name, words) in enumerate(choices.items(), start=1):
        typer.echo(f"  {number}  {name:14}{words}".rstrip())
    while True:
        said = str(typer.prompt("  name or number", default="1")).strip()
        if said.isdecimal() and 1 <= int(said) <= len(names):
            return names[int(said) - 1]
        found = [name for name in names if name.lower() == said.lower()]
        if found:
            return found[0]
        typer.echo(f"  {said!r} is none of these")


def _list_examples(as_json: bool) -> None:
    from aofl.workflows.examples import example_config, example_names, purpose

    found = {name: purpose(example_config(name)) for name in example_names()}
    if as_json:
        print_json(found)
        return
    for name, words in found.items():
        typer.echo(f"{name:22}{words.partition('. ')[0].removesuffix('.')}")
    typer.echo("`aofl init NAME` writes one; `aofl init` in a terminal asks for your own system")


def _tell_script(files: list[Path], config: Path, as_json: bool) -> None:
    if as_json:
        print_json({"written": files})
        return
    typer.echo(f"written: {', '.join(str(file) for file in files)}")
    typer.echo(
        f"next: change what your cluster wants, and submit it in the folder of {config.name}"
    )


def _tell_written(files: list[Path], as_json: bool) -> None:
    if as_json:
        print_json({"written": files})
        return
    typer.echo(f"written: {', '.join(str(file) for file in files)}")
    typer.echo(f"next: aofl check {files[0]}")
