"""Waiting for the disk, on file systems that know how to and on those that do not.

Some file systems of clusters and containers have no fsync, for folders above all. A power failure
may then cost what was written last; nothing else depends on it, so nothing fails without it.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

_NOT_KNOWN = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF}


def synchronise(descriptor: int) -> None:
    """Wait until the disk has what was written to an open file.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_KNOWN:
            raise


def synchronise_path(path: Path) -> None:
    """Wait until the disk has a file, or the names in a directory.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # may be written and not read
        return
    try:
        synchronise(descriptor)
    finally:
        os.close(descriptor)
