"""Standard streams that are closed, full, left by their reader, or of another encoding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SAY = """
import sys, typer
from rich.console import Console
from aofl.cli.streams import make_lasting, tell_lost_output
make_lasting()
typer.echo("0.350 eV/Å, cm²/s, ✓, Zürich")
typer.echo("a word to stderr: Å", err=True)
Console().print("RMSE Å")
for _ in range(3000):
    typer.echo("a long line that fills the pipe and the buffers of it")
tell_lost_output()
open(sys.argv[1], "w").write("the work is done")
"""


def said(tmp_path: Path, redirection: str, **environment: str) -> tuple[bytes, bytes]:
    """Run the words above with streams as a shell makes them; the program must come to its end."""
    done = tmp_path / "done"
    process = subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" "$2" {redirection}', sys.executable, SAY, str(done)],
        env={**os.environ, **environment},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.read_text() == "the work is done", process.stderr
    assert b"Traceback" not in process.stderr
    return process.stdout, process.stderr


def test_what_an_encoding_lacks_is_spelled(tmp_path: Path) -> None:
    out, error = said(tmp_path, "", PYTHONIOENCODING="ascii")
    assert out.splitlines()[:2] == [rb"0.350 eV/A, cm2/s, +, Z\xfcrich", b"RMSE A"]
    assert error == b"a word to stderr: A\n"
    out, _ = said(tmp_path, "", PYTHONIOENCODING="latin-1")
    assert out.splitlines()[0].decode("latin-1") == "0.350 eV/Å, cm²/s, +, Zürich"
    out, _ = said(tmp_path, "", PYTHONIOENCODING="utf-8")
    assert out.splitlines()[0].decode() == "0.350 eV/Å, cm²/s, ✓, Zürich"


def test_a_file_name_that_is_no_text_is_written_as_it_is(tmp_path: Path) -> None:
    code = (
        "import os, typer; from aofl.cli.streams import make_lasting; make_lasting();"
        "typer.echo(os.fsdecode(b'run-\\xff'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"run-\xff\n"


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&- >&- 2>&-", "| head -1", "2>/dev/full"])
def test_output_that_nobody_wants_is_no_fault(tmp_path: Path, redirection: str) -> None:
    _, error = said(tmp_path, redirection)
    assert b"cannot be written" not in error


def test_output_that_the_disk_refuses_is_said(tmp_path: Path) -> None:
    _, error = said(tmp_path, "> /dev/full")
    assert b"standard output cannot be written: No space left on device" in error


def test_a_pipe_that_does_not_block_gets_every_line(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    process = subprocess.Popen([sys.executable, "-c", SAY, tmp_path / "done"], stdout=writer)
    os.close(writer)
    with open(reader, "rb") as pipe:  # noqa: PTH123 - a descriptor, not a path
        lines = pipe.readlines()
    assert process.wait() == 0
    assert len(lines) == 3002


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    code = (
        "import os, sys; from aofl.cli.streams import make_lasting; make_lasting();"
        "file = open(sys.argv[1], 'wb', buffering=0); os.write(1, b'library'); file.write(b'x')"
    )
    subprocess.run(["bash", "-c", '"$0" -c "$1" data >&-', sys.executable, code], cwd=tmp_path,
                   check=True)  # fmt: skip
    assert (tmp_path / "data").read_bytes() == b"x"


@pytest.mark.parametrize(
    ("verb", "how"), [("doctor", "ascii"), ("status", "full"), ("check", "closed")]
)
def test_a_verb_ends_as_it_would_have(tmp_path: Path, verb: str, how: str) -> None:
    arguments = {"status": ["nowhere"], "check": ["no.yaml"]}.get(verb, [])
    redirection = {"ascii": "", "closed": ">&-", "full": "> /dev/full"}[how]
    command = f'"$0" -m aofl.cli {verb} {" ".join(arguments)} {redirection}'
    environment: dict[str, Any] = {**os.environ}
    if how == "ascii":
        environment |= {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = subprocess.run(
        ["bash", "-c", command, sys.executable],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == (2 if arguments else 0), done.stderr
    assert "Traceback" not in done.stderr
