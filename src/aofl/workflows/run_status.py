"""Where a run or a campaign stands, from its files alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aofl.config import expand, read_config
from aofl.config.schema import RunConfig
from aofl.errors import StoreError
from aofl.store import CampaignDirectory, RunDirectory, is_campaign

SUMMED = ("steps", "target_steps", "time_fs", "labels", "skips", "audits", "failed_labels",
          "rewinds", "n_audit_frames")  # fmt: skip
OF_A_WALKER = ("steps", "target_steps", "time_fs", "labels", "audits", "audit_forces_rmse",
               "n_audit_frames", "speedup", "updated")  # fmt: skip


def run_status(path: Path) -> dict[str, Any]:
    """Return the summary of a run, or of the stage where it stands, with its name as `stage`.

    Its status is "killed" where its process is no more.

    Raises
    ------
    StoreError
        If there is no run, or it has not written a summary yet.
    """
    directory = RunDirectory.open(path)
    if not directory.summary.exists() and (stage := directory.stage()) is not None:
        return {**run_status(stage.path), "stage": stage.path.name}
    if not directory.summary.exists():
        raise StoreError(f"{path} has no summary yet; wait for the first step of the run")
    summary = directory.read_summary()
    if summary.get("status") == "running" and directory.is_abandoned():
        reason = f"its process ended in the middle; `aofl resume {path}` goes on"
        summary |= {"status": "killed", "reason": reason}
    return summary


def campaign_status(path: Path) -> dict[str, Any]:
    """Return where each walker of a campaign stands, and the sums over all.

    Returns
    -------
    dict
        `status`: "running" while one runs, else "waiting" while one has not begun, else the
        worst of "failed", "killed", "stopped" and "done"; `walkers`: a record each, with `name` and
        `status`; the sums of their counts, by the names of `summary.json`; `reference_s`, the wall
        time of all labels, s; `audit_forces_rmse`, over the atoms of all audits, eV/Å.
    """
    campaign = CampaignDirectory(path=path)
    walkers = enumerate(walkers_in(campaign))
    found = [_standing(campaign.walker(k), walker.dynamics.steps) for k, walker in walkers]
    shown = [{"name": f"{k:03d}", **_shown(summary)} for k, (summary, _) in enumerate(found)]
    summaries = [summary for summary, _ in found]
    return {
        "status": _worst([str(summary["status"]) for summary in summaries]),
        "walkers": shown,
        **{key: sum(summary.get(key) or 0 for summary in summaries) for key in SUMMED},
        "reference_s": sum((s.get("wall_s") or {}).get("reference") or 0.0 for s in summaries),
        "audit_forces_rmse": _pooled(found),
    }


def walkers_of(path: Path) -> list[Path]:
    """Return the run directories that a path stands for: those of a campaign that have begun."""
    if not is_campaign(path):
        return [path]
    campaign = CampaignDirectory(path=path)
    runs = [campaign.walker(number) for number in range(len(walkers_in(campaign)))]
    return [run.path for run in runs if run.summary.is_file()]


def walkers_in(campaign: CampaignDirectory) -> tuple[RunConfig, ...]:
    """Return the configurations of the walkers of a campaign, in their order."""
    return expand(read_config(campaign.config))


def _standing(run: RunDirectory, steps: int) -> tuple[dict[str, Any], int]:
    """Return the summary and the number of atoms of a walker, however far it is."""
    if not run.record.is_file() or not run.summary.is_file():
        return {"status": "waiting", "steps": 0, "target_steps": steps}, 0
    try:
        return run_status(run.path), int(run.read_record().get("n_atoms") or 0)
    except StoreError as error:  # of this walker; the others are shown
        return {"status": "failed", "reason": str(error), "target_steps": steps}, 0


def _shown(summary: dict[str, Any]) -> dict[str, Any]:
    told = {key: summary.get(key) for key in OF_A_WALKER}
    return {"status": summary["status"], "reason": summary.get("reason", ""), **told}


def _worst(statuses: Sequence[str]) -> str:
    for status in ("running", "waiting", "failed", "killed", "stopped"):
        if status in statuses:
            return status
    return "done"


def _pooled(found: Sequence[tuple[dict[str, Any], int]]) -> float | None:
    """Return the force error over the atoms of the audits of all walkers, eV/Å."""
    known = [
        (float(summary["audit_forces_rmse"]), n_atoms * int(summary["n_audit_frames"]))
        for summary, n_atoms in found
        if summary.get("audit_forces_rmse") is not None and summary.get("n_audit_frames")
    ]
    weight = sum(n for _, n in known)
    return math.sqrt(sum(n * rmse**2 for rmse, n in known) / weight) if weight else None
