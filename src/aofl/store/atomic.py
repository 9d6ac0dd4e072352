"""Whole files that are either the old one or the new one, whenever the process dies."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from aofl.errors import StoreError


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
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)  # noqa: PTH105 - os.* alone: tests make each call fail
        sync_directory(path.parent)
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


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cannot(verb: str, path: Path, error: OSError) -> StoreError:
    """Return the error that says what the disk refused, in one sentence."""
    reason = error.strerror or str(error)
    return StoreError(f"cannot {verb} {path}: {reason}; check free space and permissions")
