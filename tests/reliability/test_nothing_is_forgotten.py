"""What a run knows is what its checkpoint brings back; and rewinds do not repeat themselves."""

from __future__ import annotations

import copy
import json
from dataclasses import fields, is_dataclass
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evidence import stop_at
from fuzzing import toy_reference
from scenarios import FreshReference, reactive

from aofl import api
from aofl.errors import ReferenceFailed, RunStopped, StoreError
from aofl.learning.rules.policy import RULES
from aofl.records import Verdict
from aofl.simulation.recorder import Recorder
from aofl.simulation.stopping import StopRequest
from aofl.store import RunDirectory, load_checkpoint, read_atoms, read_journal, save_checkpoint
from aofl.workflows.assemble import limited_threads, opened_reference
from aofl.workflows.session import Session, restored

# Of the calculator: the rest is made anew from the configuration, or compared apart.
OF_CALCULATOR = ("state", "results")
MADE_ANEW = {
    "learner", "oracle", "timing", "force_field", "_on_decision", "_on_event", "atoms",
    "parameters", "_directory", "prefix", "use_cache", "get_spin_polarized",
    "can_rewind",  # said by the run before each step, of the snapshots below
}  # fmt: skip


SEED = 45  # of a collision that a run goes back from at least twice before step 52


def known(run: Any) -> dict[str, Any]:
    """Return all that a run knows, as values that can be compared."""
    calculator = run.calculator
    assert set(vars(calculator)) <= {*OF_CALCULATOR, *MADE_ANEW}, "new state: restore and test it"
    own = {name: getattr(calculator, name) for name in OF_CALCULATOR}
    return copy.deepcopy(
        {
            **own,
            "step": run.step,
            "rewound_to": run.rewound_to,
            "conditions": calculator.learner.conditions,
            "goes_on": calculator.learner.goes_on,
            "ids": calculator.oracle.ids,
            "calls": calculator.timing.reference_calls.to_json(),
            "audits": run.files.audits.figures(),
            "tracker": run.tracker,
            "snapshots": list(run.snapshots),
            "positions": run.atoms.positions,
            "momenta": run.atoms.get_momenta(),
            "weights": calculator.force_field.learned.weights,
            "draws": calculator.force_field.learned.draws,
        }
    )


def assert_same(one: Any, other: Any, where: str) -> None:
    if isinstance(one, dict):
        assert set(one) == set(other), where
        for key in one:
            assert_same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for k, (left, right) in enumerate(zip(one, other, strict=True)):
            assert_same(left, right, f"{where}[{k}]")
    elif is_dataclass(one):
        for part in fields(one):
            assert_same(getattr(one, part.name), getattr(other, part.name), f"{where}.{part.name}")
    elif isinstance(one, np.ndarray):
        assert np.array_equal(one, other), where
    else:
        assert one == other, where


def brought_back(out: Path) -> dict[str, Any]:
    """Return what a run knows that begins from the checkpoint of another one."""
    directory = RunDirectory.open(out)
    config = reactive(out.parent, seed=SEED)
    with (
        limited_threads(config.threads),
        opened_reference(config.reference, directory.reference) as reference,
        Recorder.open(directory, 0.3) as files,
    ):
        session = Session(
            config=config,
            directory=directory,
            files=files,
            atoms=read_atoms(directory.start),
            reference=reference,
            stop=StopRequest(),
        )
        return known(restored(session, load_checkpoint(directory.checkpoint)))


def fail_once(monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """Let one call of the toy reference give no label."""
    calls, label = count(1), FreshReference.label

    def fail(self: Any, atoms: Any, *, careful: bool = False) -> Any:
        if next(calls) == call:
            raise ReferenceFailed("injected")
        return label(self, atoms, careful=careful)

    monkeypatch.setattr(FreshReference, "label", fail)


def test_a_checkpoint_brings_back_all_that_a_run_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reaction: contacts, watch, trust, budget, rewinds and failed labels are all there."""
    out, last = tmp_path / "run", {}
    fail_once(monkeypatch, call=4)
    seen: list[dict[str, Any]] = []

    def watch(run: Any) -> None:
        last.clear()
        last.update(known(run))
        stop_at(at)(run)

    with toy_reference():
        for at in (18, 36, 52):
            if out.exists():
                api.resume(out, on_step=watch)
            else:
                api.run(reactive(tmp_path, seed=SEED), out, watch)
            assert last["step"] == at
            assert_same(dict(last), brought_back(out), f"step {at}")
            seen.append(copy.deepcopy(last))
    state = seen[-1]["state"]
    assert state.watch.species
    assert state.watch.n_rewinds + state.n_rewinds >= 2
    assert state.n_failed >= 1
    assert state.calibration["H"].ratios
    assert state.label_steps
    assert state.vasp_history
    assert state.environments["H"].labels
    assert state.path.bonded is not None
    assert seen[-1]["snapshots"]
    assert any(one["state"].watch.gap is not None for one in seen)
    assert any(one["rewound_to"] is not None for one in seen)


def test_a_checkpoint_of_another_prior_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with toy_reference():
        api.run(reactive(tmp_path), out, stop_at(6))
        path = RunDirectory.open(out).checkpoint
        found = load_checkpoint(path)
        arrays = {**found.arrays, "scales": found.arrays["prior_scales"]}
        del arrays["prior_scales"]
        save_checkpoint(path, arrays, found.state, step=6)
        with pytest.raises(StoreError, match=r"go on with the version in run\.json"):
            api.resume(out)


def test_no_two_rewinds_in_a_row_go_to_the_same_frame_and_a_stuck_run_stops(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(seen: Any, state: Any, settings: Any) -> Verdict:
        action = "rewind" if seen.step == 23 else "accept"
        return Verdict(action=action, rule="guard", reason="injected")

    monkeypatch.setitem(RULES, "aofl", (refuse, *RULES["aofl"]))
    with pytest.raises(RunStopped, match=r"step 23 was refused \(injected\) and . rewinds did not"):
        bench.run("stuck")
    out = bench.path / "stuck"
    rewinds = [e for e in read_journal(out / "events.jsonl") if e["event"] == "rewind"]
    steps = [event["to_step"] for event in rewinds]
    assert steps[:2] == [20, 10]
    assert 0 in steps
    assert all(one != other for one, other in pairwise(steps))
    summary = json.loads((out / "summary.json").read_text())
    assert summary["status"] == "failed"
    assert "use a shorter `dynamics.timestep_fs`" in summary["reason"]
