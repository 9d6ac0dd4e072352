"""The learner's state: what it judges of forces, what it remembers, and that JSON keeps it."""

from __future__ import annotations

import json
import pickle
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from rule_cases import SYMBOLS, snapshot, state

from aofl.bayes.calibration import Z_90, adapted_width
from aofl.learning.element_calibration import ElementCalibration
from aofl.learning.learner_state import Knowledge, LearnerState, PathState, atoms_of
from aofl.learning.reaction_watch import ReactionWatch
from aofl.plain import from_plain, to_plain

UNEVEN = {
    "O": ElementCalibration(ratios=(2.0,) * 20, reached=(0.25,), width=1.0),
    "H": ElementCalibration(ratios=(4.0,) * 20, reached=(0.0625,), width=2.0),
}


class TestBeginning:
    """A run that begins: these numbers stand in its first ledger lines."""

    def test_nothing_is_known(self) -> None:
        plain = to_plain(Knowledge(target=0.3))
        watch, numbers = plain.pop("watch"), {k: v for k, v in plain.items() if v}
        assert numbers == {
            "target": 0.3,
            "last_label_step": -1,
            "audit_gap": 16,
            "hold_until": -1,
            "refused_at": -1,
            "surprised_at": -1,
            "vasp_threshold": 0.002,
        }
        assert not any(watch.values())
        assert plain["is_drifting"] is False

    def test_the_path_begins_before_step_zero_where_no_forces_of_a_model_led(self) -> None:
        path = PathState(limit=0.3)
        assert (path.step, path.source, path.error, path.limit) == (-1, "reference", None, 0.3)
        assert (path.previous_positions, path.bonded) == (None, None)
        assert (path.is_unsure, path.energy_shift) == (False, 0.0)

    def test_no_environment_is_stored(self) -> None:
        fresh = LearnerState(target=0.3, path=PathState(limit=0.3))
        assert (dict(fresh.environments), fresh.learned_ids) == ({}, ())


def test_knowledge_survives_json() -> None:
    watch = ReactionWatch().labelled_at(
        7, snapshot("H-O broken"), is_surprise=True, timestep_fs=0.5
    )
    known = state(usual_distance={"O": (0.1 + 0.2,)}, calibration=UNEVEN, watch=watch)
    before = Knowledge(**{field.name: getattr(known, field.name) for field in fields(Knowledge)})
    assert from_plain(Knowledge, json.loads(json.dumps(to_plain(before)))) == before


class TestJudge:
    STD = np.array([[0.1, 0.2, 0.2], [0.03, 0.0, 0.04], [0.1, 0.1, 0.1]])

    @pytest.mark.parametrize("noise", [0.0, 0.1])
    def test_the_calibrated_error_is_the_factor_times_deviation_and_noise(
        self, noise: float
    ) -> None:
        """b_i = c_z sqrt(<u_i^2> + sigma_F^2)"""
        known = state(calibration=UNEVEN, force_noise=noise)
        s = np.sqrt(np.array([0.03, 0.0025 / 3, 0.01]) + noise**2)
        np.testing.assert_allclose(known.raw_errors(self.STD), s)
        judged = known.judge(SYMBOLS, self.STD)
        np.testing.assert_allclose(judged.errors, [2.0, 4.0, 4.0] * s)

    def test_each_atom_has_the_threshold_of_its_element(self) -> None:
        known = state(calibration=UNEVEN)  # 1.2 x 2 x 0.25 = 0.6; 1.2 x 4 x 0.0625 = 0.3
        np.testing.assert_allclose(known.limits(SYMBOLS), [0.6, 0.3, 0.3])
        np.testing.assert_allclose(known.judge(SYMBOLS, self.STD).limits, [0.6, 0.3, 0.3])
        noisy = replace(known, force_noise=9.0)
        np.testing.assert_allclose(noisy.limits(SYMBOLS), [0.9] * 3)  # three targets
        assert known.threshold == pytest.approx(0.6)
        assert noisy.threshold == pytest.approx(0.9)

    def test_the_worst_atom_is_so_beside_its_own_threshold(self) -> None:
        known = state(calibration=UNEVEN)
        std = np.outer([0.26, 0.08, 0.09], np.ones(3))  # errors 0.52 of 0.6, 0.32 and 0.36 of 0.3
        judged = known.judge(SYMBOLS, std)
        assert judged.atom == 2
        assert judged.error == pytest.approx(0.36)
        assert judged.limit == pytest.approx(0.3)
        assert judged.excess == pytest.approx(1.2)

    def test_an_element_that_no_label_has_shown_is_judged_with_the_highest_factor(self) -> None:
        known = state(calibration={})
        judged = known.judge(SYMBOLS, np.full((3, 3), 0.01))
        np.testing.assert_allclose(judged.errors, [0.2] * 3)
        np.testing.assert_allclose(judged.limits, [0.3] * 3)
        assert known.threshold == 0.3


class TestCalibration:
    """Deviations of 0.3 and a noise of 0.4 eV/Å are 0.5 eV/Å together."""

    KNOWN = state(calibration=UNEVEN, force_noise=0.4)
    STD = np.full((3, 3), 0.3)

    def test_components_inside_are_counted_by_element_in_their_own_widths(self) -> None:
        difference = np.array([[0.49, -0.49, 0.51], [0.99, 0.0, 1.01], [-0.99, -1.01, 0.6]])
        assert self.KNOWN.inside(SYMBOLS, difference, self.STD) == {"H": (4, 6), "O": (2, 3)}

    def test_a_label_tests_each_element_with_its_own_atoms(self) -> None:
        difference = np.array([[1.0] * 3, [2.0] * 3, [0.5] * 3])
        after = self.KNOWN.tested(SYMBOLS, difference, self.STD)
        assert after.calibration["O"].ratios == (*(2.0,) * 19, pytest.approx(2.0))
        assert after.calibration["H"].ratios == (*(4.0,) * 19, pytest.approx(4.0))
        assert after.calibration["O"].width == pytest.approx(adapted_width(1.0, 1.0))
        assert after.calibration["H"].width == pytest.approx(adapted_width(2.0, 0.5))
        assert dict(self.KNOWN.calibration) == UNEVEN

    def test_what_it_says_nothing_about_is_kept(self) -> None:
        known = state(calibration={**UNEVEN, "Na": ElementCalibration(width=7.0)})
        tested = known.tested(SYMBOLS, np.zeros((3, 3)), self.STD)
        reached = known.reached(SYMBOLS, self.STD)
        for after in (tested, reached):
            assert set(after.calibration) == {"O", "H", "Na"}
            assert after.calibration["Na"] == known.calibration["Na"]
            assert replace(after, calibration=known.calibration) == known

    def test_what_was_reached_is_the_largest_deviation_of_the_element(self) -> None:
        std = np.array([[0.3, 0.0, 0.4], [0.1] * 3, [0.2] * 3])
        after = self.KNOWN.reached(SYMBOLS, std)
        assert after.calibration["O"].reached == (0.25, pytest.approx(0.5 / np.sqrt(3)))
        assert after.calibration["H"].reached == (0.0625, pytest.approx(0.2))

    def test_an_element_seen_for_the_first_time_gets_a_calibration(self) -> None:
        fresh = state(calibration={})
        assert fresh.tested(SYMBOLS, self.STD, self.STD).calibration["O"].ratios == (
            pytest.approx(1.0),
        )
        assert fresh.reached(SYMBOLS, self.STD).calibration["H"].reached == (pytest.approx(0.3),)
        assert fresh.inside(SYMBOLS, 1.5 * Z_90 * self.STD, self.STD)["O"] == (3, 3)


class TestEnvironments:
    """Water, of which environment 0 is the oxygen's and 1 and 2 are the hydrogens'."""

    KNOWN = state(usual_distance={"O": (0.5,), "H": (0.5,)}).remembering(SYMBOLS, np.eye(3), 7)

    def test_they_are_remembered_by_element_with_label_and_atom(self) -> None:
        stores = self.KNOWN.environments
        assert {z: (store.labels, store.atoms) for z, store in stores.items()} == {
            "O": ((7,), (0,)),
            "H": ((7, 7), (1, 2)),
        }
        np.testing.assert_array_equal(stores["H"].vectors, np.eye(3)[1:])

    @pytest.mark.parametrize(("distance", "n"), [(0.149, 1), (0.151, 2)])
    def test_what_is_nearer_than_three_tenths_of_the_usual_distance_is_not_stored(
        self, distance: float, n: int
    ) -> None:
        cosine = 1.0 - distance
        new = np.eye(3)
        new[0] = [cosine, np.sqrt(1.0 - cosine**2), 0.0]
        after = self.KNOWN.remembering(SYMBOLS, new, 8)
        assert len(after.environments["O"].labels) == n
        assert len(after.environments["H"].labels) == 2
        assert len(self.KNOWN.environments["O"].labels) == 1

    def test_the_nearest_is_of_the_atom_s_own_element(self) -> None:
        rows = np.array([[0.0, 1.0, 0.0], [0.0, 0.6, 0.8], [0.0, 0.0, 1.0]])
        first, second, none = self.KNOWN.nearest(["O", "H", "Na"], rows, np.array([0, 1, 2]))
        assert first is not None
        assert (first.label, first.atom, first.distance) == (7, 0, 1.0)
        assert second is not None
        assert (second.label, second.atom) == (7, 2)
        assert second.distance == pytest.approx(0.2)
        assert none is None

    def test_only_the_atoms_that_were_asked_for_are_answered_in_their_order(self) -> None:
        found = self.KNOWN.nearest(SYMBOLS, np.eye(3), np.array([2, 0]))
        assert [n.atom for n in found if n is not None] == [2, 0]
        assert self.KNOWN.nearest(SYMBOLS, np.eye(3), np.array([], dtype=np.int64)) == []
        assert state().nearest(SYMBOLS, np.eye(3), np.array([1])) == [None]

    def test_the_usual_distance_is_the_median(self) -> None:
        known = state(usual_distance={"O": (0.1, 0.9, 0.2), "H": ()})
        assert known.distance_of("O") == 0.2
        assert known.distance_of("H") == known.distance_of("Na") == 0.0


class TestMeasured:
    """What labels teach of usual distances."""

    KNOWN = TestEnvironments.KNOWN
    ROWS = np.array([[0.75, 0.0, 0.5], [0.5, 0.0, 0.875], [0.0, 0.5, 0.25]])

    def measured(self, errors: list[float], **changes: Any) -> dict[str, tuple[float, ...]]:
        known = replace(self.KNOWN, usual_distance={}, **changes)
        return dict(known.measured(SYMBOLS, self.ROWS, np.array(errors)).usual_distance)

    def test_it_is_the_median_over_the_atoms_of_the_element(self) -> None:
        assert self.measured([0.1, 0.1, 0.1]) == {"O": (0.25,), "H": (0.3125,)}
        rows = np.array([[0.0, 0.5, 0.0], [0.0, 0.0, 0.875], [0.0, 0.0, 0.75]])
        after = self.KNOWN.measured(["H"] * 3, rows, np.zeros(3))
        assert after.usual_distance["H"] == (0.5, 0.25)  # of 0.5, 0.125, 0.25

    @pytest.mark.parametrize(("error", "is_good"), [(0.3, True), (np.nextafter(0.3, 1.0), False)])
    def test_only_atoms_within_the_target_count(self, error: float, is_good: bool) -> None:
        found = self.measured([float(error), 0.1, 9.0])
        assert found == ({"O": (0.25,)} if is_good else {}) | {"H": (0.125,)}

    def test_an_element_without_a_stored_environment_has_none(self) -> None:
        assert self.measured([0.1] * 3, environments={}) == {}

    def test_the_last_ten_are_kept(self) -> None:
        known = replace(self.KNOWN, usual_distance={"O": tuple(float(k) for k in range(10))})
        after = known.measured(SYMBOLS, self.ROWS, np.zeros(3))
        assert after.usual_distance["O"] == (*(float(k) for k in range(1, 10)), 0.25)
        assert replace(after, usual_distance=known.usual_distance) == known


def test_the_atoms_of_each_element_come_in_alphabetical_order() -> None:
    found = atoms_of(["O", "H", "Na", "H", "C"])
    assert {z: atoms.tolist() for z, atoms in found.items()} == {
        "C": [4], "H": [1, 3], "Na": [2], "O": [0],
    }  # fmt: skip
    assert list(found) == ["C", "H", "Na", "O"]


def test_a_state_answers_with_another_and_stays_as_it_was() -> None:
    known = TestEnvironments.KNOWN
    before, three = pickle.dumps(known), np.full((3, 3), 0.1)
    known.judge(SYMBOLS, three)
    known.tested(SYMBOLS, three, three)
    known.reached(SYMBOLS, three)
    known.measured(SYMBOLS, np.eye(3), np.zeros(3))
    known.remembering(SYMBOLS, np.eye(3)[::-1], 8)
    assert pickle.dumps(known) == before
