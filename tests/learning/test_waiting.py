"""Labels that the run does not wait for: when they are learned, and what they say then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from learner_toys import GAP, PULL, SLOPE, ToyModel, ToyOracle, frame_at, known, label, mode, says
from learner_toys import verdict as said

from aofl.config.schema import BudgetConfig, LearningConfig
from aofl.learning.failed_label import MAX_FAILURES
from aofl.learning.late_answers import n_due
from aofl.learning.learner import Learner
from aofl.learning.learner_state import TRUSTED, LearnerState
from aofl.learning.observe import Conditions
from aofl.learning.reaction_watch import ReactionWatch
from aofl.learning.rules.audit import audit
from aofl.learning.rules.budget import within_budget
from aofl.learning.rules.policy import Rule
from aofl.learning.step_result import Moved, Refused
from aofl.records.events import LabelFailed
from aofl.records.rule_names import AUDIT, CHEMISTRY, RANDOM_AUDIT, UNCERTAINTY

ACCEPT = said("accept")
AUDITED = said("label", rule=AUDIT)
FOLLOWED = said("label", rule=CHEMISTRY, is_follow_up=True, atom=1)
DOUBTED = said("label", rule=UNCERTAINTY)
SETTINGS = LearningConfig(audit_probability=0.0)


def learner(oracle: ToyOracle, *rules: Rule, n: int = 1, **changes: Any) -> Learner:
    conditions = Conditions(mode=mode(*rules), settings=SETTINGS, timestep_fs=2.0)
    return Learner(conditions=conditions, oracle=oracle, n_background=n, **changes)


def walked(one: Learner, model: ToyModel, n: int, state: LearnerState | None = None) -> list[Moved]:
    """Return what came of n steps along x."""
    found, state = [], state or known()
    for k in range(n):
        came = one.step(frame_at(0.01 * k), model, state)
        assert isinstance(came, Moved)
        found.append(came)
        state = came.state
    return found


@pytest.mark.parametrize(
    ("n_waiting", "n", "is_labelled", "due"),
    [
        (0, 1, False, 0), (1, 1, False, 0), (2, 1, False, 1), (3, 1, False, 2),
        (2, 4, True, 2), (1, 0, False, 1),
    ],
)  # fmt: skip
def test_the_oldest_are_due_when_too_many_are_out_or_the_run_waits_anyway(
    n_waiting: int, n: int, is_labelled: bool, due: int
) -> None:
    assert n_due(n_waiting, n, is_labelled=is_labelled) == due


def test_an_audit_is_sent_and_the_atoms_go_on_with_the_force_field() -> None:
    oracle, model = ToyOracle(label()), ToyModel(pull=0.7)
    (came,) = walked(learner(oracle, says(AUDITED)), model, 1)
    assert [q.step for q in oracle.sent] == [100]
    assert oracle.questions == []
    np.testing.assert_array_equal(came.forces.forces, 0.7 * PULL)
    assert came.state.path.source == "ff"
    assert (came.told.lines, came.outcome, model.labels) == ((), None, [])
    assert [w.seen.step for w in came.state.waiting] == [100]


def test_a_second_audit_waits_for_the_first_and_tests_what_was_predicted_then() -> None:
    oracle = ToyOracle(label(pull=0.5))
    model = ToyModel(pull=0.7)
    rules = says(AUDITED, ACCEPT, AUDITED, ACCEPT)
    first, second, third = walked(learner(oracle, rules), model, 3)
    assert first.told.lines == second.told.lines == ()
    (line,) = third.told.lines
    assert (line.step, line.time_fs, line.learned_step) == (100, 200.0, 102)
    assert line.true_error == pytest.approx(0.2 / np.sqrt(3))
    assert line.predicted_error is not None
    assert len(model.labels) == 1
    assert [w.seen.step for w in third.state.waiting] == [102]
    assert third.state.n_audits == known().n_audits + 1
    assert third.state.last_label_step == 100
    assert third.state.last_question_step == 102
    assert third.state.learned_ids[-1] == 40
    np.testing.assert_array_equal(third.forces.forces, 0.7 * PULL)  # of before


def test_the_energy_goes_on_where_it_was_when_a_label_is_learned_late() -> None:
    oracle, model = ToyOracle(label()), ToyModel()
    rules = says(AUDITED, AUDITED, ACCEPT)
    steps = walked(learner(oracle, rules), model, 4)
    smooth = [s.forces.energy - s.state.path.energy_shift for s in steps]
    np.testing.assert_allclose(np.diff(smooth), 0.01 * SLOPE, atol=1e-12)
    assert steps[-1].state.energy_shift == pytest.approx(known().energy_shift + GAP)


def test_a_step_that_waits_for_its_own_label_takes_all_that_are_out() -> None:
    oracle, model = ToyOracle(label()), ToyModel()
    rules = says(AUDITED, AUDITED, DOUBTED)
    *_, last = walked(learner(oracle, rules, n=4), model, 3)
    assert [line.step for line in last.told.lines] == [102, 100, 101]
    assert last.state.waiting == ()
    assert last.state.last_label_step == 102
    smooth = last.forces.energy - last.state.path.energy_shift
    model_now = model.predict(frame_at(0.02).structure).energy
    assert model_now - last.state.energy_shift == pytest.approx(smooth)


@pytest.mark.parametrize(
    "changes",
    [{"n_labels": TRUSTED - 1}, {"is_drifting": True}],
    ids=["young", "drifting"],
)
def test_a_force_field_without_trust_waits(changes: dict[str, Any]) -> None:
    oracle = ToyOracle(label())
    state = replace(known(), **changes)
    (came,) = walked(learner(oracle, says(AUDITED)), ToyModel(), 1, state)
    assert came.state.waiting == ()
    assert came.outcome is not None
    assert oracle.sent == []


def watching(**changes: Any) -> LearnerState:
    """Return a state that watches a broken bond, with a label due at step 100."""
    values = {"gap": 4, "due": 100, "kinds": ("H-O broken",), "familiar": {"H-O broken": 2}}
    return known(watch=ReactionWatch(**{**values, "atom": 1, **changes}))


def test_a_label_after_a_change_of_bonds_is_sent_and_the_next_is_due_later() -> None:
    oracle, model = ToyOracle(label()), ToyModel()
    (came,) = walked(learner(oracle, says(FOLLOWED)), model, 1, watching())
    assert [q.rule for q in oracle.sent] == [CHEMISTRY]
    assert (came.outcome, came.state.path.source) == (None, "ff")
    assert (came.state.watch.gap, came.state.watch.due) == (8, 108)
    assert came.state.waiting[0].watch.gap == 4


@pytest.mark.parametrize(
    ("gap", "pull", "found"),
    [
        (4, 0.1, (8, 108, 2)),
        (4, 0.9, (4, 106, 1)),
        (32, 0.1, (None, 100, 2)),
        (32, 0.9, (32, 134, 1)),
    ],
    ids=["as foreseen", "surprise", "let go", "surprise after it was let go"],
)
def test_a_surprise_that_comes_late_puts_the_watch_where_it_was(
    gap: int, pull: float, found: tuple[int | None, int, int]
) -> None:
    oracle, model = ToyOracle(label(pull=pull)), ToyModel()
    rules = says(FOLLOWED, ACCEPT, AUDITED)
    *_, last = walked(learner(oracle, rules), model, 3, watching(gap=gap))
    (line,) = last.told.lines
    assert (line.step, line.rule, line.reactive, line.learned_step) == (100, CHEMISTRY, True, 102)
    watch = last.state.watch
    assert (watch.gap, watch.due, watch.familiar["H-O broken"]) == found
    assert watch.kinds == (() if watch.gap is None else ("H-O broken",))
    assert watch.atom == (None if watch.gap is None else 1)
    assert last.state.n_audits == known().n_audits


def test_a_label_after_a_change_is_waited_for_where_an_atom_is_in_doubt() -> None:
    oracle = ToyOracle(label())
    (came,) = walked(learner(oracle, says(FOLLOWED)), ToyModel(std=1.0), 1, watching())
    assert (oracle.sent, came.state.waiting) == ([], ())
    assert came.outcome is not None


def test_only_audits_and_follow_ups_are_sent() -> None:
    oracle = ToyOracle(label())
    (came,) = walked(learner(oracle, says(DOUBTED)), ToyModel(), 1)
    assert (oracle.sent, came.state.waiting) == ([], ())
    oracle = ToyOracle(label())
    (came,) = walked(learner(oracle, says(said("label", rule=RANDOM_AUDIT))), ToyModel(), 1)
    assert len(came.state.waiting) == 1


def test_without_processes_beside_it_a_run_takes_what_a_checkpoint_left_waiting() -> None:
    oracle, model = ToyOracle(label()), ToyModel()
    (came,) = walked(learner(oracle, says(AUDITED)), model, 1)
    (later,) = walked(learner(oracle, says(ACCEPT), n=0), model, 1, came.state)
    assert later.state.waiting == ()
    assert [line.step for line in later.told.lines] == [100]


def test_a_label_that_fails_late_is_told_and_ten_stop_the_run() -> None:
    oracle, model = ToyOracle("the SCF did not converge"), ToyModel()
    first, second = walked(learner(oracle, says(AUDITED)), model, 2)
    (event,) = second.told.events
    assert isinstance(event, LabelFailed)
    assert event.step == 100
    assert (second.state.failures, model.labels) == (1, [])
    tired = replace(second.state, failures=MAX_FAILURES - 1, hold_until=-1)
    came = learner(oracle, says(AUDITED)).step(frame_at(), model, tired)
    assert isinstance(came, Refused)
    assert "failed 10 times in a row" in came.verdict.reason
    strict = learner(oracle, says(AUDITED), goes_on=False).step(frame_at(), model, first.state)
    assert isinstance(strict, Refused)


def test_a_question_that_is_out_counts_for_the_next_audit_and_the_budget() -> None:
    (came,) = walked(learner(ToyOracle(label()), says(AUDITED)), ToyModel(), 1)
    seen = replace(came.state.waiting[0].seen, step=came.state.audit_gap + 99)
    assert audit(seen, came.state, SETTINGS).action == "accept"
    assert audit(replace(seen, step=seen.step + 1), came.state, SETTINGS).action == "label"
    spent = LearningConfig(budget=BudgetConfig(max_labels=came.state.n_asked + 1))
    assert within_budget(AUDITED, seen, came.state, spent).action == "stop"
