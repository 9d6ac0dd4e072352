"""Whole files that are either the old one or the new one, whenever the process dies."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from aofl.durable import synchronise, synchronise_path
from aofl.errors import StoreError

_SPACE = "make room, or ask for a larger quota"
_ADVICE = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EEXIST: "it is a file; choose another name",
    errno.ENOTDIR: "a file has the name of a directory; choose another name",
    errno.EISDIR: "it is a directory; give the name of a file",
    errno.ENOENT: "look at the name, and at what is missing above it",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
    errno.ENFILE: "this machine has too many files open",
    errno.EROFS: "choose a place that can be written",
    errno.EACCES: "look at the permissions, or choose a place that can be written",
    errno.EPERM: "look at the permissions, or choose a place that can be written",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ESTALE: "the file server lost it; look whether the file system is mounted",
}


def write_atomic(path: Path, data: bytes) -> None:
    """Replace a file so that a reader, or a crash, sees all of the old or all of the new.

    The bytes go to `.NAME.tmp` beside the file, to the disk, and then under the name; the
    directory is synchronised last. One process at a time may write a given file.

    Raises
    ------
    StoreError
        If the disk is full or the directory cannot be written; the old file is untouched.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            write_all(descriptor, data)
            synchronise(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)  # noqa: PTH105 - os.* alone: tests make each call fail
        synchronise_path(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise cannot("write", path, error) from error


def make_directory(path: Path) -> None:
    """Make a directory, and those above it, where they do not exist.

    Raises
    ------
    StoreError
        If it cannot be made, for instance because a file has its name.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot("make the directory", path, error) from error


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes to an open file, however little the system takes at once."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def cannot(verb: str, path: Path, error: OSError) -> StoreError:
    """Return the error that says what the disk refused, and what to do, in one sentence."""
    reason = error.strerror or str(error)
    advice = _ADVICE.get(error.errno or 0, "check free space and permissions")
    return StoreError(f"cannot {verb} {path}: {reason}; {advice}")
