"""A label that is far off undoes the steps before it: when, and back to where."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from rule_cases import memory, prediction, situation

from aofl.learning.adaptive_calculator import AdaptiveCalculator
from aofl.learning.learner_state import LearnerState
from aofl.learning.rules.retrospective import agrees, surprise
from aofl.learning.update import compare
from aofl.records import Label, Verdict


def verdict(force: float, *, known: LearnerState | None = None, **changes: Any) -> Verdict:
    """Return the verdict on a label whose forces differ by so much, with a target of 0.3 eV/Å."""
    known = known or memory()
    now = situation(**{"can_rewind": True, **changes})
    errors = np.zeros((3, 3))
    errors[1] = force
    outcome = compare(known, now, Label(energy=-1.0, forces=errors, seconds=1.0))
    return surprise(outcome, now, known)


def test_a_label_beyond_three_thresholds_is_undone_and_names_its_atom() -> None:
    assert verdict(0.8).action == "accept"
    far = verdict(1.2)
    assert (far.action, far.rule, far.atom, far.element) == ("rewind", "surprise", 1, "H")
    assert far.value == pytest.approx(1.2)
    assert far.threshold == pytest.approx(0.9)


def test_it_needs_a_force_field_that_was_trusted_and_a_driver_that_goes_back() -> None:
    assert verdict(1.2, known=memory(n_labels=10)).action == "accept"
    assert verdict(1.2, can_rewind=False).action == "accept"


def test_no_step_before_the_last_surprise_is_undone_again() -> None:
    for step, action in ((99, "accept"), (100, "accept"), (101, "rewind")):
        assert verdict(1.2, known=memory(surprised_at=100), step=step).action == action


class Frame:
    """A force field that predicts the same for every structure."""

    def __init__(self, forces: np.ndarray) -> None:
        self.forces = forces

    def predict(self, atoms: Atoms, **_: Any) -> Any:
        return prediction(forces=self.forces)


@pytest.mark.parametrize(("change", "answer"), [(0.2, True), (0.4, False)])
def test_a_frame_is_trusted_while_new_and_old_forces_agree(change: float, answer: bool) -> None:
    calculator = AdaptiveCalculator(reference=EMT())
    calculator.atoms = Atoms("OHH", situation().positions, cell=np.eye(3) * 10, pbc=True)
    calculator.memory = memory()
    forces = np.zeros((3, 3))
    forces[2] = change
    calculator.force_field = Frame(forces)  # type: ignore[assignment]
    assert agrees(calculator, situation().positions, np.zeros((3, 3))) is answer
