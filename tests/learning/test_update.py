"""What a label teaches: it tests the calibration, but not before there is one to test."""

from __future__ import annotations

import pytest
from rule_cases import SETTINGS, label, observation, state

from aofl.learning.element_calibration import ElementCalibration
from aofl.learning.update import compare, noted
from aofl.records import Verdict

DOUBT = Verdict(action="label", rule="uncertainty", reason="")


def both(**what: object) -> dict[str, ElementCalibration]:
    """Return the same calibration for both elements."""
    return {element: ElementCalibration(**what) for element in ("O", "H")}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("n_labels", "calibration", "is_tested"),
    [
        (0, {}, False),
        (1, both(reached=(0.1,)), False),
        (2, both(reached=(0.1,)), True),
        (0, both(initial=2.0), True),
        (1, both(initial=2.0, ratios=(1.0,)), True),
    ],
    ids=["nothing learned", "one label", "two labels", "model given", "model and one label"],
)
def test_the_calibration_is_tested_from_the_third_label_on_or_from_a_given_model(
    n_labels: int, calibration: dict[str, ElementCalibration], is_tested: bool
) -> None:
    known = state(n_labels=n_labels, calibration=calibration)
    seen, told = observation(known), label(0.2)
    outcome = compare(seen, told, known)
    assert bool(outcome.inside) is is_tested
    after = noted(known, seen, told, DOUBT, outcome, SETTINGS)
    assert (after.calibration != calibration) is is_tested


def test_an_error_above_its_threshold_is_a_surprise() -> None:
    assert not compare(observation(), label(0.2), state()).is_surprise
    assert compare(observation(), label(0.4), state()).is_surprise
