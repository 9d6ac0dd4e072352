"""A run that a label surprises goes back, comes out the same after any stop, and gets on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from evidence import science, stop_at

from aofl import api
from aofl.records import Label
from aofl.store import read_atoms, read_frames, read_journal, read_table
from aofl.workflows import assemble

ATOM, AXIS, EDGE_A, PUSH = 0, 1, 0.2, 2.5
CHANGES = {
    "learning.target_force_error_meV_per_A": 150.0,
    "learning.audit_probability": 0.1,
    "dynamics.temperature_K": 900.0,
    "dynamics.steps": 56,
}


@pytest.fixture
def crossing(bench: Any) -> Any:
    """EMT, until an atom has moved so far from the rest: from there the two are pushed apart."""
    bench.reference()
    plain = assemble.REFERENCES["tblite"]
    edge = _apart(read_atoms(bench.path / "start.extxyz")) + EDGE_A

    def beyond(label: Label, atoms: Atoms) -> Label:
        excess = _apart(atoms) - edge
        if excess <= 0:
            return label
        forces = label.forces.copy()
        forces[:, AXIS] -= PUSH / (len(atoms) - 1)
        forces[ATOM, AXIS] += PUSH + PUSH / (len(atoms) - 1)
        return replace(label, energy=label.energy - PUSH * excess, forces=forces)

    def make(config: Any, directory: Path) -> Any:
        made = plain(config, directory)
        label = made.label
        made.label = lambda atoms, careful=False: beyond(label(atoms, careful=careful), atoms)
        return made

    bench.patch.setitem(assemble.REFERENCES, "tblite", make)
    return bench


def _apart(atoms: Atoms) -> float:
    x = atoms.positions[:, AXIS]
    return float(x[ATOM] - np.delete(x, ATOM).mean())


def undone(run: Path) -> list[dict[str, Any]]:
    ledger = read_journal(run / "ledger.jsonl")
    return [x for x in ledger if x["action"] == "rewind" and x["rule"] == "surprise"]


def test_a_surprise_is_undone_from_a_frame_before_it_and_the_run_gets_on(crossing: Any) -> None:
    run = crossing.run("run", **CHANGES)
    (surprise,) = undone(run)
    (rewind,) = (e for e in read_journal(run / "events.jsonl") if e["event"] == "rewind")
    assert surprise["threshold"] == pytest.approx(3 * 0.15)
    assert surprise["value"] > surprise["threshold"]
    assert rewind["step"] == surprise["step"]
    assert rewind["to_step"] < surprise["step"] - 1
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["surprise_rewinds"], summary["rewinds"]) == (1, 0)
    steps = [int(row.split(",")[0]) for row in (run / "thermo.csv").read_text().splitlines()[1:]]
    assert steps == list(range(CHANGES["dynamics.steps"] + 1))
    labelled = [x["step"] for x in read_journal(run / "ledger.jsonl") if x["action"] == "label"]
    assert labelled.count(surprise["step"]) >= 1  # learned before it was undone


def test_the_energy_goes_on_where_the_run_went_back_to(crossing: Any) -> None:
    """Each step changes the energy, less its jumps, by the work of the forces followed."""
    run = crossing.run("run", **CHANGES, **{"output.trajectory_every": 1})
    (rewind,) = (e for e in read_journal(run / "events.jsonl") if e["event"] == "rewind")
    rows = read_table(run / "thermo.csv")
    energy = np.array([float(x["potential_eV"]) - float(x["energy_shift_eV"]) for x in rows])
    frames = list(read_frames(run))
    forces = np.array([frame.get_forces() for frame in frames])
    moved = np.diff([frame.positions for frame in frames], axis=0)
    work = -np.sum(0.5 * (forces[1:] + forces[:-1]) * moved, axis=(1, 2))
    joint = rewind["to_step"]
    assert np.diff(energy)[joint] == pytest.approx(work[joint], abs=0.01)


def test_without_a_frame_to_go_back_to_the_run_goes_on_from_the_label(crossing: Any) -> None:
    run = crossing.run("run", lambda run: run.snapshots.clear(), **CHANGES)
    assert api.status(run)["status"] == "done"
    assert undone(run) == []
    worst = max(x["true_error"] or 0.0 for x in read_journal(run / "ledger.jsonl"))
    assert worst > 3 * 0.15  # there was a surprise


@pytest.mark.parametrize("is_undone", [False, True])
def test_a_run_stopped_beside_a_surprise_comes_out_the_same(crossing: Any, is_undone: bool) -> None:
    whole = crossing.run("whole", **CHANGES)
    (rewind,) = (e for e in read_journal(whole / "events.jsonl") if e["event"] == "rewind")
    at = rewind["to_step"] + 1 if is_undone else rewind["step"] - 1
    stop = stop_at(at)

    def watch(run: Any) -> None:
        if bool(run.calculator.state.n_surprises) is is_undone:
            stop(run)

    run = crossing.run("run", watch, **CHANGES)
    assert api.status(run)["steps"] == at
    assert api.resume(run) == "done"
    assert science(run) == science(whole)
