"""The watch over a frozen force field: it stops where it has not known what it does for long."""

from __future__ import annotations

import pytest
from rule_cases import SETTINGS, judgement, observation, prediction, state

from aofl.learning.rules.frozen_model import frozen_model

LOST = observation(judgement=judgement([0.5, 0.25, 2.0], [0.25, 0.25, 0.25]))


@pytest.mark.parametrize(
    ("n_unsure", "action"), [(0, "accept"), (4, "accept"), (5, "stop"), (6, "stop")]
)
def test_it_stops_after_five_looks_in_a_row(n_unsure: int, action: str) -> None:
    verdict = frozen_model(LOST, state(n_unsure=n_unsure), SETTINGS)
    assert (verdict.action, verdict.rule) == (action, "production")


def test_it_says_where_and_how_to_go_on() -> None:
    verdict = frozen_model(LOST, state(n_unsure=5), SETTINGS)
    assert (verdict.atom, verdict.element, verdict.value) == (2, "H", 2.0)
    assert (verdict.threshold, verdict.unit) == (0.75, "eV/Å")  # three thresholds
    assert "mode: aofl" in verdict.reason
    assert "force_field.model" in verdict.reason


def test_a_step_that_nobody_looked_at_passes() -> None:
    unseen = observation(prediction=prediction(None))
    assert frozen_model(unseen, state(n_unsure=99), SETTINGS).action == "accept"
