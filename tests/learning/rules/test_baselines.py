"""The rules of the well-known codes."""

from __future__ import annotations

import numpy as np
import pytest
from rule_cases import SETTINGS, observation, prediction, state

from aofl.learning.rules.baselines import flare_like, updated_threshold, vasp_like


class TestVasp:
    def test_the_threshold_moves_once_ten_errors_are_known_and_steady(self) -> None:
        assert updated_threshold(0.002, [0.1] * 9, cx=0.5) == 0.002
        assert updated_threshold(0.002, [9.0, *[0.1] * 10], cx=0.5) == pytest.approx(0.15)
        wild = [0.01] * 9 + [10.0]
        assert updated_threshold(0.002, wild, cx=0.5) == 0.002
        steep = np.geomspace(1.0, 1e-3, 10).tolist()
        assert updated_threshold(0.002, steep, cx=0.5) == 0.002

    @pytest.mark.parametrize(
        ("error", "last_label", "action"),
        [(0.09, 50, "accept"), (0.15, 50, "label"), (0.15, 95, "accept"), (0.25, 95, "label"),
         (0.15, 90, "label")],
    )  # fmt: skip
    def test_labels_keep_ten_steps_apart_but_for_large_errors(
        self, error: float, last_label: int, action: str
    ) -> None:
        known = state(vasp_threshold=0.1, last_label_step=last_label)
        seen = observation(prediction=prediction(error))
        assert vasp_like(seen, known, SETTINGS).action == action


@pytest.mark.parametrize(("error", "action"), [(0.19, "accept"), (0.21, "label")])
def test_flare_asks_above_a_multiple_of_the_noise(error: float, action: str) -> None:
    known = state(force_noise=0.1)
    seen = observation(known, prediction=prediction(error))
    assert flare_like(seen, known, SETTINGS).action == action
