"""Follows the chemistry of a run while it goes: a look every few femtoseconds.

Bonds that form or break are written down as they are seen, with all flicker; a reaction is
written once its products have lived for the minimum lifetime, with the step at which it happened
and whether the reference was asked within it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aofl.chemistry import reaction_event
from aofl.chemistry.tracker import TrackerSettings, begin, follow
from aofl.chemistry.tracker_state import TrackerState
from aofl.config.schema import ChemistryConfig
from aofl.plain import from_plain
from aofl.records import IntArray
from aofl.records.events import BondChanged, ReactionHappened, SpeciesCounted
from aofl.simulation.run_state import Run


def look_at_chemistry(run: Run) -> None:
    """Look at the bonds if this step is one to look at, and write down what happened."""
    config = run.config.chemistry
    if run.step % steps_between_looks(config, run.config.dynamics.timestep_fs):
        return
    with run.calculator.timing.part("chemistry"):
        if run.tracker is None:
            run.tracker, counts = begin(run.atoms, frame=run.step, time_fs=run.time_fs)
            run.files.tell(SpeciesCounted(step=run.step, time_fs=run.time_fs, counts=counts))
            return
        before = run.tracker
        settings = TrackerSettings(min_lifetime_fs=config.min_lifetime_fs)
        run.tracker, events = follow(
            before,
            run.atoms,
            frame=run.step,
            time_fs=run.time_fs,
            settings=settings,
            bonded=run.calculator.state.path.bonded,
        )
        _write_bonds(run, before, run.tracker)
        for event in events:
            _write_reaction(run, event)


def steps_between_looks(config: ChemistryConfig, timestep_fs: float) -> int:
    """Return every how many steps the bonds are looked at, at least one."""
    return max(1, round(config.every_fs / timestep_fs))


def _write_bonds(run: Run, before: TrackerState, after: TrackerState) -> None:
    """Write down each bond that formed or broke since the last look."""
    if np.array_equal(before.bonded, after.bonded):
        return
    old, new = _pairs(before.bonded), _pairs(after.bonded)
    symbols = run.atoms.symbols
    for i, j in sorted(old ^ new):
        run.files.tell(
            BondChanged(
                step=run.step,
                time_fs=run.time_fs,
                change="broken" if (i, j) in old else "formed",
                atoms=(i, j),
                elements=(str(symbols[i]), str(symbols[j])),
            )
        )


def _pairs(bonded: IntArray) -> set[tuple[int, int]]:
    return {(i, j) for i, j in bonded.tolist()}


def _write_reaction(run: Run, event: reaction_event.Event) -> None:
    seen = run.calculator.state.last_label_step >= event.frame_before
    record = replace(event, seen_by_reference=seen).to_json()
    hot = run.calculator.state.path.hot
    in_excursion = hot is not None and hot[0] <= event.frame and event.frame_before <= hot[1]
    line = {
        "step": event.frame,
        **record,
        "certain_at_step": run.step,
        "in_excursion": in_excursion,
    }
    run.files.tell(from_plain(ReactionHappened, line))
