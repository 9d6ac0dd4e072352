"""The policy: which rules a mode follows, and whose verdict it takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rule_cases import POSITIONS, SETTINGS, SYMBOLS, observation, prediction, state

from aofl.config.schema import LearningConfig
from aofl.learning.rules.policy import RULES, decide, mode_of

KNOWING = state(usual_distance={"O": (0.01,), "H": (0.01,)}).remembering(
    SYMBOLS, np.eye(3), label_id=7
)


def test_where_a_label_led_a_runaway_is_asked_about() -> None:
    environments = np.eye(3)[[1, 0, 0]]
    lost = observation(prediction=prediction(5.0, environments=environments))
    led = replace(lost, is_after_label=True)
    assert decide(RULES["aofl"], lost, KNOWING, SETTINGS).action == "rewind"
    assert decide(RULES["aofl"], led, KNOWING, SETTINGS).action == "label"


@pytest.mark.parametrize("mode", ["aofl", "cofl"])
def test_a_huge_force_is_asked_about_where_a_label_led(mode: str) -> None:
    huge = observation(prediction=prediction(forces=np.full((3, 3), 61.0)))
    led = replace(huge, is_after_label=True)
    leapt = replace(led, previous_positions=POSITIONS + np.array([0.0, 0.31, 0.0]))
    actions = [decide(RULES[mode], x, state(), SETTINGS).action for x in (huge, led, leapt)]
    assert actions == ["rewind", "label", "rewind"]


def test_only_aofl_screens() -> None:
    flagged = observation(prediction=prediction(0.2))
    actions = {
        mode: decide(RULES[mode], flagged, KNOWING, SETTINGS).action
        for mode in ("cofl", "aofl", "mlff")
    }
    assert actions == {"cofl": "label", "aofl": "skip", "mlff": "accept"}


@pytest.mark.parametrize("rule", ["vasp", "flare"])
def test_the_rivals_neither_screen_nor_schedule_audits(rule: str) -> None:
    rules = mode_of("cofl", LearningConfig(cofl_rule=rule, audit_probability=0.0)).rules
    quiet = state(force_noise=0.1, vasp_threshold=0.1, last_label_step=-1000)
    calm, wild = (observation(prediction=prediction(std)) for std in (0.01, 1.0))
    assert decide(rules, calm, quiet, SETTINGS).action == "accept"
    first = decide(rules, wild, state(n_labels=0), SETTINGS)
    assert (first.action, first.rule) == ("label", "initial")
