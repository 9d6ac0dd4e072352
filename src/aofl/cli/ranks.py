"""The command on many ranks (`mpirun -np 4 aofl run ...`): rank 0 runs it, the others obey."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from aofl.engines.mpi import launched, world
from aofl.errors import ConfigError

# A launcher hands them to every rank: rank 0 writes its checkpoint, and the others wait for it.
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


def serve_rank() -> None:
    """Do what rank 0 says until it is done; what rank 0 tells is not told twice."""
    for number in _STOPS:
        signal.signal(number, signal.SIG_IGN)
    try:
        world()
    except ConfigError:
        sys.exit(2)
    from aofl.engines.crew import serve

    serve()


@contextmanager
def other_ranks() -> Iterator[None]:
    """Let the other ranks, where there are some, leave when the `with` block ends."""
    if launched()[1] == 1:
        yield
        return
    world()
    from aofl.engines.crew import dismiss

    try:
        yield
    finally:
        dismiss()
