"""Resident memory of a small production run over many steps.

    python memory.py DIRECTORY STEPS [SECONDS]

learns a force field for 2 atoms, runs it in mode mlff with audits, and prints as JSON the memory,
MB, at every ten thousandth step and at the end, and the threads of the process.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from scenarios import configuration, install, pair, written

from aofl import api
from aofl.simulation.resources import resident_bytes

MARKS, EVERY = (1000, 2000, 5000), 10_000
TEACHER_STEPS = 300


def main() -> None:
    directory, steps = Path(sys.argv[1]), int(sys.argv[2])
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else None
    install()
    structure, teacher = written(pair(), directory), directory / "teacher"
    plain = {"dynamics.name": "velocity_verlet", "dynamics.temperature_K": 300.0}
    api.run(configuration(structure, **plain, **{"dynamics.steps": TEACHER_STEPS}), teacher)
    changes = {
        **plain,
        "mode": "mlff",
        "force_field.model": str(teacher / "model.h5"),
        "dynamics.steps": steps,
        "learning.audit_probability": 0.001,
        "output.trajectory_every": 100,
        "output.thermo_every": 100,
        "output.checkpoint_every": 5000,
    }
    resident: dict[int, float] = {}

    def watch(run: Any) -> None:
        if run.step in MARKS or run.step % EVERY == 0 or run.step == steps:
            resident[run.step] = (resident_bytes() or 0) / 1e6

    config = configuration(structure, **changes)
    status = api.run(config, directory / "long", watch, max_walltime_s=seconds)
    last = api.status(directory / "long")
    resident[last["steps"]] = (resident_bytes() or 0) / 1e6
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - /proc, not a file tree
    summary = {key: last[key] for key in ("steps", "audits", "labels", "rewinds")}
    print(json.dumps({"status": status, "MB": resident, "threads": threads, **summary}))  # noqa: T201


if __name__ == "__main__":
    main()
