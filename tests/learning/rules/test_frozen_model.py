"""The watch over a frozen force field: it stops where it has not known what it does for long."""

from __future__ import annotations

from rule_cases import SETTINGS, observation, prediction, state

from aofl.learning.rules.frozen_model import LOOKS, frozen_model


def test_a_frozen_force_field_that_is_lost_for_long_stops_the_run() -> None:
    lost = observation(prediction=prediction(5.0))
    assert frozen_model(lost, state(n_unsure=LOOKS - 1), SETTINGS).action == "accept"
    stopped = frozen_model(lost, state(n_unsure=LOOKS), SETTINGS)
    assert stopped.action == "stop"
    assert "mode: aofl" in stopped.reason
