"""Where a refused run goes back to, what is done there, and what its files say afterwards."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from learner_toys import PULL, TARGET, WATER, ToyModel, ToyOracle, label, mode, verdict

from aofl import AdaptiveCalculator
from aofl.config import config_from_mapping
from aofl.errors import RunStopped
from aofl.learning.observation import Observation
from aofl.records import Prediction, Verdict
from aofl.records.events import BondChanged, LabelFailed
from aofl.reference import AseReference
from aofl.simulation.dynamics import make_dynamics, thermostat_state
from aofl.simulation.recorder import Recorder
from aofl.simulation.rewind import rewind
from aofl.simulation.run import SNAPSHOT_EVERY, begin, one_step
from aofl.simulation.run_state import Run
from aofl.store import (
    RunDirectory,
    checkpoint_at,
    iterate_trajectory,
    load_checkpoint,
    read_journal,
    read_table,
)
from aofl.store.checkpoint import previous_checkpoint

AT, BACK = 36, 30  # a step that is refused, and the last frame before it
SPEED = 0.01  # Å/fs along x
GUARD = verdict("rewind", rule="guard", reason="too hot")
CHEMISTRY = verdict("rewind", rule="chemistry", reason="H-O broken")
SURPRISE = verdict("rewind", rule="surprise", reason="far off")


@dataclass(kw_only=True)
class Edged(ToyModel):
    """A force field that knows better beyond an edge along x."""

    edge: float = np.inf
    scales: None = None  # of what a checkpoint asks for
    n_labels_at_refit: int = 0

    def predict(self, atoms: Any, **asked: Any) -> Prediction:
        found = super().predict(atoms, **asked)
        is_beyond = atoms.positions[0, 0] > self.edge
        return replace(found, forces=3.0 * PULL if is_beyond else found.forces)


class Script:
    """A rule that refuses steps as it is told, the first of the list first."""

    def __init__(self) -> None:
        self.refusals: list[tuple[int, Verdict]] = []

    def __call__(self, seen: Observation, state: Any, settings: Any) -> Verdict:
        if self.refusals and self.refusals[0][0] == seen.step:
            return self.refusals.pop(0)[1]
        return verdict("label" if state.n_labels == 0 else "accept")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[Run, Script]]:
    """A run of water that drifts along x; a toy is the force field, files are files."""
    with Recorder.open(RunDirectory(path=tmp_path), 0.3) as files:
        script = Script()
        yield begun(tmp_path, files, script), script


def begun(path: Path, files: Recorder, script: Script) -> Run:
    atoms, directory = WATER.copy(), RunDirectory(path=path)
    atoms.set_velocities(np.tile([SPEED / units.fs, 0.0, 0.0], (3, 1)))
    calculator = AdaptiveCalculator(
        reference=AseReference(None, description={"code": "toy"}),
        force_field=Edged(learned=None),
        on_decision=files.decide,
        on_event=files.tell,
    )
    learner = calculator.learner
    conditions = replace(learner.conditions, mode=mode(script))
    calculator.learner = replace(learner, conditions=conditions, oracle=ToyOracle(label()))
    atoms.calc = calculator
    atoms.get_forces()
    config = config_from_mapping(
        {
            "system": {"structure": "unused.xyz"},
            "learning": {"max_rewinds": 2},
            "dynamics": {
                "name": "nose_hoover", "timestep_fs": 1.0, "temperature_K": 300.0, "steps": 100,
            },
            "output": {"trajectory_every": 1, "checkpoint_every": 7},
        }
    )  # fmt: skip
    dynamics = make_dynamics(config.dynamics, atoms)
    run = Run(
        config=config, directory=directory, files=files, atoms=atoms, calculator=calculator,
        dynamics=dynamics,
    )  # fmt: skip
    begin(run)
    return run


def go(run: Run, until: int) -> None:
    for _ in range(2 * AT):
        if run.step < until:
            one_step(run)
    assert run.step == until


def refused(made: tuple[Run, Script], said: Verdict, at: int = AT, times: int = 1) -> Run:
    """Return a run that went on to a step and was refused there, so many times."""
    run, script = made
    script.refusals = [(at, said)] * times
    for _ in range(times):
        go(run, at - 1)
        one_step(run)
    return run


def kept(run: Run) -> list[int]:
    return [frame.step for frame in run.snapshots]


def labelled(run: Run) -> list[tuple[int, str, str]]:
    """Return step, rule and reason of the labels after the first."""
    lines = [line for line in read_journal(run.directory.ledger) if line["action"] == "label"]
    return [(line["step"], line["rule"], line["reason"]) for line in lines[1:]]


# --- where to --------------------------------------------------------------------------------


def test_a_guard_sends_the_run_to_the_last_frame_which_is_labelled(made: Any) -> None:
    run = refused(made, GUARD)
    assert SNAPSHOT_EVERY == 10
    assert (run.step, run.rewound_to) == (BACK, BACK)
    assert kept(run) == [0, 10, 20]
    assert labelled(run) == [(BACK, "rewind", "trusted frame before: too hot")]
    assert run.calculator.state.n_rewinds == 1


def test_refused_again_it_goes_further_back(made: Any) -> None:
    run = refused(made, GUARD, times=2)
    assert (run.step, kept(run)) == (20, [0, 10])


@pytest.mark.parametrize(("at", "to", "left"), [(35, 30, [0, 10, 20]), (34, 20, [0, 10])])
def test_chemistry_sends_it_five_femtoseconds_back_at_least(
    made: Any, at: int, to: int, left: list[int]
) -> None:
    run = refused(made, CHEMISTRY, at=at)
    assert (run.step, kept(run)) == (to, left)
    assert labelled(run) == [(to, "chemistry", "trusted frame before: H-O broken")]
    assert (run.calculator.state.n_rewinds, run.calculator.state.watch.n_rewinds) == (0, 1)


def test_five_femtoseconds_are_more_steps_where_these_are_shorter(made: Any) -> None:
    run, _ = made
    dynamics = run.config.dynamics.model_copy(update={"timestep_fs": 0.5})
    run.config = run.config.model_copy(update={"dynamics": dynamics})
    assert refused(made, CHEMISTRY, at=39).step == 20


def test_a_surprise_sends_it_to_the_last_frame_that_was_right_and_keeps_it(made: Any) -> None:
    run, _ = made
    go(run, AT - 2)
    run.calculator.force_field.edge = 0.5 * (run.snapshots[1].positions[0, 0] + SPEED * 20)
    run = refused(made, SURPRISE)
    assert (run.step, run.rewound_to) == (10, 10)
    assert kept(run) == [0, 10]  # nobody labels it: a guard may go there again
    assert labelled(run) == []
    assert (run.calculator.state.n_rewinds, run.calculator.state.n_surprises) == (0, 1)


def test_what_is_held_against_a_frame_are_the_forces_that_were_followed_there(made: Any) -> None:
    """Within the threshold, rms over x, y, z, of each atom."""
    run, _ = made
    go(run, AT - 2)
    for excess, frame in zip((1.01, 0.99, 1.01, 1.01), run.snapshots, strict=True):
        frame.results["forces"][:] = excess * TARGET * np.sqrt(3.0) * PULL
    run = refused(made, SURPRISE)
    assert (run.step, kept(run)) == (10, [0, 10])


def test_where_no_frame_was_right_it_goes_back_to_the_first(made: Any) -> None:
    run, _ = made
    go(run, AT - 2)
    run.calculator.force_field.edge = -1.0
    run = refused(made, SURPRISE)
    assert (run.step, kept(run)) == (0, [0])


# --- what is done there ----------------------------------------------------------------------


def test_all_that_moves_is_put_back_and_all_that_was_learned_is_kept(made: Any) -> None:
    run, _ = made
    go(run, BACK + 1)
    frame = run.snapshots[-1]
    run = refused(made, GUARD)
    state = run.calculator.state
    np.testing.assert_array_equal(run.atoms.positions, frame.positions)
    np.testing.assert_array_equal(run.atoms.get_momenta(), frame.momenta)
    np.testing.assert_array_equal(thermostat_state(run.dynamics), frame.thermostat)
    assert run.dynamics.atoms is run.atoms
    assert run.tracker is frame.tracker
    assert (frame.tracker.frame, frame.step) == (30, 30)
    assert (state.path.step, state.path.source) == (BACK, "reference")
    assert (state.n_labels, state.learned_ids) == (2, (40, 41))
    assert len(run.calculator.force_field.labels) == 2


def test_the_energy_goes_on_where_it_was(made: Any) -> None:
    """Less its jumps, it is that of the force field less a constant, also after a rewind."""

    def constant() -> float:
        energy = run.calculator.results["energy"] - run.calculator.state.path.energy_shift
        return energy - 2.0 * float(run.atoms.positions[0, 0])

    run, _ = made
    first = constant()
    for said, jump in ((GUARD, 0.0), (SURPRISE, 0.7)):
        run.calculator.force_field.offset += jump  # as a label that surprised has taught it
        refused(made, said)
        go(run, run.step + 2)
        assert run.calculator.state.path.source == "ff"
        assert constant() == pytest.approx(first)


def test_a_frozen_model_is_not_labelled_for_nothing(made: Any) -> None:
    run, _ = made
    learner = run.calculator.learner
    frozen = replace(learner.conditions, mode=replace(learner.conditions.mode, learns=False))
    run.calculator.learner = replace(learner, conditions=frozen)
    assert refused(made, GUARD).step == BACK
    assert labelled(run) == []


def test_without_a_label_there_the_run_goes_on_from_the_frame(made: Any) -> None:
    run, _ = made
    learner = run.calculator.learner
    run.calculator.learner = replace(learner, oracle=ToyOracle("no convergence"))
    refused(made, GUARD)
    assert (run.step, run.calculator.state.n_failed) == (BACK, 1)
    assert [e["step"] for e in events(run, "label_failed")] == [BACK]
    go(run, AT)


def test_a_driver_with_frames_says_so_before_each_step(made: Any) -> None:
    run, _ = made
    assert run.calculator.can_rewind is False
    one_step(run)
    assert run.calculator.can_rewind is True
    run.snapshots.clear()
    one_step(run)
    assert run.calculator.can_rewind is False


# --- no way back -----------------------------------------------------------------------------


def test_too_many_rewinds_stop_the_run(made: Any) -> None:
    run = refused(made, GUARD, times=2)
    with pytest.raises(RunStopped, match=r"step 36 was refused \(too hot\) and 2 rewinds did not"):
        refused(made, GUARD)
    assert len(events(run, "rewind")) == 2


@pytest.mark.parametrize("said", [CHEMISTRY, SURPRISE], ids=["chemistry", "surprise"])
def test_only_nonsense_counts_as_too_many(made: Any, said: Verdict) -> None:
    run = refused(made, GUARD, times=2)
    run.calculator.state = replace(run.calculator.state, n_rewinds=3)
    with pytest.raises(RunStopped):
        rewind(run, GUARD)
    rewind(run, said)
    assert run.step <= 20


def test_without_a_frame_left_the_run_stops(made: Any) -> None:
    run, script = made
    go(run, AT - 1)
    run.snapshots.clear()
    script.refusals = [(AT, GUARD)]
    with pytest.raises(RunStopped, match=r"step 36 was refused .* and 0 rewinds did not help"):
        one_step(run)


# --- the files -------------------------------------------------------------------------------


def events(run: Run, kind: str) -> list[dict[str, Any]]:
    return [e for e in read_journal(run.directory.events) if e["event"] == kind]


def test_the_files_end_where_the_run_is_and_what_did_happen_is_told_again(
    made: Any, caplog: pytest.LogCaptureFixture
) -> None:
    run, _ = made
    bond = {"change": "broken", "atoms": (0, 1), "elements": ("O", "H")}
    for step in (BACK - 1, BACK + 2):
        go(run, step)
        run.files.tell(BondChanged(step=step, time_fs=float(step), **bond))
        run.files.tell(LabelFailed(step=step, time_fs=float(step), message="no convergence"))
    with caplog.at_level(logging.WARNING, "aofl.simulation.rewind"):
        refused(made, GUARD)
    assert "step 36: too hot; back to step 30" in caplog.text
    assert [e["step"] for e in events(run, "bond")] == [BACK - 1]
    assert [e["step"] for e in events(run, "label_failed")] == [BACK - 1, BACK + 2]
    (told,) = events(run, "rewind")
    assert told == {
        "step": AT, "time_fs": 35.0, "event": "rewind", "reason": "too hot", "to_step": BACK,
    }  # fmt: skip
    assert [int(row["step"]) for row in read_table(run.directory.thermo)][-1] == BACK
    frames: list[Atoms] = list(iterate_trajectory(run.directory.trajectory))
    assert [int(frame.info["step"]) for frame in frames] == list(range(BACK + 1))
    # Decisions were made: the refusal and the label stay in the ledger.
    lines = [(x["step"], x["action"]) for x in read_journal(run.directory.ledger)]
    assert lines == [(0, "label"), (AT, "rewind"), (BACK, "label")]
    go(run, AT)
    assert [int(row["step"]) for row in read_table(run.directory.thermo)] == list(range(AT + 1))


def test_a_kill_after_a_rewind_comes_back_to_the_past_that_was_chosen(made: Any) -> None:
    run, _ = made
    go(run, BACK + 2)
    run.files.tell(LabelFailed(step=32, time_fs=32.0, message="no convergence"))
    offset = run.snapshots[-1].offsets["thermo"]
    refused(made, GUARD)
    path = run.directory.checkpoint
    for found in (load_checkpoint(path), load_checkpoint(previous_checkpoint(path))):
        assert (found.state["step"], found.state["rewound_to"]) == (BACK, BACK)
        assert found.state["instants"][0]["offsets"]["thermo"] == offset
        assert len(found.state["instants"]) == 1 + 3
        told = [event["event"] for event in found.state["events_to_tell"]]
        assert told == ["label_failed", "rewind"]
        assert found.state["learned_ids"] == [40, 41]  # the label there is in it
    assert checkpoint_at(path, 99).state["step"] == BACK  # that of step 35 is gone
