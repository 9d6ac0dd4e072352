"""Rehearse a run with a cheap reference that knows the truth of every step, and score the rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from aofl.config.references import TbliteConfig
from aofl.config.schema import RunConfig
from aofl.errors import ConfigError
from aofl.forcefield.model import ForceField
from aofl.records import LEARNING_MODES
from aofl.reference import AseReference
from aofl.simulation.run_state import Run
from aofl.store import RunDirectory, jsonable, read_events, read_ledger, write_atomic
from aofl.workflows.assemble import make_reference
from aofl.workflows.build import build
from aofl.workflows.check import scratch_reference, timed_label
from aofl.workflows.forecast import forecast
from aofl.workflows.own_cost import OwnCost
from aofl.workflows.start_resume import start
from aofl.workflows.validation import Validation, advice, score, to_csv


def rehearse(
    config: RunConfig,
    out: Path,
    *,
    teacher: Path | None = None,
    time_label: bool = True,
    on_step: Callable[[Run], None] = lambda run: None,
) -> dict[str, Any]:
    """Run a configuration with a cheap teacher as its reference; return and write the score.

    Stages and walkers are left out: what is rehearsed is one run itself, from nothing.

    Parameters
    ----------
    out
        A new run directory; `rehearsal.json` and `rehearsal.csv`, the truth of every step, are
        added to it.
    teacher
        A saved force field; None takes GFN1-xTB.
    time_label
        Whether to label the start structure once with the real reference, for the forecast.

    Raises
    ------
    ConfigError
        If the mode does not learn: there is nothing to rehearse.
    """
    if config.mode not in LEARNING_MODES:
        raise ConfigError(f"`mode` is {config.mode}; only aofl and cofl learn and can be rehearsed")
    labels = config.labels.model_copy(update={"background": 0})
    config = config.model_copy(update={"stages": None, "walkers": None, "labels": labels})
    seconds = None
    if time_label:
        with scratch_reference(config) as reference:
            seconds = timed_label(reference, build(config), config.labels.cut).seconds
    if teacher is None:
        config = config.model_copy(update={"reference": TbliteConfig()})
        master = make_reference(config.reference, out)
    else:
        known = ForceField.load(teacher, on_uncertain="ignore")
        master = AseReference(known, description={"method": f"model {teacher}"})
    examiner = Validation(master)

    def examine(now: Run) -> None:
        examiner.look(now)
        on_step(now)

    started = perf_counter()
    state = start(config, out, examine, master)
    found = _scored(out, config, examiner, seconds)
    found |= {"status": state, "teacher": master.describe()}
    found["rehearsal_s"] = perf_counter() - started
    text = json.dumps(jsonable(found), indent=1, ensure_ascii=False)
    write_atomic(out / "rehearsal.json", text.encode() + b"\n")
    write_atomic(out / "rehearsal.csv", to_csv(examiner.steps.values()).encode())
    return found


def _scored(
    out: Path, config: RunConfig, examiner: Validation, label_seconds: float | None
) -> dict[str, Any]:
    """Return the score of a rehearsal that has been run, with its forecast."""
    directory = RunDirectory.open(out)
    summary, ledger = directory.read_summary(), read_ledger(directory.ledger)
    target = 1e-3 * config.learning.target_force_error_meV_per_A
    found = score([*examiner.steps.values()], ledger, read_events(directory.events), target)
    found |= {name: summary[name] for name in ("audit_forces_rmse", "n_audit_frames")}
    found["advice"] = advice(found, target, config.force_field.accuracy)
    wall, steps = summary["wall_s"], max(summary["steps"], 1)
    step = sum(wall[part] for part in ("force_field", "uncertainty", "chemistry")) / steps
    own = OwnCost(step=step, update=wall["update"] / max(found["labels"], 1))
    labels = (found["labels"], found["labels"])
    return {**found, "forecast": forecast(steps, labels, label_seconds, own)}
