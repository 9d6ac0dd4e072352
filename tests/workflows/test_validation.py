"""A rehearsal knows the truth about every step, and forecasts from it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT

from aofl.learning.learner_state import PathState, Source
from aofl.records import Action, LedgerLine, OtherEvent
from aofl.records.events import ReactionHappened
from aofl.reference import AseReference
from aofl.workflows.forecast import forecast, label_range
from aofl.workflows.own_cost import OwnCost
from aofl.workflows.validation import ScoredStep, Validation, advice, score


def run_at(step: int, atoms: Atoms, forces: np.ndarray, source: Source = "ff") -> SimpleNamespace:
    path = PathState(step=step, source=source, error=0.2, limit=0.3)
    calculator = SimpleNamespace(results={"forces": forces}, state=SimpleNamespace(path=path))
    return SimpleNamespace(step=step, atoms=atoms, calculator=calculator)


def test_the_examiner_knows_the_error_and_counts_a_step_once(copper: Atoms) -> None:
    examiner = Validation(AseReference(EMT()))
    truth = AseReference(EMT()).label(copper).forces
    wrong = truth.copy()
    wrong[3] += [0.3, 0.0, 0.0]
    for step, forces, source in ((1, truth, "ff"), (2, wrong, "reference"), (3, wrong, "ff")):
        examiner.look(run_at(step, copper, forces, source))
    assert list(examiner.steps) == [1, 3]
    assert examiner.steps[1].largest == pytest.approx(0.0, abs=1e-12)
    assert examiner.steps[3].largest == pytest.approx(0.3 / np.sqrt(3))
    assert examiner.steps[3].sum_sq == pytest.approx(0.09)
    examiner.look(run_at(2, copper, truth))  # after a rewind
    assert list(examiner.steps) == [1, 2]


def step(k: int, largest: float) -> ScoredStep:
    return ScoredStep(step=k, largest=largest, sum_sq=12.0, n=3, expected=0.2, limit=0.3)


def test_the_score_tells_missed_steps_wasted_labels_and_missed_reactions() -> None:
    def line(rule: str, error: float, action: Action = "label") -> LedgerLine:
        return LedgerLine(
            step=1, time_fs=1.0, action=action, rule=rule, reason="", true_error=error
        )

    def reaction(equation: str, *, is_seen: bool) -> ReactionHappened:
        return ReactionHappened(
            step=1, time_fs=1.0, reaction=equation, reactants=(), products=(), broken=(),
            formed=(), seen_by_reference=is_seen,
        )  # fmt: skip

    ledger = [
        line("initial", 9.0), line("uncertainty", 0.5), line("uncertainty", 0.1),
        line("chemistry", 0.2), line("audit", 0.1), line("similarity", 0.0, "skip"),
    ]  # fmt: skip
    events = [
        reaction("A -> B", is_seen=True),
        reaction("B -> C", is_seen=False),
        OtherEvent(event="walker_lost"),
    ]
    found = score([step(1, 0.1), step(2, 0.25), step(3, 0.4)], ledger, events, target=0.3)
    assert found["true_rmse"] == pytest.approx(2.0)
    assert (found["labels"], found["labels_asked"], found["labels_wasted"]) == (5, 3, 2)
    assert (found["steps_beyond_threshold"], found["steps_beyond_expected"]) == (1, 2)
    assert (found["reactions"], found["reactions_missed"]) == (2, 1)
    assert found["missed"] == ["B -> C"]


def test_a_forecast_is_arithmetic() -> None:
    assert label_range(400, "aimd") == (401, 401)
    few, many = label_range(20_000, "aofl")
    assert 0 < few < many < 2_000
    own = OwnCost(step=0.1, update=18.0)
    found = forecast(3600, (10, 100), label_seconds=36.0, own=own)
    assert found["hours_by_part"]["update"] == pytest.approx([0.05, 0.5])
    assert found["hours"] == pytest.approx([0.25, 1.6])
    assert found["aimd_hours"] == pytest.approx(36.0)
    assert found["speedup"] == pytest.approx([36 / 1.6, 36 / 0.25])
    assert "hours" not in forecast(100, (1, 2), None, None)
    assert forecast(100, (1, 2), 1.0, None)["speedup"] is None


def steps_of(*largest: float) -> dict:
    """Return the score of steps whose worst atoms were off by so much, target 0.3 eV/Å."""
    return score([step(k, error) for k, error in enumerate(largest)], [], [], target=0.3)


def test_advice_names_what_is_kept_and_what_to_change():
    found = steps_of(0.1, 0.5, 0.6, 0.2, 0.4)
    said = advice(found, 0.3, "standard")
    assert said.startswith("the target of 300 meV/Å does not hold: 60% of the steps were beyond")
    assert "four of five kept 520 meV/Å" in said
    assert "accuracy: high`" in said
    assert "accuracy" not in advice(found, 0.3, "high")


def test_advice_where_the_target_holds_or_nothing_was_rehearsed():
    found = steps_of(0.1, 0.2, 0.15, 0.2, 0.4)
    assert advice(found, 0.3, "fast").startswith("the target of 300 meV/Å holds: 20% of the steps")
    assert "rehearse more steps" in advice(steps_of(), 0.3, "fast")
