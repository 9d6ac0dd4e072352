"""What a label teaches: it tests the calibration, but not before there is one to test."""

from __future__ import annotations

import numpy as np
import pytest
from rule_cases import memory, situation

from aofl.learning.element_calibration import ElementCalibration
from aofl.learning.update import compare
from aofl.records import Label


def label(force: float) -> Label:
    return Label(energy=-1.0, forces=np.full((3, 3), force), seconds=1.0)


@pytest.mark.parametrize(
    ("n_labels", "trust", "is_tested"),
    [
        (0, {}, False),
        (
            1,
            {"O": ElementCalibration(reached=[0.1]), "H": ElementCalibration(reached=[0.1])},
            False,
        ),
        (2, {"O": ElementCalibration(reached=[0.1]), "H": ElementCalibration(reached=[0.1])}, True),
        (0, {"O": ElementCalibration(initial=2.0), "H": ElementCalibration(initial=2.0)}, True),
        (
            1,
            {
                "O": ElementCalibration(initial=2.0, ratios=[1.0]),
                "H": ElementCalibration(initial=2.0, ratios=[1.0]),
            },
            True,
        ),
    ],
    ids=["nothing learned", "one label", "two labels", "model given", "model and one label"],
)
def test_the_calibration_is_tested_from_the_third_label_on_or_from_a_given_model(
    n_labels: int, trust: dict[str, ElementCalibration], is_tested: bool
) -> None:
    known = memory(n_labels=n_labels, trust=trust)
    before = {element: list(part.ratios) for element, part in trust.items()}
    outcome = compare(known, situation(), label(0.2))
    assert bool(outcome.inside) is is_tested
    after = {element: list(part.ratios) for element, part in known.trust.items()}
    assert (after != before) is is_tested


def test_an_error_above_its_threshold_is_a_surprise() -> None:
    assert not compare(memory(), situation(), label(0.2)).is_surprise
    assert compare(memory(), situation(), label(0.4)).is_surprise
