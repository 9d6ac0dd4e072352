"""A label that is far off undoes the steps before it: when."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rule_cases import label, observation, state

from aofl.learning.learner_state import LearnerState
from aofl.learning.rules.retrospective import surprise
from aofl.learning.update import compare
from aofl.records import Verdict


def verdict(force: float, *, known: LearnerState | None = None, **changes: Any) -> Verdict:
    """Return the verdict on a label whose forces differ by so much, with a target of 0.3 eV/Å."""
    known = known or state()
    now = observation(known, **{"can_rewind": True, **changes})
    errors = np.zeros((3, 3))
    errors[1] = force
    return surprise(compare(now, label(errors), known), now, known)


def test_a_label_beyond_three_thresholds_is_undone_and_names_its_atom() -> None:
    assert verdict(0.8).action == "accept"
    far = verdict(1.2)
    assert (far.action, far.rule, far.atom, far.element) == ("rewind", "surprise", 1, "H")
    assert far.value == pytest.approx(1.2)
    assert far.threshold == pytest.approx(0.9)


def test_it_needs_a_force_field_that_was_trusted_and_a_driver_that_goes_back() -> None:
    assert verdict(1.2, known=state(n_labels=10)).action == "accept"
    assert verdict(1.2, known=state(n_labels=11)).action == "rewind"
    assert verdict(1.2, can_rewind=False).action == "accept"


def test_no_step_before_the_last_surprise_is_undone_again() -> None:
    for step, action in ((99, "accept"), (100, "accept"), (101, "rewind")):
        assert verdict(1.2, known=state(surprised_at=100), step=step).action == action
