"""A program that speaks i-PI, kept as a process from one label to the next.

The program is the client: it connects to a UNIX socket, gets positions, and answers with energy,
forces and virial, so it keeps its wave functions. ASE's `SocketIOCalculator` speaks the protocol,
which knows no word for an SCF that did not converge: choose input that makes the program stop
then, and let the checks of `aofl.reference.quality` look at the numbers.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Timer
from typing import Any

import ase.io
from ase import Atoms
from ase.calculators.socketio import SocketIOCalculator

from aofl.config.references import SocketConfig
from aofl.errors import ConfigError, ReferenceFailed
from aofl.records import Label
from aofl.reference.codes.ase_reference import AseReference
from aofl.reference.protocol import JSON
from aofl.reference.subprocesses import check_executable, end, start, tail

PLACEHOLDER = "{socket}"
OUTPUT = "client.out"


class SocketReference:
    """A `Reference` that is a client process; it lasts until `close` or the first failure.

    Parameters
    ----------
    config
        Program, input files and level of theory.
    directory
        Where the program runs.

    Raises
    ------
    ConfigError
        If the program or an input file is missing, or nothing names the socket.
    """

    def __init__(self, config: SocketConfig, directory: Path) -> None:
        check_executable(config.command, code="the program", install="see its manual")
        missing = [name for name in config.files if not Path(name).is_file()]
        if missing:
            raise ConfigError(f"`reference.files` names {missing[0]}, which is no file")
        self._config = config
        self._directory = directory
        self._client: _Client | None = None
        if not self._names_the_socket():
            raise ConfigError(
                f"neither `reference.command` nor a file of `reference.files` has {PLACEHOLDER}: "
                "the program cannot know where to connect"
            )

    @property
    def is_semi_empirical(self) -> bool:
        """What the configuration says."""
        return self._config.is_semi_empirical

    def label(self, atoms: Atoms, *, careful: bool = False) -> Label:
        """Return the label of a structure; see `Reference.label`.

        A new kind of structure, and a careful label, start a new process.

        Raises
        ------
        ReferenceFailed
            If the program ends, does not answer in time or breaks the protocol; it is ended
            then, and the next label starts a new one.
        """
        if self._client is not None and (careful or not self._client.fits(atoms)):
            self.close()
        if self._client is None:
            self._client = _Client(self._config, self._directory, atoms)
        try:
            return self._client.label(atoms)
        except ReferenceFailed as error:
            self.close()
            raise ReferenceFailed(str(error), self.evidence()) from error

    def describe(self) -> dict[str, JSON]:
        """Return the level of theory as the configuration says it; the protocol cannot ask."""
        return {
            "code": Path(self._config.command[0]).name,
            "version": None,
            "method": self._config.method,
            "settings": {},
        }

    def elements_supported(self) -> frozenset[str] | None:
        """Return None: only the program knows."""
        return None

    def evidence(self) -> dict[str, str]:
        """Return the input files and what the program printed."""
        names = [OUTPUT, *(Path(name).name for name in self._config.files)]
        paths = [self._directory / name for name in names]
        return {p.name: p.read_text(errors="replace") for p in paths if p.is_file()}

    def close(self) -> None:
        """End the process."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _names_the_socket(self) -> bool:
        in_command = any(PLACEHOLDER in word for word in self._config.command)
        mark = PLACEHOLDER.encode()
        return in_command or any(mark in Path(name).read_bytes() for name in self._config.files)


class _Client:
    """One process and the socket that it is connected to."""

    def __init__(self, config: SocketConfig, directory: Path, atoms: Atoms) -> None:
        self._config = config
        self._directory = directory
        self._first = atoms.copy()
        self._process: subprocess.Popen[bytes] | None = None
        self._has_timed_out = False
        self._name = f"aofl_{os.getpid()}_{secrets.token_hex(4)}"
        self._calculator: Any = SocketIOCalculator(
            launch_client=self._launch, unixsocket=self._name
        )

    def fits(self, atoms: Atoms) -> bool:
        """Whether the process can take a structure: the protocol moves atoms, no more."""
        first = self._first
        return (
            len(first) == len(atoms)
            and bool((first.numbers == atoms.numbers).all())
            and bool((first.pbc == atoms.pbc).all())
        )

    def label(self, atoms: Atoms) -> Label:
        watchdog = Timer(self._config.timeout_s, self._give_up)
        watchdog.start()
        try:
            label = AseReference(self._calculator, description={}).label(atoms)
        except ReferenceFailed as error:
            raise ReferenceFailed(self._what_happened(error)) from error
        finally:
            watchdog.cancel()
        # A client that computes no virial sends zeros.
        has_stress = label.stress is not None and bool(label.stress.any())
        return label if has_stress else replace(label, stress=None)

    def close(self) -> None:
        server = self._calculator.server
        if server is not None:
            server.proc = None  # ASE would wait for it without end
        self._calculator.close()
        if self._process is not None:
            end(self._process)

    def _launch(
        self, atoms: Atoms, properties: Sequence[str], port: int | None, unixsocket: str
    ) -> subprocess.Popen[bytes]:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._fill(unixsocket)
        ase.io.write(self._directory / self._config.structure, atoms)
        command = [word.replace(PLACEHOLDER, unixsocket) for word in self._config.command]
        self._process = start(command, self._directory, self._output)
        return self._process

    def _fill(self, name: str) -> None:
        """Copy the input files, with the name of the socket where they ask for it."""
        for given in map(Path, self._config.files):
            copy = self._directory / given.name
            data = given.read_bytes()
            if PLACEHOLDER.encode() in data:
                copy.write_bytes(data.replace(PLACEHOLDER.encode(), name.encode()))
            else:
                shutil.copyfile(given, copy)

    @property
    def _output(self) -> Path:
        return self._directory / OUTPUT

    def _give_up(self) -> None:
        """End a process that takes too long; the socket then wakes the one who waits."""
        self._has_timed_out = True
        if self._process is not None:
            end(self._process)

    def _what_happened(self, error: ReferenceFailed) -> str:
        program = self._config.command[0]
        if self._has_timed_out:
            return (
                f"{program} gave no answer within {self._config.timeout_s:g} s and was ended: "
                f"raise `reference.timeout_s`, or look at {self._output}"
            )
        return f"{program} broke off the connection: {tail(self._output)} ({error.__cause__!r})"
