"""The processes of walkers: so many at a time, none waits for another, none outlives its parent.

Each walker is `aofl resume DIR` in a session of its own, with a pipe as standard input whose other
end this process holds. A closed pipe asks the walker to leave with a checkpoint; the kernel closes
it too when this process ends, however it ends, so that no walker goes on unseen.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from time import monotonic, sleep

from aofl.errors import STOPPED_EARLY
from aofl.reference.subprocesses import last_lines
from aofl.simulation.stopping import StopRequest
from aofl.store import RunDirectory
from aofl.store.atomic import cannot
from aofl.store.lock import holder_of

logger = logging.getLogger(__name__)

POLL_S = 0.2
# A walker leaves so much before the wall time is over, s, that its end can be noticed; with less
# than the second time left none is started.
MARGIN_S, LEAST_S = 1.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A walker to run: its number and directory, a file for what it prints, further options."""

    number: int
    run: RunDirectory
    output: Path
    options: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the process of a walker ended.

    Attributes
    ----------
    code
        Exit code, negative for the signal that ended it.
    is_asked
        Whether it had been asked to leave.
    said
        The last lines that it printed.
    """

    number: int
    code: int
    is_asked: bool
    said: str

    @property
    def has_left(self) -> bool:
        """Whether it left before its end and can go on."""
        return self.code == STOPPED_EARLY or (self.is_asked and self.code < 0)

    @property
    def has_failed(self) -> bool:
        """Whether it ended as it should not have."""
        return self.code != 0 and not self.has_left

    def __str__(self) -> str:
        how = f"exit code {self.code}" if self.code >= 0 else f"ended by {Signals(-self.code).name}"
        return f"walker {self.number:03d} failed ({how}): {self.said}"


def run_walkers(
    orders: Sequence[Order],
    n_processes: int,
    stop: StopRequest,
    on_wait: Callable[[], None] = lambda: None,
) -> list[Ended]:
    """Run walkers to their ends, and return how they ended, in that order.

    A walker that another process has, one that was left behind included, is waited for.

    Parameters
    ----------
    n_processes
        How many at a time.
    stop
        When it falls due, all are asked to leave, and no further one is started.
    on_wait
        Called several times a second.
    """
    waiting, team = list(orders), dict[int, tuple[Order, subprocess.Popen[bytes]]]()
    ended: list[Ended] = []
    told: set[int] = set()
    try:
        while waiting or team:
            if _is_over(stop):
                waiting.clear()
            if stop.is_due():
                _ask_to_leave(team.values())
            while len(team) < n_processes and (order := _next(waiting)) is not None:
                waiting.remove(order)
                team[order.number] = order, _start(order, stop)
            if not team:
                _tell_who_has(waiting, told)
            on_wait()
            sleep(POLL_S)
            ended += _collected(team, is_asked=stop.reason is not None)
    finally:
        _ask_to_leave(team.values())
        for _, process in team.values():
            process.wait()
    return ended


def _is_over(stop: StopRequest) -> bool:
    """Return whether no further walker is to be started."""
    return stop.is_due() or (stop.deadline is not None and _left(stop.deadline) < LEAST_S)


def _left(deadline: float) -> float:
    return deadline - MARGIN_S - monotonic()


def _next(waiting: Sequence[Order]) -> Order | None:
    """Return the first walker that nobody works on."""
    return next((order for order in waiting if not order.run.is_held()), None)


def _tell_who_has(waiting: Sequence[Order], told: set[int]) -> None:
    """Say once of each walker why nothing goes on."""
    for order in waiting:
        if order.number not in told:
            holder = holder_of(order.run.path) or "a process without a name"
            logger.warning("%s is in use by %s and is waited for", order.run.path, holder)
        told.add(order.number)


def _start(order: Order, stop: StopRequest) -> subprocess.Popen[bytes]:
    limit = () if stop.deadline is None else ("--max-walltime", f"{_left(stop.deadline):.1f}s")
    command = [sys.executable, "-m", "aofl.cli", "resume", str(order.run.path),
               "--while-input-is-open", *order.options, *limit]  # fmt: skip
    try:
        with order.output.open("wb") as file:
            return subprocess.Popen(  # noqa: S603 - our own program, no shell
                command,
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the parent, which passes it on once
            )
    except OSError as error:
        raise cannot("start a walker with its output in", order.output, error) from error


def _ask_to_leave(team: Iterable[tuple[Order, subprocess.Popen[bytes]]]) -> None:
    for _, process in team:
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()


def _collected(
    team: dict[int, tuple[Order, subprocess.Popen[bytes]]], *, is_asked: bool
) -> list[Ended]:
    """Take those that have ended out of the team."""
    ended = []
    for number, (order, process) in list(team.items()):
        code = process.poll()
        if code is None:
            continue
        del team[number]
        _ask_to_leave([(order, process)])
        said = last_lines(order.output.read_text(errors="replace"))
        ended.append(Ended(number=number, code=code, is_asked=is_asked, said=said))
    return ended
