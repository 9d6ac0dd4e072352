"""The summary of a run: one small JSON file, written at every checkpoint and at the end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aofl.simulation.run import Run


def write_summary(run: Run, status: str, reason: str = "") -> None:
    """Write `summary.json`; accuracy is that of the audits alone."""
    calculator, memory = run.calculator, run.calculator.memory
    steps = max(run.step, 1)
    wall = calculator.wall.split()
    aimd_step = calculator.wall.reference_step()
    run.directory.write_summary(
        {
            "status": status,
            "reason": reason,
            "mode": calculator.mode,
            "steps": run.step,
            "target_steps": run.config.dynamics.steps,
            "time_fs": run.time_fs,
            "labels": len(calculator.labeller.ids),
            "label_fraction": len(calculator.labeller.ids) / (steps + 1),
            "skips": memory.n_skips,
            "audits": memory.n_audits,
            "rewinds": memory.n_rewinds,
            "chemistry_rewinds": memory.watch.n_rewinds,
            "surprise_rewinds": memory.n_surprises,
            "labels_learned": memory.n_labels,
            "drift_alarm": memory.is_drifting,
            "failed_labels": memory.n_failed,
            **run.files.audits.figures(),
            "wall_s": wall,
            "aimd_step_s": aimd_step,
            "speedup": None if aimd_step is None else aimd_step * run.step / wall["total"],
            "threshold_eV_per_A": memory.threshold,
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )
