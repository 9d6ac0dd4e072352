"""The run: step, observe, checkpoint; rewind when a step is refused; stop cleanly.

The loop holds no physics and no rule. Each step belongs to ASE's integrator, which asks the
`AdaptiveCalculator` for forces; everything that must survive a kill is in `aofl.learning.state`.
"""

from __future__ import annotations

import json
import logging
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase import Atoms

from aofl.analysis.followed import Followed
from aofl.config.schema import RunConfig
from aofl.errors import RunStopped
from aofl.learning.adaptive_calculator import AdaptiveCalculator, RewindRequested
from aofl.learning.chemistry import look_at_chemistry
from aofl.learning.dynamics import advance, make_dynamics, restore_thermostat, thermostat_state
from aofl.learning.files import RunFiles
from aofl.learning.lesson import calibration_of
from aofl.learning.mechanics import Mechanics, capture, put_back
from aofl.learning.reactive import BEFORE_FS
from aofl.learning.reactive import RULE as CHEMISTRY
from aofl.learning.state import save_state
from aofl.learning.summary import write_summary
from aofl.records import Verdict
from aofl.store import RunDirectory

logger = logging.getLogger(__name__)

SNAPSHOT_EVERY = 10  # steps between frames that a rewind can go back to
SNAPSHOTS = 20


@dataclass(slots=True, kw_only=True)
class Run:
    """A run in progress: what moves, what learns, and where it is written."""

    config: RunConfig
    directory: RunDirectory
    files: RunFiles
    atoms: Atoms
    calculator: AdaptiveCalculator
    dynamics: Any  # one of ASE's integrators, whose base class has no `step`
    step: int = 0
    followed: Followed | None = None
    snapshots: deque[Mechanics] = field(default_factory=lambda: deque(maxlen=SNAPSHOTS))
    stop_signal: str | None = None

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
        If the run cannot go on by itself; everything up to then is on the disk.
    """
    try:
        with _signals(run):
            while run.step < run.config.dynamics.steps and run.stop_signal is None:
                _one_step(run)
                on_step(run)
    except RunStopped as error:
        _finish(run, "failed", str(error))
        raise
    status = "done" if run.step >= run.config.dynamics.steps else "stopped"
    _finish(run, status, "" if status == "done" else f"{run.stop_signal}; `aofl resume` goes on")
    return status


def _one_step(run: Run) -> None:
    if run.step % SNAPSHOT_EVERY == 0:
        run.snapshots.append(_snapshot(run))
    try:
        advance(run.dynamics, run.config.seed, run.step + 1)
    except RewindRequested as refusal:
        _rewind(run, refusal.verdict)
        return
    run.step += 1
    _observe(run)
    if run.step % run.config.output.checkpoint_every == 0:
        save_state(run)
        write_summary(run, "running")


def _snapshot(run: Run) -> Mechanics:
    files = run.files
    offsets = {name: getattr(files, name).offset for name in ("thermo", "trajectory", "events")}
    return capture(run.atoms, run.calculator, thermostat_state(run.dynamics), run.followed, offsets)


def _rewind(run: Run, verdict: Verdict) -> None:
    """Go back to the last trusted frame, label there and go on; each time a frame further back."""
    is_chemistry = verdict.rule == CHEMISTRY
    limit = run.config.learning.max_rewinds
    is_hopeless = not is_chemistry and run.calculator.memory.n_rewinds > limit
    if is_hopeless or not run.snapshots:
        raise RunStopped(
            f"step {run.step + 1} was refused ({verdict.reason}) and "
            f"{run.calculator.memory.n_rewinds - 1} rewinds did not help; use a shorter "
            "`dynamics.timestep_fs`, a lower temperature or a relaxed start structure"
        )
    trusted = run.snapshots.pop()
    if is_chemistry:
        earliest = run.step + 1 - BEFORE_FS / run.config.dynamics.timestep_fs
        while trusted.step > earliest and run.snapshots:
            trusted = run.snapshots.pop()
    logger.warning("step %d: %s; back to step %d", run.step + 1, verdict.reason, trusted.step)
    event = {"event": "rewind", "reason": verdict.reason, "to_step": trusted.step}
    lost = _events_to_keep(run, trusted)
    run.files.cut_back(trusted.offsets)
    for kept in (*lost, {"step": run.step + 1, "time_fs": run.time_fs, **event}):
        run.files.events.append(kept)
    run.followed = put_back(trusted, run.atoms, run.calculator)
    run.step = trusted.step
    if run.calculator.mode != "mlff":
        rule = CHEMISTRY if is_chemistry else "rewind"
        before = Verdict(
            action="label",
            rule=rule,
            reason=f"trusted frame before: {verdict.reason}",
        )
        run.calculator.label_here(run.atoms, before)
    run.dynamics = dynamics_at(run.config, run.atoms, trusted)


def _events_to_keep(run: Run, trusted: Mechanics) -> list[dict[str, Any]]:
    """Return what was written since a frame and still holds once the run is back there.

    Bonds and reactions after it will happen again, or otherwise; failures and alarms did happen.
    """
    run.files.events.sync()
    with run.directory.events.open("rb") as file:
        file.seek(trusted.offsets["events"])
        lines = [json.loads(line) for line in file]
    return [line for line in lines if line["event"] not in ("bond", "reaction", "species")]


def dynamics_at(config: RunConfig, atoms: Atoms, mechanics: Mechanics) -> Any:
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


@contextmanager
def _signals(run: Run) -> Iterator[None]:
    """Let SIGINT and SIGTERM end the run after the step in progress."""

    def note(number: int, frame: object) -> None:
        run.stop_signal = signal.Signals(number).name

    before = {s: signal.signal(s, note) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
