"""Calibration by element: it covers what it says, adapts both ways, and sets its own threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aofl.bayes.calibration import HIGHEST, Z_90, adapted_width
from aofl.learning.element_calibration import ElementCalibration
from aofl.records import FloatArray

STEADY = ElementCalibration(ratios=(2.0,) * 20)  # its factor is 2


def repeated(errors: FloatArray, s: FloatArray) -> ElementCalibration:
    """Return the calibration after twenty equal tests."""
    known = ElementCalibration()
    for _ in range(20):
        known = known.tested(errors, s)
    return known


class TestInterval:
    @pytest.mark.parametrize("misjudged_by", [0.4, 1.0, 3.0])
    def test_it_covers_ninety_percent_whatever_the_scale_of_the_errors(
        self, misjudged_by: float
    ) -> None:
        rng, known = np.random.default_rng(1), ElementCalibration()
        inside = []
        for _ in range(200):
            s = np.exp(rng.normal(size=(10, 1))) * np.ones(3)
            errors = misjudged_by * s * rng.normal(size=s.shape)
            inside.append(known.inside(errors, s) / s.size)
            known = known.tested(errors, s)
        assert 0.85 < np.mean(inside[30:]) < 0.95
        assert known.width == pytest.approx(misjudged_by * Z_90, rel=0.25)

    def test_it_follows_a_drift(self) -> None:
        rng, known = np.random.default_rng(2), ElementCalibration()
        s, inside = np.ones((10, 3)), []
        for k in range(180):
            errors = (1.0 if k < 60 else 4.0) * rng.normal(size=s.shape)
            inside.append(known.inside(errors, s) / s.size)
            known = known.tested(errors, s)
        assert 0.85 < np.mean(inside[120:]) < 0.95

    def test_nothing_missed_narrows_and_all_missed_widens(self) -> None:
        assert adapted_width(2.0, 0.0) < 2.0 < adapted_width(2.0, 1.0)
        assert adapted_width(2.0, 0.1) == 2.0

    def test_components_within_the_half_width_count_whatever_their_sign(self) -> None:
        known = ElementCalibration(width=2.0)
        s = np.array([[0.5, 0.5, 0.5], [1.0, 1.0, 0.25]])
        edge = np.nextafter(1.0, 2.0)
        errors = np.array([[1.0, -1.0, edge], [-edge, 2.0, -0.6]])
        assert known.inside(errors, s) == 4

    @pytest.mark.parametrize("missed", [0, 1, 3, 6])
    def test_its_width_adapts_to_the_share_that_it_missed(self, missed: int) -> None:
        errors = np.zeros(6)
        errors[:missed] = 9.0
        known = ElementCalibration(width=2.0).tested(errors.reshape(2, 3), np.ones((2, 3)))
        assert known.width == pytest.approx(adapted_width(2.0, missed / 6))

    def test_before_the_first_label_it_is_half_as_wide_again_as_that_of_a_normal_error(
        self,
    ) -> None:
        assert ElementCalibration().width == pytest.approx(1.5 * 1.645)


class TestFactor:
    def test_it_is_that_of_the_largest_error(self) -> None:
        known = repeated(np.diag([3.0, 3.0, 3.0]), np.full((3, 3), 1.0))
        assert known.factor == pytest.approx(np.sqrt(3.0))

    def test_a_small_error_that_was_foretold_smaller_does_not_count(self) -> None:
        errors, s = ([[2.0], [0.5]] * np.ones(3), [[1.0], [0.1]] * np.ones(3))
        assert repeated(errors, s).factor == pytest.approx(2.0)

    def test_a_test_adds_the_ratio_of_the_largest_rms_errors(self) -> None:
        errors = np.array([[3.0, 0.0, 0.0], [0.0, 0.0, -4.0]])
        s = np.array([[0.5, 0.5, 0.5], [0.0, 1.0, 0.0]])  # rms 0.5 and 0.577
        known = STEADY.tested(errors, s)
        assert known.ratios == (*(2.0,) * 19, pytest.approx(4.0))
        assert STEADY.ratios == (2.0,) * 20

    def test_a_young_force_field_is_cautious(self) -> None:
        assert ElementCalibration().factor == HIGHEST
        few, more = (ElementCalibration(ratios=(2.0,) * n).factor for n in (3, 10))
        assert few > more > 2.0

    def test_a_given_force_field_brings_its_own_until_a_label_has_tested_it(self) -> None:
        assert ElementCalibration(initial=3.0).factor == 3.0
        assert replace(STEADY, initial=3.0).factor == 2.0


class TestThreshold:
    def test_before_the_first_label_it_is_the_target(self) -> None:
        assert replace(STEADY, ratios=()).threshold(0.3, force_noise=99.0) == 0.3

    @pytest.mark.parametrize("target", [0.1, 0.3, 0.9])
    @pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
    def test_it_is_what_labels_reach_and_a_fifth_more_between_one_and_three_targets(
        self, target: float, noise: float
    ) -> None:
        """threshold = max(target, 1.2 c sqrt(<u^2> + sigma_F^2)), at most 3 targets."""
        known = replace(STEADY, reached=(0.1, 0.2, 0.05))
        floor = 1.2 * 2.0 * np.sqrt((0.01 + 0.04 + 0.0025) / 3 + noise**2)
        wanted = min(max(target, floor), 3 * target)
        assert known.threshold(target, noise) == pytest.approx(wanted, rel=1e-12)

    def test_an_unreachable_target_gives_way_but_not_without_bounds(self) -> None:
        known = replace(STEADY, reached=(0.4,) * 10)
        assert known.threshold(0.4, 0.0) == pytest.approx(0.96)
        assert known.threshold(0.5, 0.3) == pytest.approx(1.2)
        assert known.threshold(0.1, 0.0) == pytest.approx(0.3)

    @given(
        reached=st.lists(st.floats(0, 10), min_size=1, max_size=10).map(tuple),
        target=st.floats(0.01, 10),
        noise=st.floats(0, 10),
        more=st.floats(0, 10),
    )
    def test_it_lies_between_one_and_three_targets_and_grows_with_the_noise(
        self, reached: tuple[float, ...], target: float, noise: float, more: float
    ) -> None:
        known = replace(STEADY, reached=reached)
        assert target <= known.threshold(target, noise) <= 3 * target
        assert known.threshold(target, noise) <= known.threshold(target, noise + more) * (1 + 1e-12)

    def test_the_last_ten_labels_count(self) -> None:
        known = STEADY
        for k in range(12):
            known = known.learned(float(k))
        assert known.reached == tuple(float(k) for k in range(2, 12))
        assert STEADY.reached == ()
