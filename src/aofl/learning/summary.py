"""The summary of a run: one small JSON file, written at every checkpoint and at the end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aofl.analysis.accuracy import ErrorSums, total
from aofl.learning.audit import RANDOM, SCHEDULED
from aofl.store import read_journal

if TYPE_CHECKING:
    from aofl.learning.run import Run


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
            "labels_learned": memory.n_labels,
            "drift_alarm": memory.is_drifting,
            "failed_labels": memory.n_failed,
            **audit_errors(read_journal(run.directory.ledger)),
            "wall_s": wall,
            "aimd_step_s": aimd_step,
            "speedup": None if aimd_step is None else aimd_step * run.step / wall["total"],
            "threshold_eV_per_A": memory.threshold,
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )


def audit_errors(ledger: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the force RMSE of the audits, eV/Å, over all atoms and by element."""
    audits = [line for line in ledger if line["rule"] in (SCHEDULED, RANDOM) and line["errors"]]
    sums: dict[str, ErrorSums] = {}
    for line in audits:
        for element, part in line["errors"].items():
            sums[element] = sums.get(element, ErrorSums()) + ErrorSums(**part)
    return {
        "audit_forces_rmse": total(sums.values()).rmse,
        "audit_forces_rmse_by_element": {element: part.rmse for element, part in sums.items()},
        "n_audit_frames": len(audits),
        "random_audits": sum(line["rule"] == RANDOM for line in audits),
    }
