"""The summary of a run: one small JSON file, written at every checkpoint and at the end."""

from __future__ import annotations

from datetime import UTC, datetime

from aofl.simulation.run_state import Run


def write_summary(run: Run, status: str, reason: str = "") -> None:
    """Write `summary.json`; accuracy is that of the audits alone."""
    calculator, state = run.calculator, run.calculator.state
    steps = max(run.step, 1)
    wall = calculator.timing.split()
    cut = run.config.labels.cut
    is_cut = cut is not None and cut.applies(len(run.atoms))
    # Labels of cut-outs do not tell what one of the whole would take.
    aimd_step = None if is_cut else calculator.timing.reference_step()
    run.directory.write_summary(
        {
            "status": status,
            "reason": reason,
            "mode": run.config.mode,
            "steps": run.step,
            "target_steps": run.config.dynamics.steps,
            "time_fs": run.time_fs,
            "labels": len(calculator.oracle.ids),
            "explored": run.directory.read_explored(),
            "label_fraction": len(calculator.oracle.ids) / (steps + 1),
            "skips": state.n_skips,
            "audits": state.n_audits,
            "rewinds": state.n_rewinds,
            "chemistry_rewinds": state.watch.n_rewinds,
            "surprise_rewinds": state.n_surprises,
            "labels_learned": state.n_labels,
            "drift_alarm": state.is_drifting,
            "failed_labels": state.n_failed,
            **run.files.audits.figures(),
            "wall_s": wall,
            "aimd_step_s": aimd_step,
            "speedup": None if aimd_step is None else aimd_step * run.step / calculator.timing.own,
            "target_eV_per_A": state.target,
            "threshold_eV_per_A": state.threshold,
            "reached_eV_per_A": state.told_reach or state.target,
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )
