"""The run: step, observe, checkpoint; rewind when a step is refused; stop cleanly.

The loop holds no physics and no rule. Each step belongs to ASE's integrator, which asks the
`AdaptiveCalculator` for forces; what must survive a kill is in `aofl.simulation.checkpointing`.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms

from aofl.chemistry.tracker_state import TrackerState
from aofl.config.schema import RunConfig
from aofl.errors import AoflError, RunStopped, StoreError
from aofl.learning.adaptive_calculator import AdaptiveCalculator, RewindRequested
from aofl.learning.rules.chemistry import BEFORE_FS
from aofl.learning.rules.chemistry import RULE as CHEMISTRY
from aofl.learning.rules.guards import APPROACH
from aofl.learning.rules.retrospective import RULE as SURPRISE
from aofl.learning.rules.retrospective import agrees
from aofl.learning.update import calibration_of
from aofl.records import Verdict
from aofl.simulation.checkpointing import save_state
from aofl.simulation.dynamics import advance, make_dynamics, restore_thermostat, thermostat_state
from aofl.simulation.reaction_log import look_at_chemistry
from aofl.simulation.recorder import Recorder
from aofl.simulation.resources import tell_forecast, watch
from aofl.simulation.snapshot import Snapshot, capture, put_back
from aofl.simulation.stopping import StopRequest
from aofl.simulation.summary import write_summary
from aofl.store import RunDirectory, drop_checkpoints_after

logger = logging.getLogger(__name__)

SNAPSHOT_EVERY = 10  # steps between frames that a rewind can go back to
SNAPSHOTS = 20


@dataclass(slots=True, kw_only=True)
class Run:
    """A run in progress: what moves, what learns, and where it is written.

    `rewound_to` is the step that the last rewind went back to: what is refused at once after it
    goes further back, or the run would repeat the same steps.
    """

    config: RunConfig
    directory: RunDirectory
    files: Recorder
    atoms: Atoms
    calculator: AdaptiveCalculator
    dynamics: Any  # one of ASE's integrators, whose base class has no `step`
    step: int = 0
    followed: TrackerState | None = None
    snapshots: deque[Snapshot] = field(default_factory=lambda: deque(maxlen=SNAPSHOTS))
    rewound_to: int | None = None
    stop: StopRequest = field(default_factory=StopRequest)
    warned: set[str] = field(default_factory=set)

    @property
    def time_fs(self) -> float:
        """Simulated time, fs."""
        return self.step * self.config.dynamics.timestep_fs


def begin(run: Run) -> None:
    """Write down the first instant of a new run."""
    _observe(run)
    save_state(run)
    write_summary(run, "running")


def proceed(run: Run, on_step: Callable[[Run], None] = lambda run: None) -> str:
    """Run until the configured number of steps, and return how it ended: "done" or "stopped".

    Raises
    ------
    RunStopped
        If the run cannot go on by itself, a full disk included; everything up to then is on the
        disk.
    """
    try:
        tell_forecast(run)
        while run.step < run.config.dynamics.steps and not run.stop.is_due():
            run.stop.time_step(lambda: one_step(run))
            on_step(run)
        status = "done" if run.step >= run.config.dynamics.steps else "stopped"
        _finish(run, status, "" if status == "done" else f"{run.stop.reason}; go on with resume")
    except AoflError as error:
        with suppress(StoreError):  # the disk may be what failed
            _finish(run, "failed", str(error))
        if isinstance(error, RunStopped):
            raise
        advice = (
            f"the run stopped at step {run.step}; `aofl resume` goes on from the last step saved"
        )
        raise RunStopped(f"{error}; {advice}") from error
    return status


def one_step(run: Run) -> None:
    """Make the next step, or go back where it is refused; write what is due."""
    if run.step % SNAPSHOT_EVERY == 0 and run.step != run.rewound_to:
        run.snapshots.append(_snapshot(run))
    run.calculator.can_rewind = bool(run.snapshots)
    try:
        advance(run.dynamics, run.config.seed, run.step + 1)
    except RewindRequested as refusal:
        _rewind(run, refusal.verdict)
        return
    run.step += 1
    _observe(run)
    if run.step % run.config.output.checkpoint_every == 0:
        save_state(run)
        watch(run)
        write_summary(run, "running")


def _snapshot(run: Run) -> Snapshot:
    files = run.files
    offsets = {name: getattr(files, name).offset for name in ("thermo", "trajectory", "events")}
    return capture(run.atoms, run.calculator, thermostat_state(run.dynamics), run.followed, offsets)


def _rewind(run: Run, verdict: Verdict) -> None:
    """Go back to a trusted frame, label there where nobody did, and go on."""
    limit = run.config.learning.max_rewinds
    is_unphysical = verdict.rule not in (CHEMISTRY, SURPRISE)
    is_hopeless = is_unphysical and run.calculator.memory.n_rewinds > limit
    if is_hopeless or not run.snapshots:
        raise RunStopped(
            f"step {run.step + 1} was refused ({verdict.reason}) and "
            f"{run.calculator.memory.n_rewinds - 1} rewinds did not help; use a shorter "
            "`dynamics.timestep_fs`, a lower temperature or a relaxed start structure"
        )
    trusted = _trusted_frame(run, verdict)
    logger.warning("step %d: %s; back to step %d", run.step + 1, verdict.reason, trusted.step)
    event = {"event": "rewind", "reason": verdict.reason, "to_step": trusted.step}
    run.files.events.append({"step": run.step + 1, "time_fs": run.time_fs, **event})
    run.followed = put_back(trusted, run.atoms, run.calculator)
    run.step = run.rewound_to = trusted.step
    if verdict.rule == SURPRISE:
        run.calculator.join_energy(run.atoms)
    elif run.calculator.mode != "mlff":
        rule = APPROACH if is_unphysical else CHEMISTRY
        reason = f"trusted frame before: {verdict.reason}"
        run.calculator.label_here(run.atoms, Verdict(action="label", rule=rule, reason=reason))
    run.dynamics = dynamics_at(run.config, run.atoms, trusted)
    _save_rewound(run, trusted.offsets)


def _trusted_frame(run: Run, verdict: Verdict) -> Snapshot:
    """Take the frame to go back to: the last, or as far back as the rule wants.

    A surprise leaves it with the others: what the force field has learned changes what follows,
    and a guard that refuses the next step goes back there and labels it.
    """
    trusted = run.snapshots.pop()
    while run.snapshots and not _is_far_enough(run, verdict, trusted):
        trusted = run.snapshots.pop()
    if verdict.rule == SURPRISE:
        run.snapshots.append(trusted)
    return trusted


def _is_far_enough(run: Run, verdict: Verdict, frame: Snapshot) -> bool:
    if verdict.rule == SURPRISE:
        return agrees(run.calculator, frame.positions, frame.results["forces"])
    before = BEFORE_FS / run.config.dynamics.timestep_fs if verdict.rule == CHEMISTRY else 0
    return frame.step <= run.step + 1 - before


def _save_rewound(run: Run, offsets: dict[str, int]) -> None:
    """Make the past that a rewind chose the one that a kill comes back to.

    Both checkpoints are replaced before the files are cut: no checkpoint on the disk may count
    on more than there is. What is written again after the cut is in them, too.
    """
    kept = _events_to_keep(run, offsets["events"])
    for _ in range(2):
        save_state(run, offsets, kept)
    drop_checkpoints_after(run.directory.checkpoint, run.step)
    run.files.cut_back(offsets)
    run.files.tell_again(kept)


def _events_to_keep(run: Run, offset: int) -> list[dict[str, Any]]:
    """Return the events from an offset on that still hold once the run is back there.

    Bonds and reactions after it will happen again, or otherwise; failures and alarms did happen.
    """
    run.files.events.sync()
    with run.directory.events.open("rb") as file:
        file.seek(offset)
        lines = [json.loads(line) for line in file]
    return [line for line in lines if line["event"] not in ("bond", "reaction", "species")]


def dynamics_at(config: RunConfig, atoms: Atoms, mechanics: Snapshot) -> Any:
    """Return the integrator as it was at a captured instant; the forces must be put back first."""
    dynamics = make_dynamics(config.dynamics, atoms)
    restore_thermostat(dynamics, mechanics.thermostat)
    return dynamics


def _observe(run: Run) -> None:
    """Follow the chemistry, and write what this step's intervals ask for."""
    look_at_chemistry(run)
    output, atoms, calculator = run.config.output, run.atoms, run.calculator
    energy = float(calculator.results["energy"])
    if run.step % output.thermo_every == 0:
        run.files.thermo.append(
            {
                "step": run.step,
                "time_fs": run.time_fs,
                "temperature_K": float(atoms.get_temperature()),
                "potential_eV": energy,
                "kinetic_eV": float(atoms.get_kinetic_energy()),
                "energy_shift_eV": calculator.energy_shift,
                "predicted_error_eV_per_A": calculator.last_error,
                "threshold_eV_per_A": calculator.last_limit,
                "source": calculator.last_source,
                "n_labels": len(calculator.labeller.ids),
                "n_skips": calculator.memory.n_skips,
                "n_bonds": len(run.followed.bonded) if run.followed else 0,
                "n_reactions": run.followed.n_events if run.followed else 0,
            }
        )
    if run.step % output.trajectory_every == 0:
        forces = np.asarray(calculator.results["forces"])
        run.files.trajectory.append(
            atoms, energy=energy, forces=forces, step=run.step, time_fs=run.time_fs
        )


def _finish(run: Run, status: str, reason: str) -> None:
    event = {"event": "done" if status == "done" else "stopped", "reason": reason}
    if status != "failed":
        save_state(run)
        if run.calculator.force_field is not None and run.calculator.memory.n_labels:
            force_field = run.calculator.force_field
            force_field.calibration = calibration_of(run.calculator.memory, force_field)
            force_field.save(run.directory.model)
    run.files.events.append({"step": run.step, "time_fs": run.time_fs, **event})
    write_summary(run, status, reason)
