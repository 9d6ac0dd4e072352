"""The command line as its user runs it, in an environment like theirs, and runs that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

AOFL = [sys.executable, "-m", "aofl.cli"]
# Nothing is said about threads, and the calculators of the tests of runs can be imported.
ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")},
    "PYTHONPATH": str(Path(__file__).parent / "runs"),
}


def aofl(
    *arguments: object, launcher: Sequence[str] = (), **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end; `changes` are variables of its environment."""
    return subprocess.run(
        [*launcher, *AOFL, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=ENVIRONMENT | changes,
    )


def started(
    *arguments: object, launcher: Sequence[str] = (), environment: Mapping[str, str] = ENVIRONMENT
) -> subprocess.Popen[bytes]:
    """Start a verb in a process group of its own, what it prints thrown away."""
    return subprocess.Popen(
        [*launcher, *AOFL, *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )


def wait_until(process: subprocess.Popen[bytes], growing: Path, size: float) -> None:
    """Wait until a file that a process writes has so many bytes."""
    deadline = time.monotonic() + 200
    while not growing.exists() or growing.stat().st_size < size:
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)


def killed(*arguments: object, growing: Path, size: float, launcher: Sequence[str] = ()) -> None:
    """Start a verb, and kill it once a file that it writes has so many bytes.

    What a launcher has started is killed with it. Otherwise the process dies alone, as by the
    killer of the kernel, and those that it started find out for themselves.
    """
    with started(*arguments, launcher=launcher) as process:
        try:
            wait_until(process, growing, size)
        finally:
            if launcher:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
