"""What a rewind means: how far back, and what is done there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rule_cases import prediction, state, structure

from aofl.learning.rules.rewinds import agrees
from aofl.records import FloatArray, Prediction


class SameEverywhere:
    """A force field that predicts the same forces for every structure."""

    def __init__(self, forces: FloatArray) -> None:
        self.forces = forces

    def predict(self, *_: Any, **__: Any) -> Prediction:
        return prediction(forces=self.forces)


@pytest.mark.parametrize(("change", "answer"), [(0.2, True), (0.4, True), (0.6, False)])
def test_a_frame_is_trusted_while_new_and_old_forces_agree(change: float, answer: bool) -> None:
    """A change of one component by 0.52 eV/Å is 0.3, the threshold, as rms over x, y, z."""
    forces = np.zeros((3, 3))
    forces[2, 1] = change
    model: Any = SameEverywhere(forces)
    assert agrees(model, state(), structure(), np.zeros((3, 3))) is answer


def test_without_a_force_field_nothing_speaks_against_a_frame() -> None:
    assert agrees(None, state(), structure(), np.full((3, 3), 9.0))
