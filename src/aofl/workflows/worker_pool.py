"""Tasks on several processes, each with its own worker; none of them can take the others along.

A process that dies in the middle of a task (a crash, the killer of the kernel when memory runs
out) costs that task alone: it is handed back as failed and a new process takes the next. None
outlives the process that started it, however that ends. Records travel between the processes of one
program through pipes, never through files.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any

from aofl.errors import AoflError

# A new interpreter for each: a forked one would share the threads and libraries of this one.
_CONTEXT = get_context("spawn")
_PATIENCE_S = 10.0

Worker = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What became of one task: its value, or the sentence that says why there is none."""

    key: Any
    value: Any = None
    error: str | None = None


class _Left(BaseException):
    """The parent ended this process; no calculator takes it for an error of its own."""


@dataclass(slots=True, kw_only=True)
class _Process:
    """One process, our end of its pipe, and the key of the task it has in a tuple, or None."""

    number: int
    process: BaseProcess
    pipe: Connection
    task: tuple[Hashable] | None = None
    is_ready: bool = False
    is_alive: bool = True

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a task."""
        return self.is_alive and self.is_ready and self.task is None


class Workers:
    """Processes that work on tasks which are handed in one by one, each under a key of its own.

    Parameters
    ----------
    make_worker
        Called in each process with its number from 0; returns what turns a task into a value.
        A function of a module, not a closure. If the worker has a `close`, it is called at the
        end.
    n_workers
        How many processes, at least one; they are started when there is work for them.
    """

    def __init__(self, make_worker: Callable[[int], Worker], n_workers: int) -> None:
        self._make_worker, self._n_workers = make_worker, n_workers
        self._team: list[_Process] = []
        self._waiting: deque[tuple[Hashable, Any]] = deque()
        self._ended: dict[Hashable, Finished] = {}

    def submit(self, key: Hashable, task: Any) -> None:
        """Hand a task in: anything that can be sent to another process."""
        self._waiting.append((key, task))
        if len(self._team) < self._n_workers and not any(one.is_idle for one in self._team):
            number = min(set(range(self._n_workers)) - {one.number for one in self._team})
            self._team.append(_start(self._make_worker, number))
        self._hand_out()

    def result(self, key: Hashable) -> Finished:
        """Wait until a task has ended and return what became of it.

        Raises
        ------
        AoflError
            If a worker cannot be made: what `make_worker` raised.
        """
        while key not in self._ended:
            self._hear()
        return self._ended.pop(key)

    def next(self) -> Finished:
        """Wait until any task has ended; parameters and errors are those of `result`."""
        while not self._ended:
            self._hear()
        return self._ended.pop(next(iter(self._ended)))

    def close(self) -> None:
        """End the processes, and with them what they work on."""
        for member in self._team:
            member.process.terminate()
        for member in self._team:
            _end(member)
        self._team = []

    def _hear(self) -> None:
        """Wait for a word of any process; one that died is replaced."""
        ready = wait([member.pipe for member in self._team])
        for member in [member for member in self._team if member.pipe in ready]:
            ended = _hear(member)
            if ended is not None:
                self._ended[ended.key] = ended
            if not member.is_alive:
                self._team.remove(member)
                _end(member)
                if self._waiting:
                    self._team.append(_start(self._make_worker, member.number))
        self._hand_out()

    def _hand_out(self) -> None:
        for member in self._team:
            if member.is_idle and self._waiting:
                _send(member, *self._waiting.popleft())


def run_tasks(
    tasks: Sequence[Any], make_worker: Callable[[int], Worker], *, n_workers: int
) -> Iterator[Finished]:
    """Yield what became of each task, in the order in which they end; its key is its index.

    Closing the iterator, or an exception in the loop over it, ends the processes. Parameters and
    errors are those of `Workers`.
    """
    with closing(Workers(make_worker, n_workers)) as workers:
        for index, task in enumerate(tasks):
            workers.submit(index, task)
        for _ in tasks:
            yield workers.next()


def _start(make_worker: Callable[[int], Worker], number: int) -> _Process:
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_serve, args=(theirs, make_worker, number))
    process.start()
    theirs.close()  # so that the death of the process closes the pipe
    return _Process(number=number, process=process, pipe=ours)


def _send(member: _Process, key: Hashable, task: Any) -> None:
    member.task = (key,)
    try:
        member.pipe.send(task)
    except (BrokenPipeError, ConnectionResetError):
        return  # it died between two tasks; `_hear` reports this one


def _hear(member: _Process) -> Finished | None:
    """Return what a process says about its task; None where it is ready, or died with none."""
    task, member.task = member.task, None
    try:
        value, error = member.pipe.recv()
    except (EOFError, ConnectionResetError):
        member.is_alive = False
        member.process.join(_PATIENCE_S)
        if task is None and member.is_ready:
            return None
        if task is None:
            raise AoflError(
                f"worker {member.number} {_how_it_ended(member.process)} before its first task: "
                "try one structure with the reference code alone"
            ) from None
        return Finished(key=task[0], error=f"the process {_how_it_ended(member.process)}")
    if task is None:
        if error is not None:
            raise error
        member.is_ready = True
        return None
    return Finished(key=task[0], value=value, error=error)


def _how_it_ended(process: BaseProcess) -> str:
    code = process.exitcode
    if code is None:
        return "closed its pipe"
    if code >= 0:
        return f"ended with code {code}"
    hint = "; was the memory used up?" if code == -signal.SIGKILL else ""
    return f"was ended by {signal.Signals(-code).name}{hint}"


def _end(member: _Process) -> None:
    """Close a process: an end of its pipe tells it to go, a signal if it does not listen."""
    member.pipe.close()
    member.process.join(_PATIENCE_S)
    if member.process.is_alive():
        member.process.kill()
        member.process.join()


def _serve(pipe: Connection, make_worker: Callable[[int], Worker], number: int) -> None:
    """Work on tasks until the pipe is closed; runs in the process of the worker."""
    with suppress(_Left):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the keyboard speaks to the parent alone
        signal.signal(signal.SIGTERM, _leave)
        Thread(target=_leave_with_parent, daemon=True).start()
        _work(pipe, make_worker, number)


def _work(pipe: Connection, make_worker: Callable[[int], Worker], number: int) -> None:
    try:
        worker = make_worker(number)
    except AoflError as error:
        pipe.send((None, error))
        return
    try:
        pipe.send((None, None))
        while True:
            pipe.send(_attempt(worker, pipe.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent closed the pipe, or is gone
    finally:
        close = getattr(worker, "close", None)
        if close is not None:
            close()


def _attempt(worker: Worker, task: Any) -> tuple[Any, str | None]:
    try:
        return worker(task), None
    except AoflError as error:
        return None, str(error)
    except Exception as error:  # a fault of a calculator costs one structure, not the others
        return None, f"{type(error).__name__}: {error}"


def _leave_with_parent() -> None:
    """Ask this process to leave once its parent is gone, in the middle of a task too."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)


def _leave(_signal: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would disturb what is closed
    raise _Left
