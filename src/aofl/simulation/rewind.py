"""The rewind: go back to a trusted frame, label there where nobody did, and go on."""

from __future__ import annotations

import json
import logging
from typing import Any

from ase import Atoms

from aofl.config.schema import RunConfig
from aofl.errors import RunStopped
from aofl.learning.rules.rewinds import Rewind, agrees, rewind_of
from aofl.records import Verdict
from aofl.records.events import Rewound
from aofl.simulation.bias import plumed_of
from aofl.simulation.checkpointing import save_state
from aofl.simulation.dynamics import make_dynamics, restore_thermostat
from aofl.simulation.run_state import Run
from aofl.simulation.snapshot import Snapshot, put_back
from aofl.store import drop_checkpoints_after
from aofl.structure import Structure

logger = logging.getLogger(__name__)


def rewind(run: Run, verdict: Verdict) -> None:
    """Go back to a trusted frame, label there where the rule wants it, and go on.

    Raises
    ------
    RunStopped
        If there is no frame left to go back to, or it was done too often.
    """
    how, refused = rewind_of(verdict), run.step + 1
    n_rewinds = run.calculator.state.n_rewinds
    is_hopeless = how.is_unphysical and n_rewinds > run.config.learning.max_rewinds
    if is_hopeless or not run.snapshots:
        raise RunStopped(
            f"step {refused} was refused ({verdict.reason}) and "
            f"{n_rewinds - 1} rewinds did not help; use a shorter "
            "`dynamics.timestep_fs`, a lower temperature or a relaxed start structure"
        )
    trusted = _trusted_frame(run, how, refused)
    logger.warning("step %d: %s; back to step %d", refused, verdict.reason, trusted.step)
    run.files.tell(
        Rewound(step=refused, time_fs=run.time_fs, reason=verdict.reason, to_step=trusted.step)
    )
    put_back(trusted, run.atoms, run.calculator)
    run.tracker, run.rewound_to = trusted.tracker, trusted.step
    _learn_there(run, how, verdict)
    run.dynamics = dynamics_at(run.config, run.atoms, trusted)
    _save_rewound(run, trusted.offsets)
    if (plumed := plumed_of(run.atoms)) is not None:
        plumed.restart(run.atoms)


def _trusted_frame(run: Run, how: Rewind, refused: int) -> Snapshot:
    """Take the frame to go back to: the last, or as far back as the rule wants.

    One that nobody labels stays with the others: what the force field has learned changes what
    follows, and a guard that refuses the next step goes back there and labels it.
    """
    trusted = run.snapshots.pop()
    while run.snapshots and not _is_far_enough(run, how, trusted, refused):
        trusted = run.snapshots.pop()
    if how.label_rule is None:
        run.snapshots.append(trusted)
    return trusted


def _is_far_enough(run: Run, how: Rewind, frame: Snapshot, refused: int) -> bool:
    if how.must_agree:
        structure = frame.moved(Structure.of(run.atoms))
        calculator, followed = run.calculator, frame.results["forces"]
        return agrees(calculator.force_field, calculator.state, structure, followed)
    return frame.step <= refused - how.before_fs / run.config.dynamics.timestep_fs


def _learn_there(run: Run, how: Rewind, verdict: Verdict) -> None:
    """Label the trusted frame, or let the energy go on where it was there."""
    if how.label_rule is None:
        run.calculator.join_energy(run.atoms)
    elif run.calculator.mode.learns:
        reason = f"trusted frame before: {verdict.reason}"
        label = Verdict(action="label", rule=how.label_rule, reason=reason)
        run.calculator.label_here(run.atoms, label)


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


def dynamics_at(config: RunConfig, atoms: Atoms, snapshot: Snapshot) -> Any:
    """Return the integrator as it was at a captured instant; the forces must be put back first."""
    dynamics = make_dynamics(config.dynamics, atoms, snapshot.step)
    restore_thermostat(dynamics, snapshot.thermostat)
    return dynamics
