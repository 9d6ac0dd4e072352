"""One step of the learner after another, without ASE: what moves the atoms, and what is told."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from learner_toys import (
    GAP,
    PULL,
    SLOPE,
    TARGET,
    WATER,
    ToyModel,
    ToyOracle,
    counted_judgements,
    frame_at,
    known,
    label,
    mode,
    same,
    says,
    verdict,
    water_at,
)

from aofl import AdaptiveCalculator
from aofl.config.schema import BudgetConfig, GuardsConfig, LearningConfig
from aofl.errors import RunStopped
from aofl.learning.adaptive_calculator import RewindRequested
from aofl.learning.failed_label import MAX_FAILURES
from aofl.learning.learner import Learner
from aofl.learning.learner_state import TRUSTED, LearnerState
from aofl.learning.observe import Conditions
from aofl.learning.oracle import Answer
from aofl.learning.rules.guards import guards
from aofl.learning.rules.policy import Mode, mode_of
from aofl.learning.step_result import Moved, Refused, Told, Unlabelled
from aofl.learning.update import fresh_state
from aofl.records.events import Drifting, LabelFailed, SpotChecked, Uncertain
from aofl.records.rule_names import RANDOM_AUDIT as RANDOM
from aofl.reference import AseReference
from aofl.schedule import Schedule
from aofl.simulation.snapshot import capture, put_back

SETTINGS = LearningConfig(audit_probability=0.0)
ACCEPT, LABEL = verdict("accept"), verdict("label")
DOUBT = verdict("rewind", is_doubt=True)
FAR = 3.0  # eV/Å: ten thresholds


def learner(oracle: ToyOracle | None = None, how: Mode | None = None, **changes: Any) -> Learner:
    """Return a learner that accepts every step, with 2 fs between them."""
    goes_on = changes.pop("goes_on", True)
    given = {"mode": how or mode(says(ACCEPT)), "settings": SETTINGS, "timestep_fs": 2.0}
    conditions = Conditions(**{**given, **changes})
    return Learner(conditions=conditions, oracle=oracle or ToyOracle(label()), goes_on=goes_on)


def moved(came: Any) -> Moved:
    assert isinstance(came, Moved)
    return came


def refused(came: Any) -> Refused:
    assert isinstance(came, Refused)
    return came


def at_look(state: LearnerState) -> LearnerState:
    """Return the state with the look at the deviations that the step itself made taken away."""
    return replace(state, path=replace(state.path, error=0.0, limit=TARGET))


# --- accepted --------------------------------------------------------------------------------


def test_an_accepted_step_moves_on_the_forces_of_the_model_and_nothing_is_told() -> None:
    oracle, model, state = ToyOracle(label()), ToyModel(pull=0.7), known()
    came = moved(learner(oracle).step(frame_at(0.02), model, state))
    assert came.forces.energy == pytest.approx(SLOPE * 0.02 - 10.0)
    np.testing.assert_array_equal(came.forces.forces, 0.7 * PULL)
    assert (came.verdict.action, came.outcome, came.told) == ("accept", None, Told())
    assert oracle.questions == []
    assert model.labels == []
    path = came.state.path
    assert (path.step, path.source) == (100, "ff")
    np.testing.assert_array_equal(path.previous_positions, water_at(0.02).positions)
    assert path.energy_shift == came.state.energy_shift == -2.0
    expected = replace(state, path=replace(path, error=0.01, limit=TARGET))
    assert same(came.state, expected)  # nothing else has changed


def test_the_positions_that_are_remembered_are_a_copy() -> None:
    frame = frame_at(0.02)
    came = moved(learner().step(frame, ToyModel(), known()))
    frame.structure.positions[:] = 9.0
    np.testing.assert_array_equal(came.state.path.previous_positions, water_at(0.02).positions)


def test_a_skipped_call_is_counted_and_written_and_the_model_goes_on() -> None:
    oracle = ToyOracle(label())
    how = mode(says(verdict("skip", rule="similarity", value=0.4, threshold=TARGET)))
    came = moved(learner(oracle, how).step(frame_at(), ToyModel(pull=0.7), known(n_skips=4)))
    assert came.state.n_skips == 5
    (line,) = came.told.lines
    assert (line.step, line.time_fs, line.action, line.rule) == (100, 200.0, "skip", "similarity")
    assert (line.value, line.threshold, line.label_id) == (0.4, TARGET, None)
    assert line.predicted_error == pytest.approx(0.01)
    assert came.told.events == ()
    np.testing.assert_array_equal(came.forces.forces, 0.7 * PULL)
    assert oracle.questions == []


def test_a_change_that_nobody_asks_about_is_past() -> None:
    how = mode(says(ACCEPT), watches_bonds=True)
    came = moved(learner(how=how).step(frame_at(), ToyModel(), known()))
    assert len(came.state.path.bonded) == 2
    assert came.state.watch.species == ()  # that takes a label
    how = mode(says(verdict("rewind")), watches_bonds=True)
    stays = refused(learner(how=how).step(frame_at(), ToyModel(), known()))
    assert stays.state.path.bonded is None


# --- labelled --------------------------------------------------------------------------------


def test_the_first_label_is_where_energy_and_knowledge_begin() -> None:
    oracle, model = ToyOracle(label(energy=-7.0, pull=0.5)), ToyModel(learned=None)
    state = fresh_state(TARGET, model)
    how = mode_of("cofl", SETTINGS)
    came = moved(learner(oracle, how).step(frame_at(), model, state))
    assert came.forces.energy == -7.0
    np.testing.assert_array_equal(came.forces.forces, 0.5 * PULL)
    np.testing.assert_array_equal(came.forces.stress, np.zeros(6))
    np.testing.assert_array_equal(came.forces.energies, np.full(3, -7.0 / 3))
    (line,) = came.told.lines
    assert (line.step, line.rule, line.label_id) == (0, "initial", 40)
    assert line.predicted_error is None
    assert line.inside_90 == {}
    assert came.state.n_labels == came.state.n_asked == 1
    assert came.state.learned_ids == (40,)
    assert (came.state.path.step, came.state.path.source) == (0, "reference")
    assert came.state.path.energy_shift == 0.0
    assert came.state.energy_shift == pytest.approx(-10.0 + GAP + 7.0)
    assert len(model.labels) == 1
    assert model.level == "toy"


def test_a_label_tests_the_model_then_teaches_it_and_the_atoms_go_on_with_it() -> None:
    oracle = ToyOracle(label(energy=-3.0, pull=0.6, seconds=2.5))
    model, state = ToyModel(pull=0.2), known(reference_seconds=1.0, failures=1)
    how = mode(says(verdict("label", rule="uncertainty", atom=1, element="H")))
    came = moved(learner(oracle, how).step(frame_at(0.03), model, state))
    np.testing.assert_array_equal(came.forces.forces, 0.6 * PULL)
    (line,) = came.told.lines
    assert (line.step, line.time_fs, line.action) == (100, 200.0, "label")
    assert (line.rule, line.reason, line.atom, line.element, line.label_id) == (
        "uncertainty", "the test says so", 1, "H", 40,
    )  # fmt: skip
    assert line.seconds["reference"] == 2.5
    assert line.seconds["update"] > 0.0
    assert line.predicted_error == pytest.approx(0.01)  # of before
    assert line.true_error == came.outcome.largest == pytest.approx(0.4 / np.sqrt(3))
    assert line.errors["O"].max == pytest.approx(0.4)
    assert line.errors["H"].n == 6
    assert line.inside_90 == {"H": (5, 6), "O": (2, 3)}
    assert line.energy_jump_eV == pytest.approx(GAP)
    assert line.reactive is False
    assert came.told.events == ()
    now = came.state
    assert (now.n_labels, now.n_asked, now.failures) == (21, 21, 0)
    assert (now.last_label_step, now.last_doubt_step, now.label_steps) == (100, 100, (100,))
    assert now.reference_seconds == 3.5
    assert now.learned_ids == (*range(20), 40)
    assert now.environments["O"].labels == (40,)
    assert now.calibration["O"].ratios[-1] > 1.0
    assert now.calibration["O"].reached == pytest.approx((0.01,))
    assert model.labels == [oracle.said[0]]
    assert model.calls == [True, True]  # the second of the model that has learned


@pytest.mark.parametrize(("n_labels", "is_trusted"), [(TRUSTED - 1, False), (TRUSTED, True)])
def test_what_the_oracle_is_asked(n_labels: int, is_trusted: bool) -> None:
    oracle, frame = ToyOracle(label()), frame_at(0.01)
    how = mode(says(verdict("label", rule="chemistry")))
    learner(oracle, how).step(frame, ToyModel(pull=0.2, std=0.05), known(n_labels=n_labels))
    (question,) = oracle.questions
    assert question.frame is frame
    assert question.provenance == {"step": 100, "time_fs": 200.0, "rule": "chemistry"}
    np.testing.assert_array_equal(question.prediction.forces, 0.2 * PULL)
    assert (question.expected_errors is not None) is is_trusted
    if is_trusted:  # a young force field doubts no label
        np.testing.assert_allclose(question.expected_errors, 0.05)


def test_a_label_that_was_learned_is_not_learned_again() -> None:
    """A structure that the data set knows is handed out under its old number."""
    oracle, model = ToyOracle(label(pull=0.1), first_id=7), ToyModel()
    came = moved(learner(oracle, mode(says(LABEL))).step(frame_at(), model, known()))
    assert model.labels == []
    assert came.state.n_labels == 20
    assert came.state.n_asked == 21  # it was asked for, and paid for
    assert came.state.learned_ids == tuple(range(20))
    (line,) = came.told.lines
    assert (line.label_id, line.energy_jump_eV, line.seconds["update"]) == (7, 0.0, 0.0)
    np.testing.assert_array_equal(came.forces.forces, 0.1 * PULL)


def test_a_frozen_model_is_not_taught() -> None:
    oracle, model = ToyOracle(label(pull=0.1)), ToyModel()
    how = mode(says(verdict("label", rule=RANDOM)), learns=False)
    came = moved(learner(oracle, how).step(frame_at(), model, known()))
    assert model.labels == []
    assert model.level is None
    assert (came.state.n_labels, came.state.n_audits) == (20, 1)
    np.testing.assert_array_equal(came.forces.forces, 0.1 * PULL)


@pytest.mark.parametrize(("rule", "n_learned"), [(RANDOM, 0), ("audit", 1), ("vasp_like", 1)])
def test_the_random_audits_of_a_rival_only_measure_it(rule: str, n_learned: int) -> None:
    how = mode(says(verdict("label", rule=rule)), learns_random_audits=False)
    oracle, model = ToyOracle(label()), ToyModel()
    came = moved(learner(oracle, how).step(frame_at(), model, known()))
    assert len(model.labels) == n_learned
    assert came.state.n_asked == 21
    assert came.told.lines[0].errors is not None


def test_a_label_names_the_molecules_where_bonds_are_watched() -> None:
    state = known()
    looked = moved(
        learner(how=mode(says(ACCEPT), watches_bonds=True)).step(frame_at(), ToyModel(), state)
    ).state
    assert looked.watch.species == ()
    for watches, names in ((True, ["H2O"]), (False, [])):
        how = mode(says(LABEL), watches_bonds=watches)
        came = moved(learner(ToyOracle(label()), how).step(frame_at(), ToyModel(), looked))
        assert [key.partition(":")[0] for key in came.state.watch.species] == names


def test_what_the_oracle_has_to_tell_is_told() -> None:
    event = SpotChecked(step=100, time_fs=200.0, rule="toy", difference_eV_per_A=1e-4)
    oracle = ToyOracle(Answer(label=label(), label_id=40, events=(event,)))
    came = moved(learner(oracle, mode(says(LABEL))).step(frame_at(), ToyModel(), known()))
    assert came.told.events == (event,)


def test_an_alarm_is_told_once_when_it_begins() -> None:
    how, state = mode(says(verdict("label", rule="audit"))), known(audit_surprises=(True,) * 5)
    oracle = ToyOracle(label(pull=0.5))
    first = moved(learner(oracle, how).step(frame_at(), ToyModel(), state))
    (event,) = first.told.events
    assert isinstance(event, Drifting)
    assert (event.step, event.time_fs) == (100, 200.0)
    second = moved(learner(oracle, how).step(frame_at(), ToyModel(), first.state))
    assert second.state.is_drifting
    assert second.told.events == ()


# --- doubt -----------------------------------------------------------------------------------


def test_a_doubted_step_is_cleared_by_a_label_that_breaks_no_guard() -> None:
    oracle, state = ToyOracle(label(pull=1.0)), known({"source": "reference"})
    came = moved(learner(oracle, mode(says(DOUBT))).step(frame_at(), ToyModel(), state))
    np.testing.assert_array_equal(came.forces.forces, PULL)
    (line,) = came.told.lines
    assert (line.action, line.rule, line.is_doubt) == ("label", "toy", True)
    assert came.state.n_rewinds == 0


def test_a_doubted_step_whose_label_breaks_a_guard_is_refused_and_the_label_is_known() -> None:
    settings = LearningConfig(guards=GuardsConfig(max_force_eV_per_A=2.0))
    oracle, state = ToyOracle(label(pull=2.1)), known({"source": "reference"})
    how = mode(says(DOUBT))
    came = refused(learner(oracle, how, settings=settings).step(frame_at(0.1), ToyModel(), state))
    assert (came.verdict.action, came.verdict.rule, came.failure) == ("rewind", "toy", None)
    assert [(line.action, line.step) for line in came.told.lines] == [
        ("label", 100), ("rewind", 100),
    ]  # fmt: skip
    assert (came.state.n_rewinds, came.state.refused_at) == (1, 100)
    assert (came.state.n_labels, came.state.learned_ids[-1]) == (21, 40)
    assert same(at_look(came.state).path, at_look(state).path)


def test_without_doubt_the_forces_of_a_label_are_taken_as_they_are() -> None:
    settings = LearningConfig(guards=GuardsConfig(max_force_eV_per_A=2.0))
    oracle, how = ToyOracle(label(pull=2.1)), mode(says(LABEL))
    came = learner(oracle, how, settings=settings).step(frame_at(0.1), ToyModel(), known())
    np.testing.assert_array_equal(moved(came).forces.forces, 2.1 * PULL)


@pytest.mark.parametrize(("source", "learns"), [("ff", True), ("reference", False)])
def test_a_doubted_step_is_refused_at_once_unless_a_label_led_there(
    source: str, learns: bool
) -> None:
    oracle, state = ToyOracle(label()), known({"source": source})
    how = mode(says(DOUBT), learns=learns)
    came = refused(learner(oracle, how).step(frame_at(), ToyModel(), state))
    assert oracle.questions == []
    (line,) = came.told.lines
    assert (line.action, line.step) == ("rewind", 100)


def test_a_doubted_step_without_a_label_is_refused() -> None:
    oracle, state = ToyOracle("no convergence"), known({"source": "reference"})
    came = refused(learner(oracle, mode(says(DOUBT))).step(frame_at(), ToyModel(), state))
    assert came.verdict.action == "rewind"
    assert came.failure is None  # the run goes on
    (event,) = came.told.events
    assert isinstance(event, LabelFailed)
    assert [line.action for line in came.told.lines] == ["rewind"]
    assert (came.state.n_rewinds, came.state.n_failed, came.state.hold_until) == (1, 1, 110)
    assert same(at_look(came.state).path, at_look(state).path)


# --- no label --------------------------------------------------------------------------------


def test_without_a_label_the_model_goes_on_alone() -> None:
    oracle, model = ToyOracle("no convergence"), ToyModel(pull=0.7)
    came = moved(learner(oracle, mode(says(LABEL))).step(frame_at(), model, known()))
    np.testing.assert_array_equal(came.forces.forces, 0.7 * PULL)
    assert came.told.lines == ()
    assert came.told.events == (LabelFailed(step=100, time_fs=200.0, message="no convergence"),)
    now = came.state
    assert (now.path.step, now.path.source, now.hold_until) == (100, "ff", 110)
    assert (now.n_failed, now.failures, now.n_asked, now.n_labels) == (1, 1, 20, 20)


@pytest.mark.parametrize(
    ("learned", "goes_on", "why"),
    [
        (None, True, "nothing can replace it"),
        (None, False, "nothing can replace it"),
        ("something", False, "`labels.on_failure` is stop"),
    ],
)
def test_a_label_that_nothing_can_replace_stops_with_a_sentence(
    learned: object, goes_on: bool, why: str
) -> None:
    oracle, state = ToyOracle("no convergence"), known()
    asking = learner(oracle, mode(says(LABEL)), goes_on=goes_on)
    came = refused(asking.step(frame_at(), ToyModel(learned=learned), state))
    assert came.verdict.action == "stop"
    assert came.verdict.reason == f"no label at step 100 and {why}: no convergence"
    assert str(came.failure) == "no convergence"
    assert came.told == Told()
    assert same(at_look(came.state), at_look(state))


def test_after_each_failure_in_a_row_the_guards_alone_watch_for_twice_as_long() -> None:
    oracle, watched = ToyOracle("no convergence"), []

    def guard(seen: Any, state: Any, settings: Any) -> Any:
        watched.append(seen.step)
        return ACCEPT

    asking, state, told = learner(oracle, mode(guard, says(LABEL))), known(), Told()
    for _ in range(1000):
        came = asking.step(frame_at(), ToyModel(), state)
        if isinstance(came, Refused):
            break
        state, told = came.state, told + came.told
    failed = [question.step for question in oracle.questions]
    assert list(np.diff(failed)) == [10, 20, 40, 80, 80, 80, 80, 80, 80]
    assert len(failed) == MAX_FAILURES == 10
    assert watched == list(range(100, failed[-1] + 1))
    assert [event.step for event in told.events] == failed[:-1]
    assert (came.verdict.action, str(came.failure)) == ("stop", "no convergence")
    assert came.verdict.reason == (
        f"the reference failed 10 times in a row, last at step {failed[-1]}: no convergence"
    )
    assert [event.step for event in came.told.events] == [failed[-1]]
    assert came.state.n_failed == 10


def test_a_guard_refuses_also_while_labels_fail() -> None:
    how = mode(says(verdict("rewind", rule="guard")), says(LABEL))
    came = refused(learner(how=how).step(frame_at(), ToyModel(), known(hold_until=110)))
    assert came.verdict.rule == "guard"


def test_a_label_ends_a_row_of_failures() -> None:
    oracle, how = (
        ToyOracle("no convergence", label(), "no convergence"),
        mode(says(ACCEPT), says(LABEL)),
    )
    asking, state = learner(oracle, how), known()
    for _ in range(12):
        state = moved(asking.step(frame_at(), ToyModel(), state)).state
    assert [question.step for question in oracle.questions] == [100, 110, 111]
    assert (state.failures, state.n_failed, state.hold_until) == (1, 2, 121)


def test_a_spent_budget_stops_the_run() -> None:
    settings = LearningConfig(budget=BudgetConfig(max_labels=20))
    oracle, state = ToyOracle(label()), known()
    asking = learner(oracle, mode(says(LABEL)), settings=settings)
    came = refused(asking.step(frame_at(), ToyModel(), state))
    assert (came.verdict.action, came.verdict.rule, came.failure) == ("stop", "budget", None)
    assert oracle.questions == []
    (line,) = came.told.lines
    assert (line.action, line.rule, line.value, line.threshold) == ("stop", "budget", 20.0, 20.0)
    assert same(at_look(came.state), at_look(state))  # no rewind is counted


# --- surprise --------------------------------------------------------------------------------


def surprised(**changes: Any) -> tuple[LearnerState, Any]:
    """Return a state, and what came of a label that is far off the prediction in it."""
    given = {"undoes_surprises": True, "can_rewind": True, "n_labels": TRUSTED, **changes}
    how = mode(says(LABEL), undoes_surprises=given["undoes_surprises"])
    oracle, state = ToyOracle(label(pull=FAR)), known(n_labels=given["n_labels"])
    frame = frame_at(0.1, can_rewind=given["can_rewind"])
    return state, learner(oracle, how).step(frame, ToyModel(), state)


def test_a_label_that_is_far_off_undoes_the_step_and_is_learned() -> None:
    state, came = surprised()
    stays = refused(came)
    assert (stays.verdict.action, stays.verdict.rule) == ("rewind", "surprise")
    assert [(line.action, line.rule) for line in stays.told.lines] == [
        ("label", "toy"), ("rewind", "surprise"),
    ]  # fmt: skip
    assert stays.told.lines[1].value == pytest.approx(FAR / np.sqrt(3))
    now = stays.state
    assert (now.n_surprises, now.surprised_at, now.n_rewinds) == (1, 100, 0)
    assert (now.n_labels, now.learned_ids[-1]) == (TRUSTED + 1, 40)  # what was learned is kept
    assert now.energy_shift != state.energy_shift
    assert same(at_look(now).path, at_look(state).path)  # and the path is put back


@pytest.mark.parametrize(
    "changes",
    [{"undoes_surprises": False}, {"can_rewind": False}, {"n_labels": TRUSTED - 1}],
    ids=str,
)
def test_otherwise_the_run_goes_on_from_the_label(changes: dict[str, Any]) -> None:
    came = moved(surprised(**changes)[1])
    np.testing.assert_array_equal(came.forces.forces, FAR * PULL)
    assert came.state.n_surprises == 0


# --- a label after a rewind ------------------------------------------------------------------


def test_a_label_after_a_rewind_is_that_of_the_step_that_was_gone_back_to() -> None:
    oracle, model = ToyOracle(label(energy=-3.0, pull=0.4)), ToyModel()
    state, frame = known(), frame_at()
    asking = learner(oracle, mode(says(ACCEPT), watches_bonds=True))
    came = moved(asking.label(frame, model, state, verdict("label", rule="rewind"), -9.0))
    (line,) = came.told.lines
    assert (line.step, line.time_fs, line.rule, line.label_id) == (99, 198.0, "rewind", 40)
    assert oracle.questions[0].step == 99
    assert (came.state.path.step, came.state.path.source) == (99, "reference")
    assert came.state.watch.species  # the molecules were named
    np.testing.assert_array_equal(came.forces.forces, 0.4 * PULL)
    # As it was accepted, without its jumps, the energy was -9 + 2; it goes on from there.
    assert came.forces.energy - came.state.path.energy_shift == pytest.approx(-7.0)
    now = model.predict(frame.structure).energy
    assert now - came.state.energy_shift == pytest.approx(-7.0)


def test_without_a_label_after_a_rewind_the_step_stays_as_it_was() -> None:
    oracle, state = ToyOracle("no convergence"), known({"source": "reference"})
    came = learner(oracle).label(frame_at(), ToyModel(), state, LABEL, -9.0)
    assert isinstance(came, Unlabelled)
    assert same(at_look(came.state).path, at_look(state).path)
    assert came.told.events == (LabelFailed(step=99, time_fs=198.0, message="no convergence"),)
    assert (came.state.failures, came.state.hold_until) == (1, 109)
    stops = learner(oracle, goes_on=False).label(frame_at(), ToyModel(), state, LABEL, -9.0)
    assert refused(stops).verdict.reason.startswith("no label at step 99 and `labels.on_failure`")


# --- the reference alone ---------------------------------------------------------------------


def test_in_aimd_every_step_is_the_reference_s() -> None:
    event = SpotChecked(step=100, time_fs=200.0, rule="aimd", difference_eV_per_A=1e-4)
    said = label(energy=-4.0, pull=100.0)  # whatever it says
    oracle = ToyOracle(Answer(label=said, label_id=40, events=(event,)))
    came = moved(learner(oracle, mode_of("aimd", SETTINGS)).step(frame_at(0.1), None, known()))
    assert came.forces.energy == -4.0
    np.testing.assert_array_equal(came.forces.forces, 100.0 * PULL)
    (line,) = came.told.lines
    assert (line.step, line.time_fs, line.rule, line.label_id) == (100, 200.0, "aimd", 40)
    assert line.seconds == {"reference": 2.0, "update": 0.0}
    assert came.told.events == (event,)
    path = came.state.path
    assert (path.step, path.source, path.energy_shift) == (100, "reference", 0.0)
    np.testing.assert_array_equal(path.previous_positions, water_at(0.1).positions)
    assert (came.state.n_asked, came.state.last_label_step) == (21, 100)
    assert oracle.questions[0].provenance == {"step": 100, "time_fs": 200.0, "rule": "aimd"}


def test_in_aimd_nothing_can_replace_a_label() -> None:
    state, oracle = known(), ToyOracle("no convergence")
    came = refused(learner(oracle, mode_of("aimd", SETTINGS)).step(frame_at(), None, state))
    sentence = "no label at step 100 and nothing can replace it: no convergence"
    assert (came.verdict.action, came.verdict.reason) == ("stop", sentence)
    assert str(came.failure) == "no convergence"
    assert same(came.state, state)


# --- what a step costs and leaves alone ------------------------------------------------------


CASES = {
    "accept": (ACCEPT, {}),
    "skip": (verdict("skip"), {}),
    "label": (LABEL, {}),
    "label of a step without a look": (LABEL, {"step": 100}),
    "refused": (verdict("rewind"), {}),
    "doubted": (DOUBT, {"source": "reference"}),
    "far off": (LABEL, {"step": 101}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_step_judges_once_and_predicts_no_more_than_it_must(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, path = CASES[name]
    n_looks = {"label of a step without a look": [False, True], "far off": [False, True]}
    model, state = ToyModel(), known(path)
    how = mode(says(said), undoes_surprises=True, watches_bonds=True)
    oracle = ToyOracle(label(pull=FAR if name == "far off" else 0.1))
    with counted_judgements(monkeypatch) as judgements:
        came = learner(oracle, how).step(frame_at(can_rewind=True), model, state)
    assert len(judgements) == 1
    after = [True] if "label" in [line.action for line in came.told.lines] else []
    assert model.calls == n_looks.get(name, [True]) + after


def test_a_step_without_a_look_costs_one_cheap_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ToyModel()
    with counted_judgements(monkeypatch) as judgements:
        learner().step(frame_at(), model, known({"step": 100}))
    assert (judgements, model.calls) == ([], [False])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("said", [label(pull=0.1), label(pull=FAR), "no convergence"], ids=str)
def test_what_a_step_is_given_it_leaves_as_it_was(name: str, said: Any) -> None:
    decided, path = CASES[name]
    how = mode(says(decided), undoes_surprises=True, watches_bonds=True)
    state, frame = known(path), frame_at(can_rewind=True)
    before = copy.deepcopy((state, frame))
    learner(ToyOracle(said), how).step(frame, ToyModel(), state)
    assert same((state, frame), before)


def test_the_forces_of_a_label_are_a_copy() -> None:
    said = replace(label(pull=0.1), stress=np.arange(6.0))
    came = moved(learner(ToyOracle(said), mode(says(LABEL))).step(frame_at(), ToyModel(), known()))
    np.testing.assert_array_equal(came.forces.stress, np.arange(6.0))
    came.forces.forces[:] = came.forces.stress[:] = 9.0
    np.testing.assert_array_equal(said.forces, 0.1 * PULL)
    np.testing.assert_array_equal(said.stress, np.arange(6.0))


def test_a_frozen_model_tells_where_it_becomes_unsure_once_for_each_time() -> None:
    how, model = mode(says(ACCEPT), learns=False, looks_at_every_step=True), ToyModel()
    state, told = known(), []
    for std in (0.01, 0.4, 0.5, 0.01, 0.4):
        model.std = std
        came = moved(learner(how=how).step(frame_at(), model, state))
        state = came.state
        told.extend(came.told.events)
    assert told == [
        Uncertain(step=101, time_fs=202.0, value=pytest.approx(0.4), threshold=TARGET),
        Uncertain(step=104, time_fs=208.0, value=pytest.approx(0.4), threshold=TARGET),
    ]


def test_what_a_frozen_model_is_unsure_of_is_told_also_where_the_step_is_labelled() -> None:
    """The step itself was not looked at: the label's own look finds it."""
    how = mode(says(verdict("label", rule=RANDOM)), learns=False)
    model = ToyModel(std=0.4)
    came = moved(learner(how=how).step(frame_at(), model, known({"step": 100})))
    assert [type(event) for event in came.told.events] == [Uncertain]
    assert came.told.lines[0].predicted_error == pytest.approx(0.4)


# --- the energy without its jumps ------------------------------------------------------------


class Track:
    """Water that moves along x under a calculator, a hundredth of an Å a step."""

    def __init__(self, *said: Any, how: Mode, learned: object | None = None) -> None:
        self.model = ToyModel(learned=learned)
        reference = AseReference(None, description={"code": "toy"})
        self.calculator = AdaptiveCalculator(reference=reference, force_field=self.model)
        plain = self.calculator.learner
        conditions = replace(plain.conditions, mode=how, settings=SETTINGS)
        self.calculator.learner = replace(plain, conditions=conditions, oracle=ToyOracle(*said))
        self.atoms = WATER.copy()
        self.energies: list[float] = []

    def go(self, *steps: int) -> None:
        for step in steps:
            self.atoms = water_at(0.01 * step)
            self.calculator.calculate(self.atoms)
            assert self.calculator.state.path.step == step
            self.note(step)

    def note(self, step: int) -> None:
        """Note the energy less its jumps, and less what the slope makes of the way so far."""
        energy = self.calculator.results["energy"] - self.calculator.state.path.energy_shift
        self.energies.append(energy - SLOPE * 0.01 * step)

    def snapshot(self) -> Any:
        return capture(self.atoms, self.calculator, np.empty(0), None, {})

    def back_to(self, snapshot: Any) -> None:
        self.atoms = water_at(0.01 * snapshot.step)
        self.atoms.calc = self.calculator
        put_back(snapshot, self.atoms, self.calculator)

    def ends_where_it_began(self, energy: float) -> None:
        assert self.energies == pytest.approx([energy] * len(self.energies))


def at(**verdicts: Any) -> Any:
    """Return a rule with a verdict for some steps, such as s3=LABEL; else it accepts."""
    by_step = {int(name[1:]): said for name, said in verdicts.items()}

    def rule(seen: Any, state: Any, settings: Any) -> Any:
        return by_step.get(seen.step, ACCEPT)

    return rule


def test_the_energy_less_its_jumps_goes_on_over_labels_and_updates() -> None:
    said = [label(energy=e) for e in (-7.0, -4.0, 5.0)]
    track = Track(*said, how=mode(at(s0=LABEL, s2=LABEL, s3=LABEL)))
    track.go(0, 1, 2, 3, 4, 5)
    track.ends_where_it_began(-7.0)  # with the first label
    assert track.model.offset == pytest.approx(-10.0 + 3 * GAP)


def test_the_energy_less_its_jumps_goes_on_over_audits_of_a_frozen_model() -> None:
    said = [label(energy=e) for e in (-7.0, -4.0, 5.0)]
    how = mode(at(s0=LABEL, s2=LABEL, s3=LABEL), learns=False)
    track = Track(*said, how=how, learned="something")
    track.go(0, 1, 2, 3, 4)
    track.ends_where_it_began(-10.0)  # with the force field


def test_the_energy_less_its_jumps_goes_on_where_the_first_label_comes_late() -> None:
    """The force field was learned elsewhere, and the first label of this run failed."""
    track = Track(
        "no label", label(energy=-7.0), how=mode(says(ACCEPT), says(LABEL)), learned="something"
    )
    track.go(*range(14))
    assert track.calculator.state.n_labels == 4
    track.ends_where_it_began(-10.0)


def test_the_energy_less_its_jumps_goes_on_after_a_surprise() -> None:
    """Back at a frame that nobody labels the force field knows better: another jump."""
    said = [label(energy=-7.0), label(energy=-4.0), label(energy=5.0, pull=FAR)]
    how = mode(at(s0=LABEL, s2=LABEL, s6=LABEL), undoes_surprises=True)
    track = Track(*said, how=how)
    track.go(0, 1, 2)
    labelled = track.snapshot()
    track.go(3, 4)
    predicted = track.snapshot()
    track.go(5)
    state = track.calculator.state
    track.calculator.state = replace(state, n_labels=TRUSTED)
    track.calculator.can_rewind = True
    with pytest.raises(RewindRequested, match="surprise"):
        track.go(6)
    for frame in (predicted, labelled):
        track.back_to(frame)
        track.calculator.join_energy(track.atoms)
        assert track.calculator.state.energy_shift != 0.0
        track.note(frame.step)
        track.go(*range(frame.step + 1, 6))
    track.ends_where_it_began(-7.0)


def test_the_energy_less_its_jumps_goes_on_after_a_rewind_with_a_label() -> None:
    said = [label(energy=e) for e in (-7.0, -4.0, 5.0, 6.0)]
    how = mode(at(s0=LABEL, s2=LABEL, s4=verdict("rewind")))
    track = Track(*said, how=how)
    track.go(0, 1, 2)
    labelled = track.snapshot()
    track.go(3)
    predicted = track.snapshot()
    for frame in (predicted, labelled):
        with pytest.raises(RewindRequested):
            track.go(4)
        track.back_to(frame)
        track.calculator.label_here(track.atoms, verdict("label", rule="rewind"))
        track.note(frame.step)
        track.go(*range(frame.step + 1, 4))
    track.ends_where_it_began(-7.0)


# --- the face --------------------------------------------------------------------------------


def test_the_calculator_raises_what_a_refusal_says() -> None:
    """A rewind with its verdict; a stop as a sentence, with the value or the failure behind it."""
    stop = verdict("stop", reason="far from home", value=0.51234, unit="eV/Å")
    for refusal, kind, words in (
        (verdict("rewind", atom=1, element="H"), RewindRequested, r"rule toy: .* \(H 1\)"),
        (stop, RunStopped, r"^step 0: far from home \(0\.512 eV/Å\)$"),
        (replace(stop, value=None), RunStopped, r"^step 0: far from home$"),
        (LABEL, RunStopped, r"^no label at step 0 and nothing can replace it: no SCF$"),
    ):
        track = Track("no SCF", how=mode(says(refusal)))
        with pytest.raises(kind, match=words) as raised:
            track.go(0)
        assert type(raised.value) is kind
        has_failed = refusal.action == "label"
        assert (raised.value.__cause__ is not None) is has_failed
        assert track.calculator.state.path.step == -1


def test_a_guard_of_the_real_rules_sees_what_the_driver_hands_over() -> None:
    """Temperature, positions of before, target: all of the frame and the conditions arrive."""
    asking = learner(how=mode(guards), target_temperature=Schedule.constant(500.0))
    for frame, words in (
        (frame_at(temperature=2600.0), "too hot"),
        (frame_at(0.31), "moved too far"),
    ):
        assert words in refused(asking.step(frame, ToyModel(), known())).verdict.reason
    assert moved(asking.step(frame_at(0.29, temperature=2400.0), ToyModel(), known()))
