"""Programs of other people as child processes: found or not, in time or not, ended for sure.

A command is a list, never a text for a shell. Each child leads a process group of its own, so
that ending it ends what it has started (the ranks of `mpirun`) as well. A run that is killed leaves
its child behind, at work on the same files: the next one in that directory ends it first.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from aofl.errors import ConfigError, ReferenceFailed

logger = logging.getLogger(__name__)

PATIENCE_S = 10.0
TAIL_LINES = 3
SHORT = 15  # lines that are told whole; Open MPI takes 12 to refuse root
NOTHING = "it printed nothing"
OWNER = ".child"  # who works in a directory: number and start time


def check_executable(command: Sequence[str], *, code: str, install: str) -> None:
    """Refuse a command whose program is not there.

    Parameters
    ----------
    code
        What the message calls the program.
    install
        How to get it.

    Raises
    ------
    ConfigError
        Naming the program, where it was looked for and how to get it.
    """
    if shutil.which(command[0]) is None:
        if len(command) == 1 and len(words := command[0].split()) > 1:
            raise ConfigError(
                f"`reference.command` is a list of one word, {command[0]!r}: write "
                f"[{', '.join(words)}], or the text without brackets and dash"
            )
        where = "there" if os.sep in command[0] else "on the PATH"
        raise ConfigError(
            f"`reference.command` begins with {command[0]}, which is not {where} or cannot be "
            f"executed: install {code} ({install}), or name its program"
        )


def directory_of_files(configured: str | None, variable: str, key: str, *, what: str) -> Path:
    """Return the directory that holds a code's files: from the configuration, or the environment.

    Parameters
    ----------
    configured
        What the configuration says; None looks at the environment variable `variable`.
    key
        The key of the configuration, for the message.
    what
        What the directory holds, for the message.

    Raises
    ------
    ConfigError
        If neither names a directory.
    """
    name = configured or os.environ.get(variable)
    if not name:
        raise ConfigError(
            f"no directory of {what} is given: set `{key}` or the environment variable {variable}"
        )
    path = Path(name).expanduser()
    if not path.is_dir():
        origin = key if configured else f"${variable}"
        raise ConfigError(f"`{origin}` is {name}, which is no directory: expected {what} there")
    return path


def start(command: Sequence[str], directory: Path, output: Path) -> subprocess.Popen[bytes]:
    """Start a program in a directory, with all that it prints going to one file.

    A program that a killed run has left there is ended first.

    Raises
    ------
    ReferenceFailed
        If it cannot be started.
    """
    end_orphan(directory)
    try:
        with output.open("wb") as file:
            process = subprocess.Popen(  # noqa: S603 - a list from the user's own configuration
                list(command),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise ReferenceFailed(f"{command[0]} cannot be started: {error.strerror}") from error
    note_child(process.pid, directory)
    return process


def note_child(pid: int, directory: Path) -> None:
    """Write down which process works in a directory."""
    with suppress(OSError):  # a help after a kill, no condition of a label
        (directory / OWNER).write_text(f"{pid} {_start_time(pid)}\n")


def end_orphan(directory: Path) -> None:
    """End the process that `note_child` named, and its group, if it is still that process."""
    try:
        number, _, started = (directory / OWNER).read_text().strip().partition(" ")
        pid = int(number)
    except (OSError, ValueError):
        return
    if pid <= 1 or not started.isdecimal() or _start_time(pid) != started:
        return  # it has ended, and its number may be another's
    logger.warning("process %d of a run that was killed still works in %s: ended", pid, directory)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    deadline = monotonic() + PATIENCE_S
    while _start_time(pid) == started and monotonic() < deadline:
        sleep(0.01)


def _start_time(pid: int) -> str | None:
    """Return when a running process was started, in ticks since boot; None without /proc."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state, *others = text.rpartition(")")[2].split()  # the name before may hold spaces
    return others[18] if state != "Z" else None


def run(command: Sequence[str], directory: Path, output: Path, *, timeout_s: float) -> int:
    """Run a program to its end and return its exit code.

    Raises
    ------
    ReferenceFailed
        If it takes longer than `timeout_s`; it is ended then.
    """
    process = start(command, directory, output)
    try:
        return process.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        raise ReferenceFailed(
            f"{command[0]} gave no answer within {timeout_s:g} s and was ended: raise "
            f"`reference.timeout_s`, or look at {output}"
        ) from error
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program and what it has started, politely first; one that has ended is no error."""
    # Waited for before: its number may be another process's by now.
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=PATIENCE_S)
    with suppress(ProcessLookupError, PermissionError):  # also its children that did not listen
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def tail(path: Path) -> str:
    """Return the last lines of an output in one line, for a message."""
    try:
        return last_lines(path.read_text(errors="replace"))
    except OSError:
        return NOTHING


def last_lines(text: str) -> str:
    """Return what a program said at its end in one line: all of it where that is short.

    A launcher that refuses says why in its first line and ends with advice and a ruler.
    """
    plain = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    lines = [" ".join(line.split()) for line in plain.split("\n") if any(map(str.isalnum, line))]
    return " / ".join(lines if len(lines) <= SHORT else lines[-TAIL_LINES:]) or NOTHING
