"""Whether two runs took the same path, to the last bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def ledger(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "ledger.jsonl").read_text().splitlines()]


def assert_same_path(one: Path, other: Path) -> None:
    for name in ("thermo.csv", "trajectory.0001.extxyz.gz"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    without = [
        [{k: v for k, v in line.items() if k != "seconds"} for line in ledger(run)]
        for run in (one, other)
    ]
    assert without[0] == without[1]
