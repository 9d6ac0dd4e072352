"""One process at a time in a directory: `flock`, or a file made exclusively where there is none.

`.lock` says who holds the directory, and is empty when nobody does. The kernel drops a `flock`
when its process ends, however it ends. Some file systems of clusters have none (NFS and Lustre,
as they are mounted: ENOLCK, EINVAL, EOPNOTSUPP); there the existence of `.lock.held` is the lock,
which one process alone can make. A kill leaves it behind: it is taken over where its process was
one of this machine, and refused with host and age where it was not.
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aofl.errors import StoreError
from aofl.store.atomic import cannot

logger = logging.getLogger(__name__)

LOCK, HELD = ".lock", ".lock.held"
_AGES = ((2 * 86400, 86400, "days"), (2 * 3600, 3600, "hours"), (120, 60, "minutes"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who signed a lock.

    Attributes
    ----------
    process
        As it signed: its number and its host; what else stands there where it cannot be read.
    seconds
        How long ago by the date of the file, s; a clock that is behind makes it 0.
    """

    process: str
    seconds: float

    def is_dead(self) -> bool:
        """Return whether it is a process of this machine that is no more."""
        number, _, host = self.process.partition(" on ")
        if not number.isdigit() or host != socket.gethostname():
            return False
        try:
            os.kill(int(number), 0)
        except (ProcessLookupError, OverflowError, ValueError):  # no more, or never was
            return True
        except PermissionError:
            return False
        return False

    def __str__(self) -> str:
        for least, unit, name in _AGES:
            if self.seconds >= least:
                return f"process {self.process} (signed {self.seconds / unit:.0f} {name} ago)"
        return f"process {self.process} (signed {self.seconds:.0f} seconds ago)"


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a directory for this process alone while the `with` block lasts.

    A lock that a process left behind when it ended is taken over, with a line in the log.

    Raises
    ------
    StoreError
        If another process holds it, or no lock can be made.
    """
    path = directory / LOCK
    try:
        file = path.open("a+")
    except OSError as error:
        raise cannot("lock", path, error) from error
    with file, _held(file.fileno(), directory):
        before = holder_of(directory)
        if before is not None:
            logger.warning("%s: %s ended without giving the run back", directory, before)
        _sign(file.fileno(), _signature())
        try:
            yield
        finally:
            _sign(file.fileno(), "")


def is_held(directory: Path) -> bool:
    """Return whether a process holds a directory; it is asked for and given back at once."""
    try:
        with (directory / LOCK).open("a+") as file, _held(file.fileno(), directory):
            return False
    except (OSError, StoreError):
        return True


def holder_of(directory: Path, name: str = LOCK) -> Holder | None:
    """Return who signed the lock of a directory and did not give it back; None for nobody."""
    path = directory / name
    try:
        process, signed = path.read_text(errors="replace").strip(), path.stat().st_mtime
    except OSError:
        return None
    return Holder(process=process, seconds=max(0.0, time.time() - signed)) if process else None


@contextmanager
def _held(descriptor: int, directory: Path) -> Iterator[None]:
    """Hold the lock of the kernel, or the file where the file system has no such lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise _in_use(directory, holder_of(directory)) from error
    except OSError as error:
        logger.warning("%s: no `flock` here (%s); %s is the lock", directory, error.strerror, HELD)
        with _held_by_file(directory):
            yield
    else:
        yield


@contextmanager
def _held_by_file(directory: Path) -> Iterator[None]:
    held = directory / HELD
    _remove_dead(directory)
    try:
        descriptor = os.open(held, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError as error:
        advice = f"; if it runs no more, remove {held}"
        raise _in_use(directory, holder_of(directory, HELD), advice) from error
    except OSError as error:
        raise cannot("lock", held, error) from error
    try:
        _sign(descriptor, _signature())
        os.close(descriptor)
        yield
    finally:
        held.unlink(missing_ok=True)


def _remove_dead(directory: Path) -> None:
    """Remove the file of a process of this machine that is no more.

    It is given another name first and looked at again: two processes that find it dead must not
    remove the file that one of them has made anew.
    """
    held, aside = directory / HELD, directory / f"{HELD}.{os.getpid()}"
    found = holder_of(directory, HELD)
    if found is None or not found.is_dead():
        return
    with suppress(OSError):
        held.rename(aside)
        taken = holder_of(directory, aside.name)
        if taken is not None and taken.process != found.process:
            held.hardlink_to(aside)
        aside.unlink()


def _in_use(directory: Path, holder: Holder | None, advice: str = "") -> StoreError:
    return StoreError(
        f"the run directory {directory} is in use by {holder or 'a process without a name'}: "
        f"wait for it or end it first{advice}"
    )


def _signature() -> str:
    return f"{os.getpid()} on {socket.gethostname()}\n"


def _sign(descriptor: int, text: str) -> None:
    """Write who holds the lock; a courtesy to the next one, so a full disk is no obstacle."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
