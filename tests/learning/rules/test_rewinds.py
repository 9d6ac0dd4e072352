"""What a rewind means: how far back, what is done there, and what is counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rule_cases import prediction, state, structure

from aofl.learning.element_calibration import ElementCalibration
from aofl.learning.reaction_watch import ReactionWatch
from aofl.learning.rules.rewinds import Rewind, agrees, refused, rewind_of
from aofl.records import FloatArray, Prediction, Verdict


def rewinding(rule: str, action: str = "rewind") -> Verdict:
    return Verdict(action=action, rule=rule, reason="")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "before_fs", "must_agree", "label_rule", "is_unphysical"),
    [("chemistry", 5.0, False, "chemistry", False), ("surprise", 0.0, True, None, False),
     ("guard", 0.0, False, "rewind", True), ("similarity", 0.0, False, "rewind", True),
     ("uncertainty", 0.0, False, "rewind", True)],
)  # fmt: skip
def test_how_far_each_rule_sends_the_run_back_and_what_is_done_there(
    rule: str, before_fs: float, must_agree: bool, label_rule: str | None, is_unphysical: bool
) -> None:
    assert rewind_of(rewinding(rule)) == Rewind(
        before_fs=before_fs,
        must_agree=must_agree,
        label_rule=label_rule,
        is_unphysical=is_unphysical,
    )


class TestRefused:
    BEFORE = state(n_rewinds=3, n_surprises=2, watch=ReactionWatch(n_rewinds=1))

    def test_before_a_change_of_bonds_the_watch_remembers_it(self) -> None:
        after = refused(self.BEFORE, rewinding("chemistry"), step=200, timestep_fs=0.5)
        watch = self.BEFORE.watch.rewound(200, 0.5)
        assert (watch.n_rewinds, watch.no_rewind_before) == (2, 328)
        assert after == replace(self.BEFORE, watch=watch)

    def test_a_surprise_is_counted_with_its_step(self) -> None:
        after = refused(self.BEFORE, rewinding("surprise"), step=200, timestep_fs=0.5)
        assert after == replace(self.BEFORE, n_surprises=3, surprised_at=200)

    @pytest.mark.parametrize("rule", ["guard", "similarity"])
    def test_nonsense_is_counted_and_approached_again(self, rule: str) -> None:
        after = refused(self.BEFORE, rewinding(rule), step=200, timestep_fs=0.5)
        assert after == replace(self.BEFORE, n_rewinds=4, refused_at=200)

    @pytest.mark.parametrize("rule", ["budget", "production"])
    def test_a_stop_counts_as_no_rewind(self, rule: str) -> None:
        assert refused(self.BEFORE, rewinding(rule, "stop"), 200, 0.5) == self.BEFORE


class SameEverywhere:
    """A force field that predicts the same forces for every structure."""

    def __init__(self, forces: FloatArray) -> None:
        self.forces = forces

    def predict(self, *_: Any, **__: Any) -> Prediction:
        return prediction(forces=self.forces)


def agreement(forces: FloatArray, followed: FloatArray, **known: Any) -> bool:
    model: Any = SameEverywhere(forces)
    return agrees(model, state(**known), structure(), followed)


class TestAgrees:
    @pytest.mark.parametrize(
        ("change", "answer"), [(0.25, True), (np.nextafter(0.25, 1.0), False), (1.0, False)]
    )
    @pytest.mark.parametrize("atom", [0, 1, 2])
    @pytest.mark.parametrize("sign", [1.0, -1.0])
    def test_a_frame_is_trusted_while_no_force_has_changed_by_more_than_its_threshold(
        self, change: float, answer: bool, atom: int, sign: float
    ) -> None:
        followed = np.arange(9.0).reshape(3, 3) / 4
        forces = followed.copy()
        forces[atom] = 0.0
        now = forces.copy()
        now[atom] = sign * change
        assert agreement(now, forces, target=0.25) is answer

    def test_the_change_is_the_root_mean_square_over_the_components(self) -> None:
        forces = np.zeros((3, 3))
        for size, answer in ((0.43, True), (0.44, False)):  # 0.433 / sqrt(3) = 0.25
            forces[1, 2] = size
            assert agreement(forces, np.zeros((3, 3)), target=0.25) is answer

    def test_the_threshold_is_that_of_the_element(self) -> None:
        reached = ElementCalibration(ratios=(2.0,) * 20, reached=(0.25,))  # 1.2 x 2 x 0.25 = 0.6
        calibration = {**state().calibration, "H": reached}
        forces = np.zeros((3, 3))
        for atom, answer in ((0, False), (1, True)):
            forces[:] = 0.0
            forces[atom] = 0.5
            known = {"target": 0.25, "calibration": calibration}
            assert agreement(forces, np.zeros((3, 3)), **known) is answer

    def test_without_a_force_field_nothing_speaks_against_a_frame(self) -> None:
        assert agrees(None, state(), structure(), np.full((3, 3), 9.0))
