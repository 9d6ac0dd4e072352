"""A label that is far off undoes the steps before it: when."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rule_cases import SYMBOLS, judgement, observation, state

from aofl.learning.rules.retrospective import surprise
from aofl.learning.update import Outcome
from aofl.records import Verdict


def verdict(
    errors: list[float],
    *,
    limits: list[float] | None = None,
    known: dict[str, Any] | None = None,
    **changes: Any,
) -> Verdict:
    """Return the verdict on a label with these errors, with thresholds of 0.25 eV/Å."""
    judged = judgement([0.1] * 3, limits or [0.25] * 3)
    outcome = Outcome(
        atoms=np.arange(3),
        symbols=SYMBOLS,
        errors=np.array(errors),
        difference=np.zeros((3, 3)),
        deviations=np.zeros((3, 3)),
        inside={},
        judged=judged,
    )
    return surprise(outcome, observation(**{"can_rewind": True, **changes}), state(**(known or {})))


@pytest.mark.parametrize(
    ("error", "action"), [(0.75, "accept"), (np.nextafter(0.75, 1.0), "rewind"), (2.0, "rewind")]
)
def test_a_label_beyond_three_thresholds_undoes_the_steps_before_it(
    error: float, action: str
) -> None:
    found = verdict([0.1, float(error), 0.2])
    assert (found.action, found.rule) == (action, "surprise")


def test_it_names_the_atom_that_is_worst_beside_its_own_threshold() -> None:
    far = verdict([3.1, 1.0, 0.1], limits=[1.0, 0.25, 0.25])
    assert (far.action, far.atom, far.element, far.unit) == ("rewind", 1, "H", "eV/Å")
    assert (far.value, far.threshold) == (1.0, 0.75)
    assert not far.is_doubt  # the reference has spoken


@pytest.mark.parametrize(("n_labels", "action"), [(10, "accept"), (11, "rewind")])
def test_it_needs_a_force_field_that_was_trusted(n_labels: int, action: str) -> None:
    """Ten labels before the one that was just learned."""
    assert verdict([0.1, 1.2, 0.1], known={"n_labels": n_labels}).action == action


def test_it_needs_a_driver_that_goes_back() -> None:
    assert verdict([0.1, 1.2, 0.1], can_rewind=False).action == "accept"


@pytest.mark.parametrize(("step", "action"), [(99, "accept"), (100, "accept"), (101, "rewind")])
def test_no_step_before_the_last_surprise_is_undone_again(step: int, action: str) -> None:
    assert verdict([0.1, 1.2, 0.1], known={"surprised_at": 100}, step=step).action == action
