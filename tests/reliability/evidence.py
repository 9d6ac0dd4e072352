"""What a finished run shows, and a way to stop one."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from aofl.store import read_journal
from aofl.store.chunks import parts


def science(run: Path) -> list[Any]:
    """Return what must be bit-identical between two runs."""
    ledger = [{**line, "seconds": None} for line in read_journal(run / "ledger.jsonl")]
    frames = [part.read_bytes() for part in parts(run / "trajectory.extxyz")]
    return [(run / "thermo.csv").read_text(), frames, ledger]


def events(run: Path) -> list[str]:
    return [line["event"] for line in read_journal(run / "events.jsonl")]


def stop_at(step: int) -> Any:
    """Return a hook that asks for the end by a signal at a step."""

    def hook(run: Any) -> None:
        if run.step == step:
            os.kill(os.getpid(), signal.SIGUSR1)

    return hook
