"""A conversation with `cp2k_shell`: one process that keeps its wave functions between structures.

A request is a few lines on its standard input, the reply ends with `* READY`. The process may die
(an abort inside CP2K, the out-of-memory killer), hang, or say `* ERROR`; each becomes
`ReferenceFailed` and leaves no process behind. ASE's calculator speaks the same protocol but waits
for ever, does not see whether the SCF converged and cannot be asked what it was sent.

The commands: `HELP` of cp2k_shell, version 6.0.
"""

from __future__ import annotations

import os
import selectors
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

import numpy as np

from aofl.errors import ReferenceFailed
from aofl.records import FloatArray
from aofl.reference.subprocesses import end, end_orphan, last_lines, note_child

START = "start"  # what a program is asked for before its first request
READY = "* READY"
ERROR = "* ERROR"
PATIENCE_AT_START = 120.0  # s; MPI on a busy machine takes a while
PATIENCE_AT_END = 5.0


class Cp2kShell:
    """One running `cp2k_shell`, in units of eV and Å.

    Parameters
    ----------
    command
        Program and arguments.
    directory
        Where it runs; what it says on its standard error is kept there as `cp2k.err`.
    environment
        Variables on top of those of this process.
    timeout
        Longest time for one reply, s.

    Raises
    ------
    ReferenceFailed
        If it does not start.
    """

    def __init__(
        self,
        command: Sequence[str],
        directory: Path,
        *,
        environment: dict[str, str],
        timeout: float,
    ) -> None:
        self._timeout = timeout
        self._buffer = b""
        self._errors = directory / "cp2k.err"
        end_orphan(directory)
        try:
            with self._errors.open("wb") as errors:
                # A session of its own: the terminal's Ctrl-C must not reach it, and an MPI
                # launcher ends together with its children.
                self._process = subprocess.Popen(  # noqa: S603 - a list, no shell
                    list(command),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=directory,
                    env={**os.environ, **environment},
                    start_new_session=True,
                )
        except OSError as error:
            raise ReferenceFailed(f"`{command[0]}` does not start: {error.strerror}") from error
        note_child(self._process.pid, directory)
        if self._process.stdin is None or self._process.stdout is None:
            raise ReferenceFailed(f"`{command[0]}` has no standard input and output")
        self._input, self._output = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._read_reply(START, PATIENCE_AT_START)
        self.ask("UNITS_EV_A")

    def ask(self, request: str, values: FloatArray | None = None) -> list[str]:
        """Send a request, with numbers where it takes them, and return the lines of the reply.

        Raises
        ------
        ReferenceFailed
            If the process dies, does not answer in time, or answers with an error.
        """
        text = request + "\n"
        if values is not None:
            numbers = " ".join(repr(value) for value in values.ravel().tolist())
            text += f"{values.size}\n{numbers}\n*END\n"
        self._write(text.encode(), request)
        reply = self._read_reply(request, self._timeout)
        wrong = [line for line in reply if line.startswith(ERROR)]
        if wrong:
            self.kill()
            raise ReferenceFailed(f"CP2K answered {request.split()[0]} with {wrong[0]!r}")
        return reply

    def ask_numbers(self, request: str) -> FloatArray:
        """Return the numbers that a request is answered with.

        Raises
        ------
        ReferenceFailed
            If there are none, or something other than numbers.
        """
        values = _numbers(self.ask(request), request)
        if values.size == 0:
            raise ReferenceFailed(f"CP2K answered {request.split()[0]} with nothing")
        return values

    def ask_vectors(self, request: str) -> FloatArray:
        """Return the rows of three numbers that a request is answered with, shape (k, 3).

        Raises
        ------
        ReferenceFailed
            If fewer come than were announced: the reply was cut off.
        """
        count, *values = self.ask_numbers(request).tolist()
        if len(values) != count or len(values) % 3:
            raise ReferenceFailed(f"the reply of CP2K to {request.split()[0]} is cut off")
        return np.array(values).reshape(-1, 3)

    def close(self) -> None:
        """End the process: asked first, killed if it stays."""
        with suppress(OSError):
            os.write(self._input, b"EXIT\n")
        try:
            self._process.wait(PATIENCE_AT_END)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self.kill()

    def kill(self) -> None:
        """End the process and all that it started, at once."""
        end(self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _write(self, data: bytes, request: str) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._input, view) :]
        except (OSError, ValueError) as error:
            raise self._death(request, self._rest()) from error

    def _read_reply(self, request: str, timeout: float) -> list[str]:
        """Return the lines before the next `* READY`."""
        deadline = monotonic() + timeout
        lines: list[str] = []
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            while True:
                while b"\n" in self._buffer:
                    line, _, self._buffer = self._buffer.partition(b"\n")
                    text = line.decode(errors="replace").strip()
                    if text == READY:
                        return lines
                    lines.append(text)
                if not selector.select(max(0.0, deadline - monotonic())):
                    self.kill()
                    raise ReferenceFailed(
                        f"CP2K did not answer {request.split()[0]} within {timeout:g} s and was "
                        "ended: raise `reference.timeout_s` if the system needs it"
                        + self._in_its_words(request, lines)
                    )
                data = os.read(self._output, 65536)
                if not data:
                    raise self._death(request, lines)
                self._buffer += data

    def _rest(self) -> list[str]:
        """Return the lines that a process has left in its pipe."""
        os.set_blocking(self._output, False)
        with suppress(OSError):
            while data := os.read(self._output, 65536):
                self._buffer += data
        return self._buffer.decode(errors="replace").split("\n")

    def _death(self, request: str, lines: Iterable[str]) -> ReferenceFailed:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE_AT_END)
        code = self._process.poll()
        self.kill()
        how = f"by signal {-code}" if code is not None and code < 0 else f"with code {code}"
        words = self._in_its_words(request, [*lines, self._buffer.decode(errors="replace")])
        return ReferenceFailed(f"CP2K ended {how} during {request.split()[0]}{words}")

    def _in_its_words(self, request: str, lines: Iterable[str]) -> str:
        """Return what the program or its launcher said; what CP2K says later is in its output."""
        if request != START:
            return ""
        errors = self._errors.read_text(errors="replace") if self._errors.is_file() else ""
        return ": " + last_lines("\n".join([*lines, errors]))


def _numbers(lines: Iterable[str], request: str) -> FloatArray:
    words = [word for line in lines if not line.startswith("*") for word in line.split()]
    try:
        return np.array([float(word) for word in words])
    except ValueError as error:
        raise ReferenceFailed(
            f"the reply of CP2K to {request.split()[0]} holds something other than numbers: {error}"
        ) from error
