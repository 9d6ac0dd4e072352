"""The run: step, write down, checkpoint; rewind when a step is refused; stop cleanly.

The loop holds no physics and no rule. Each step belongs to ASE's integrator, which asks the
`AdaptiveCalculator` for forces; what must survive a kill is in `aofl.simulation.checkpointing`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from ase import units

from aofl.config.dynamics import MtkConfig
from aofl.errors import AoflError, RunStopped, StoreError
from aofl.learning.update import calibration_factors
from aofl.records import ThermoRow
from aofl.records.events import Done, StartDoubted, Stopped
from aofl.simulation.bias import BiasedCalculator, plumed_of
from aofl.simulation.checkpointing import save_state
from aofl.simulation.dynamics import advance, settle
from aofl.simulation.reaction_log import look_at_chemistry
from aofl.simulation.regions import mean_target, region_temperatures, regions_of
from aofl.simulation.resources import tell_forecast, watch
from aofl.simulation.rewind import rewind
from aofl.simulation.run_state import Run
from aofl.simulation.sharing import learn_from_neighbours
from aofl.simulation.summary import write_summary
from aofl.system.strain import large_force, squeezed_contacts

logger = logging.getLogger(__name__)

SNAPSHOT_EVERY = 10  # steps between frames that a rewind can go back to


def begin(run: Run) -> None:
    """Write down the first instant of a new run, and what is doubtful about it."""
    _observe(run)
    force = large_force(run.atoms, np.asarray(run.calculator.results["forces"]))
    for doubt in (*squeezed_contacts(run.atoms), *([force] if force else [])):
        logger.warning("the start structure: %s", doubt)
        run.files.tell(StartDoubted(step=run.step, message=doubt))
    save_state(run)
    _settle(run)
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
    except BaseException as error:  # of `on_step`, or a fault of the program: nothing runs now
        with suppress(Exception):
            _finish(run, "failed", f"{type(error).__name__}: {error}")
        raise
    return status


def one_step(run: Run) -> None:
    """Make the next step, or go back where it is refused; write what is due."""
    if run.step % SNAPSHOT_EVERY == 0 and run.step != run.rewound_to:
        run.snapshots.append(run.snapshot(run.files.offsets_of_path()))
    run.calculator.can_rewind = bool(run.snapshots)
    refusal = advance(run.dynamics, run.config.dynamics, run.config.seed, run.step + 1)
    if refusal is not None:
        rewind(run, refusal)
        return
    _observe(run)
    has_learned = learn_from_neighbours(run)
    if has_learned or run.step % run.config.output.checkpoint_every == 0:
        save_state(run)
        _settle(run)
        watch(run)
        write_summary(run, "running")


def _settle(run: Run) -> None:
    """Let the path from here on be that of a run resumed here."""
    settle(run.dynamics)
    if (plumed := plumed_of(run.atoms)) is not None:
        plumed.settle(run.atoms)


def _observe(run: Run) -> None:
    """Follow the chemistry, and write what this step's intervals ask for."""
    look_at_chemistry(run)
    output = run.config.output
    if run.step % output.thermo_every == 0:
        run.files.add_thermo(_thermo_row(run))
    if run.step % output.trajectory_every == 0:
        results = run.calculator.results
        run.files.trajectory.append(
            run.atoms,
            energy=float(results["energy"]),
            forces=np.asarray(results["forces"]),
            step=run.step,
            time_fs=run.time_fs,
        )


def _thermo_row(run: Run) -> ThermoRow:
    state, tracker = run.calculator.state, run.tracker
    target = mean_target(run.config.dynamics, run.atoms)
    return ThermoRow(
        step=run.step,
        time_fs=run.time_fs,
        temperature_K=float(run.atoms.get_temperature()),
        potential_eV=float(run.calculator.results["energy"]),
        kinetic_eV=float(run.atoms.get_kinetic_energy()),
        energy_shift_eV=state.path.energy_shift,
        predicted_error_eV_per_A=state.path.error,
        threshold_eV_per_A=state.path.limit,
        source=state.path.source,
        n_labels=len(run.calculator.oracle.ids),
        n_skips=state.n_skips,
        n_bonds=len(tracker.bonded) if tracker else 0,
        n_reactions=tracker.n_events if tracker else 0,
        target_K=None if target is None else target.at(run.time_fs),
        **_pressure(run),
        **_bias(run),
        **_regions(run),
    )


def _regions(run: Run) -> dict[str, Any]:
    """Return the column of a thermostat with regions."""
    if not regions_of(run.config.dynamics):
        return {}
    found = region_temperatures(run.config.dynamics, run.atoms)
    return {"regions_K": " ".join(f"{temperature:.3f}" for temperature in found)}


def _pressure(run: Run) -> dict[str, Any]:
    """Return the columns of a cell that moves."""
    dynamics = run.config.dynamics
    if not isinstance(dynamics, MtkConfig):
        return {}
    stress = run.atoms.get_stress(voigt=True, include_ideal_gas=True)
    driving = stress[2:3] if dynamics.cell == "normal" else stress[:3]
    return {
        "volume_A3": float(run.atoms.get_volume()),
        "pressure_GPa": -float(np.mean(driving)) / units.GPa,
        "target_GPa": dynamics.target_pressure.at(run.time_fs),
    }


def _bias(run: Run) -> dict[str, Any]:
    """Return the columns of a bias."""
    if not isinstance(run.atoms.calc, BiasedCalculator):
        return {}
    now = run.atoms.calc.now(run.atoms)
    lengths = " ".join(f"{length:.6f}" for length in now.lengths)
    return {"bias_eV": now.energy, "restrained_A": lengths or None}


def _finish(run: Run, status: str, reason: str) -> None:
    """Write down how a run ended; one that failed keeps its last checkpoint.

    So does one that was stopped between two checkpoints with PLUMED, which is settled there alone.
    """
    if status == "done" or (status == "stopped" and plumed_of(run.atoms) is None):
        save_state(run)
    if status != "failed":
        _save_model(run)
    kind = Done if status == "done" else Stopped
    run.files.tell(kind(step=run.step, time_fs=run.time_fs, reason=reason))
    write_summary(run, status, reason)


def _save_model(run: Run) -> None:
    force_field, state = run.calculator.force_field, run.calculator.state
    if force_field is not None and state.n_labels:
        force_field.calibration = calibration_factors(state, force_field)
        force_field.save(run.directory.model)
