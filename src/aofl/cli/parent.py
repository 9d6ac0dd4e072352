"""A process that leaves when the one that started it is no more."""

from __future__ import annotations

import os
import signal
from threading import Thread

STANDARD_INPUT = 0


def leave_when_input_closes() -> None:
    """Send SIGTERM to this process when its standard input ends: a run stops with a checkpoint.

    The input is a pipe that the parent never writes into. It closes the pipe, or ends and the
    kernel does, even after SIGKILL.
    """
    Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    try:
        while os.read(STANDARD_INPUT, 1024):
            pass
    except OSError:
        pass  # there is no input: nobody holds the other end
    os.kill(os.getpid(), signal.SIGTERM)
