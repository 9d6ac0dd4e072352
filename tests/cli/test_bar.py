"""The bar of work that takes long: on a terminal, on standard error, after two seconds."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aofl.progress import tracked
from aofl.store import about_how_many

PROGRAM = """
import time
from aofl.cli import progress
progress.PATIENCE_S = {patience}
with progress.bar() as on_progress:
    on_progress("reading", 0, None)
    for k in range(21):
        on_progress("learning", k, 20)
        time.sleep(0.05)
    print("the result")
"""


def shown(patience: float) -> tuple[str, str]:
    """Return what standard output got, a pipe, and what standard error got, a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(patience=patience)],
        stdout=subprocess.PIPE, stderr=theirs, env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    ) as process:  # fmt: skip
        os.close(theirs)
        told = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # Linux says so that the other side is closed
                part = b""
            if not part:
                break
            told += part
        assert process.stdout is not None
        result = process.stdout.read().decode()
    os.close(ours)
    assert process.returncode == 0, told
    return result, told.decode()


def test_a_terminal_sees_what_is_done_and_what_is_left() -> None:
    result, told = shown(patience=0.2)
    assert result == "the result\n"
    assert "learning" in told
    assert "/20" in told
    assert "left" in told


def test_what_is_quick_shows_nothing() -> None:
    assert shown(patience=60) == ("the result\n", "")


def test_without_a_terminal_there_is_no_bar() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(patience=0)], capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("the result\n", "")


def test_tracked_items_are_counted_when_they_are_done() -> None:
    told: list[tuple[str, int, int | None]] = []
    work = tracked(["a", "b"], "letters", lambda *said: told.append(said))
    assert next(work) == "a"
    assert told == [("letters", 0, 2)]
    assert list(work) == ["b"]
    assert told == [("letters", 0, 2), ("letters", 1, 2), ("letters", 2, 2)]
    told.clear()
    list(tracked(iter("ab"), "letters", lambda *said: told.append(said)))
    assert told[-1] == ("letters", 2, None)


@pytest.mark.parametrize("name", ["long.xyz", "long.xyz.gz"])
def test_the_number_of_frames_is_guessed_well(name: str, tmp_path: Path) -> None:
    import gzip

    import numpy as np

    rng = np.random.default_rng(0)
    frame = "40\ntime=0.5\n"
    rows = ["Na {:.8f} {:.8f} {:.8f}\n".format(*p) for p in rng.uniform(0, 10, (40 * 200, 3))]
    text = "".join(frame + "".join(rows[40 * k : 40 * k + 40]) for k in range(200)) * 30
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode(), 1) if name.endswith("gz") else text.encode())
    started = time.monotonic()
    assert about_how_many(path, 40) == pytest.approx(6000, rel=0.05)
    assert time.monotonic() - started < 2
