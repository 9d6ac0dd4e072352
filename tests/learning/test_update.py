"""What a label teaches: first it tests what was predicted, then it is learned."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rule_cases import (
    SETTINGS,
    SYMBOLS,
    judgement,
    label,
    observation,
    prediction,
    snapshot,
    state,
)

from aofl.bayes.calibration import Z_90
from aofl.config.schema import LearningConfig
from aofl.learning.element_calibration import ElementCalibration
from aofl.learning.learner_state import LearnerState
from aofl.learning.reaction_watch import ReactionWatch
from aofl.learning.update import (
    Outcome,
    calibration_factors,
    calibration_of,
    compare,
    fresh_state,
    is_test,
    learn,
    noted,
    with_audit,
    with_chemistry,
    with_cost,
    with_failure,
)
from aofl.records import FloatArray, Label, Prediction, Verdict
from aofl.structure import Structure


def verdict(rule: str = "uncertainty") -> Verdict:
    return Verdict(action="label", rule=rule, reason="")


def outcome(
    errors: list[float], *, limits: float = 0.3, expected: list[float] | None = None
) -> Outcome:
    """Return how a prediction fared whose calibrated errors were as expected, eV/Å."""
    judged = judgement(expected or [0.2, 0.1, 0.1], [limits] * 3)
    return Outcome(
        atoms=np.arange(3),
        symbols=SYMBOLS,
        errors=np.array(errors),
        difference=np.zeros((3, 3)),
        deviations=np.full((3, 3), 0.01),
        inside={},
        judged=judged,
    )


def both(**what: Any) -> dict[str, ElementCalibration]:
    """Return the same calibration for both elements."""
    return {element: ElementCalibration(**what) for element in ("O", "H")}


TESTED = pytest.mark.parametrize(
    ("n_labels", "calibration", "is_tested"),
    [
        (0, {}, False),
        (5, {}, False),
        (1, both(reached=(0.1,)), False),
        (2, both(reached=(0.1,)), True),
        (0, both(initial=2.0), True),
        (1, both(initial=2.0, ratios=(1.0,)), True),
        (1, {**both(), "O": ElementCalibration(ratios=(1.0,))}, True),
    ],
    ids=["nothing learned", "nothing known", "one label", "two labels", "model given",
         "model and one label", "one element tested"],
)  # fmt: skip


class TestCompare:
    def test_errors_are_predicted_minus_true_and_their_rms_over_the_components(self) -> None:
        said = prediction(forces=np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]))
        told = label(np.array([[1.0, 2.0, 2.0], [0.3, 0.0, -0.4], [0.5, 0.5, 0.5]]))
        seen = observation(prediction=said)
        found = compare(seen, told, state())
        np.testing.assert_allclose(found.difference, said.forces - told.forces)
        np.testing.assert_allclose(found.errors, np.array([1.0, 0.5, 0.0]) / np.sqrt(3))
        assert found.largest == pytest.approx(1.0 / np.sqrt(3))
        np.testing.assert_array_equal(found.judged.errors, seen.judged.errors)
        assert found.judged.atom == seen.judged.atom
        assert (found.atoms.tolist(), found.symbols) == ([0, 1, 2], SYMBOLS)

    def test_of_a_cut_out_only_the_core_counts(self) -> None:
        known, seen = state(calibration=both(width=2.0)), observation(prediction=prediction(0.1))
        whole = label(np.array([[9.0] * 3, [0.3, 0.0, -0.4], [0.5] * 3]))
        part = compare(seen, replace(whole, core=np.array([1, 2])), known)
        every = compare(seen, whole, known)
        assert (part.atoms.tolist(), part.symbols) == ([1, 2], SYMBOLS[1:])
        np.testing.assert_array_equal(part.difference, every.difference[1:])
        np.testing.assert_array_equal(part.errors, every.errors[1:])
        np.testing.assert_array_equal(part.judged.limits, every.judged.limits[1:])
        assert part.largest == every.errors[1:].max()
        assert part.inside == {"H": every.inside["H"]}

    def test_components_inside_the_interval_are_counted_by_element(self) -> None:
        known = state(calibration=both(width=2.0))
        seen = observation(known, prediction=prediction(0.1))
        forces = np.array([[0.19, 0.19, 0.21], [0.1, -0.1, 0.3], [0.5, 0.5, 0.5]])
        assert compare(seen, label(forces), known).inside == {"O": (2, 3), "H": (2, 6)}

    @TESTED
    def test_they_are_not_where_there_was_no_calibration_to_test(
        self, n_labels: int, calibration: dict[str, ElementCalibration], is_tested: bool
    ) -> None:
        known = state(n_labels=n_labels, calibration=calibration)
        assert bool(compare(observation(known), label(0.2), known).inside) is is_tested

    @pytest.mark.parametrize(
        ("errors", "is_surprise"),
        [([0.25, 0.1, 0.1], False), ([0.1, np.nextafter(0.25, 1.0), 0.1], True),
         ([9.0, 9.0, 9.0], True)],
    )  # fmt: skip
    def test_one_error_above_its_threshold_is_a_surprise(
        self, errors: list[float], is_surprise: bool
    ) -> None:
        assert outcome(errors, limits=0.25).is_surprise is is_surprise

    def test_a_step_that_nobody_looked_at_cannot_be_compared(self) -> None:
        with pytest.raises(ValueError, match="not looked at"):
            compare(observation(prediction=prediction(None)), label(), state(calibration={}))


class TestNoted:
    @TESTED
    def test_the_calibration_is_tested_from_the_third_label_on_or_from_a_given_model(
        self, n_labels: int, calibration: dict[str, ElementCalibration], is_tested: bool
    ) -> None:
        known = state(n_labels=n_labels, calibration=calibration)
        assert is_test(known) is is_tested
        seen, told = observation(known), label(0.2)
        after = noted(known, seen, told, verdict(), compare(seen, told, known), SETTINGS)
        assert (after.calibration != calibration) is is_tested
        if is_tested:
            wanted = known.tested(SYMBOLS, np.full((3, 3), -0.2), np.full((3, 3), 0.01))
            assert after.calibration == wanted.calibration

    def test_audit_cost_and_chemistry_are_noted_too(self) -> None:
        """Each by its own function, on the state that the label has tested."""
        known = state(n_asked=4)
        seen, told = observation(known, chemistry=snapshot("H-O broken")), label(0.2)
        found, before = compare(seen, told, known), pickle.dumps(known)
        after = noted(known, seen, told, verdict("audit"), found, SETTINGS)
        wanted = known.tested(SYMBOLS, found.difference, seen.prediction.deviations)
        wanted = with_audit(wanted, verdict("audit"), found, 100, SETTINGS)
        wanted = with_chemistry(with_cost(wanted, 100, told), seen, found)
        assert pickle.dumps(after) == pickle.dumps(wanted)
        assert (after.n_audits, after.n_asked, after.watch.is_on) == (1, 5, True)
        assert pickle.dumps(known) == before


class TestAudit:
    KNOWN = state(audit_gap=64, n_audits=7, last_doubt_step=20)

    def after(self, rule: str, errors: list[float], *, expected: float = 0.2, **known: Any) -> Any:
        found = outcome(errors, expected=[expected, 0.1, 0.1])
        return with_audit(replace(self.KNOWN, **known), verdict(rule), found, 100, SETTINGS)

    @pytest.mark.parametrize("rule", ["uncertainty", "chemistry", "initial", "rewind"])
    @pytest.mark.parametrize("error", [0.1, 0.9])
    def test_a_label_that_is_no_audit_only_says_when_there_was_doubt(
        self, rule: str, error: float
    ) -> None:
        assert self.after(rule, [error] * 3) == replace(self.KNOWN, last_doubt_step=100)

    @pytest.mark.parametrize("rule", ["audit", "random_audit"])
    @pytest.mark.parametrize(("error", "doubt"), [(0.3, 20), (0.31, 100)])
    def test_an_audit_is_doubt_only_with_an_error_above_its_threshold(
        self, rule: str, error: float, doubt: int
    ) -> None:
        after = self.after(rule, [0.1, error, 0.1])
        assert (after.last_doubt_step, after.n_audits) == (doubt, 8)

    @pytest.mark.parametrize(
        ("rule", "error", "gap"),
        [("audit", 0.1, 128), ("audit", 0.9, 32), ("random_audit", 0.1, 64),
         ("random_audit", 0.9, 64)],
    )  # fmt: skip
    def test_only_a_scheduled_audit_changes_the_gap(
        self, rule: str, error: float, gap: int
    ) -> None:
        assert self.after(rule, [0.1, error, 0.1]).audit_gap == gap

    def test_the_gap_has_the_configured_end_and_an_error_below_the_target_is_no_surprise(
        self,
    ) -> None:
        assert self.after("audit", [0.1] * 3, audit_gap=1500).audit_gap == 2000
        short = LearningConfig(audit_max_gap_steps=100)
        known = with_audit(self.KNOWN, verdict("audit"), outcome([0.1] * 3), 100, short)
        assert known.audit_gap == 100
        many = replace(self.KNOWN, n_audits=159)
        assert with_audit(many, verdict("audit"), outcome([0.1] * 3), 100, short).audit_gap == 128
        assert self.after("audit", [0.25, 0.1, 0.1]).audit_gap == 128
        assert self.after("audit", [0.25, 0.1, 0.1], target=0.24).audit_gap == 32

    @pytest.mark.parametrize(
        ("error", "is_worse"), [(0.25, False), (np.nextafter(0.25, 1.0), True), (0.9, True)]
    )
    def test_whether_the_largest_error_exceeded_the_largest_expected_one_is_remembered(
        self, error: float, is_worse: bool
    ) -> None:
        after = self.after("random_audit", [0.01, float(error), 0.2], expected=0.25)
        assert after.audit_surprises == (is_worse,)

    def test_the_last_ten_are_remembered(self) -> None:
        after = self.after("audit", [0.9] * 3, audit_surprises=(True, *[False] * 9))
        assert after.audit_surprises == (*[False] * 9, True)

    @pytest.mark.parametrize("rule", ["audit", "random_audit"])
    def test_an_alarm_that_begins_audits_the_next_step_and_one_that_goes_on_does_not(
        self, rule: str
    ) -> None:
        five = (True,) * 5
        begun = self.after(rule, [0.9] * 3, audit_surprises=five)
        assert (begun.is_drifting, begun.audit_gap) == (True, 1)
        on = self.after(rule, [0.9] * 3, audit_surprises=five, is_drifting=True)
        assert (on.is_drifting, on.audit_gap) == (True, 32 if rule == "audit" else 64)
        quiet = (*[False] * 6, True, True, True)
        over = self.after(rule, [0.1] * 3, audit_surprises=quiet, is_drifting=True)
        assert (over.is_drifting, over.audit_gap) == (False, 128 if rule == "audit" else 64)
        none = self.after(rule, [0.1] * 3, audit_surprises=five)
        assert (none.is_drifting, none.audit_gap) == (False, 128 if rule == "audit" else 64)


class TestCost:
    def test_a_label_is_counted_with_its_step_and_time_and_ends_a_row_of_failures(self) -> None:
        known = state(
            n_asked=4, reference_seconds=10.0, label_steps=(3, 95), failures=2, n_failed=5
        )
        after = with_cost(known, 100, label(seconds=2.5))
        assert after == replace(
            known,
            n_asked=5,
            reference_seconds=12.5,
            label_steps=(3, 95, 100),
            last_label_step=100,
            failures=0,
        )

    def test_the_steps_of_the_last_two_thousand_labels_are_kept(self) -> None:
        after = with_cost(state(label_steps=tuple(range(2000))), 5000, label())
        assert after.label_steps == (*range(1, 2000), 5000)

    @pytest.mark.parametrize(
        ("failures", "hold"), [(0, 10), (1, 20), (2, 40), (3, 80), (4, 80), (60, 80)]
    )
    def test_after_a_failure_the_force_field_goes_on_alone_for_twice_as_long_each_time(
        self, failures: int, hold: int
    ) -> None:
        known = state(failures=failures, n_failed=7)
        assert with_failure(known, 100) == replace(
            known, failures=failures + 1, n_failed=8, hold_until=100 + hold
        )


class TestChemistry:
    @pytest.mark.parametrize("error", [0.1, 0.9])
    @pytest.mark.parametrize("timestep_fs", [0.5, 1.0])
    def test_the_watch_learns_what_the_label_has_shown(
        self, error: float, timestep_fs: float
    ) -> None:
        shown = snapshot("H-O broken", species=("HO:2",))
        seen = observation(chemistry=shown, timestep_fs=timestep_fs)
        known = state(watch=ReactionWatch(familiar={"H-O broken": 2}))
        after = with_chemistry(known, seen, outcome([error] * 3))
        wanted = known.watch.labelled_at(
            100, shown, is_surprise=error > 0.3, timestep_fs=timestep_fs
        )
        assert after.watch == wanted
        assert after.path.judged_bonded is shown.bonded
        assert (after.path.step, known.path.judged_bonded) == (99, None)

    def test_without_a_look_nothing_changes(self) -> None:
        known = state()
        assert with_chemistry(known, observation(), outcome([0.9] * 3)) is known


class ToyModel:
    """A force field that notes what it is asked, and whose deviations fall as it learns."""

    level = "toy"

    def __init__(self, after: FloatArray | None = None) -> None:
        self.calls: list[str] = []
        self.after = np.full((3, 3), 0.1) if after is None else after
        self.elements = ["H", "O"]
        self.calibration = np.array([[2.0, 1.0], [1.5, 3.0]])
        self.force_noise = 0.04
        self.learned: object | None = object()

    def learn(self, atoms: Structure, told: Label) -> None:
        self.calls.append("learn")
        self.force_noise = 0.05
        self.taught = (atoms, told)

    def predict(self, atoms: Structure, *, forces_std: str | None = None, **_: Any) -> Prediction:
        self.calls.append(f"predict {forces_std}")
        return prediction(energy=-7.5, forces_std=self.after)


class TestLearn:
    KNOWN = state(learned_ids=(3, 4), vasp_history=(0.01,) * 9, force_noise=0.02)

    def taught(
        self, model: ToyModel | None = None, known: LearnerState = KNOWN, **said: Any
    ) -> tuple[LearnerState, float]:
        self.seen = observation(known, prediction=prediction(**said))
        self.told, self.model = label(0.1), model or ToyModel()
        found = compare(self.seen, self.told, known)
        toy: Any = self.model
        return learn(toy, known, self.seen, self.told, 12, found, SETTINGS)

    def test_the_model_learns_the_label_and_says_what_the_energy_is_now(self) -> None:
        after, energy = self.taught()
        assert self.model.calls == ["learn", "predict sampled"]
        assert self.model.taught[0] is self.seen.structure
        assert self.model.taught[1] is self.told
        assert energy == -7.5
        assert (after.n_labels, after.learned_ids, after.force_noise) == (31, (3, 4, 12), 0.05)

    def test_what_it_reaches_is_noted_for_each_element(self) -> None:
        std = np.array([[0.3, 0.0, 0.4], [0.1] * 3, [0.2] * 3])
        after, _ = self.taught(ToyModel(std))
        assert after.calibration["O"].reached == (pytest.approx(0.5 / np.sqrt(3)),)
        assert after.calibration["H"].reached == (pytest.approx(0.2),)
        assert after.calibration["O"].ratios == self.KNOWN.calibration["O"].ratios

    def test_distances_are_measured_before_the_environments_are_remembered(self) -> None:
        """Afterwards each would be at no distance from itself."""
        known = self.KNOWN.remembering(SYMBOLS, np.eye(3)[[1, 2, 2]], 3)
        after, _ = self.taught(known=known)
        assert after.usual_distance == {"O": (1.0,), "H": (0.5,)}
        assert after.environments["O"].labels == (3, 12)
        assert after.environments["O"].atoms == (0, 0)
        assert len(known.environments["O"].labels) == 1

    def test_the_first_label_is_remembered_whole(self) -> None:
        after, _ = self.taught()
        assert after.usual_distance == {}
        assert {z: s.labels for z, s in after.environments.items()} == {"O": (12,), "H": (12, 12)}

    def test_the_threshold_of_the_well_known_code_follows_the_largest_deviation(self) -> None:
        std = np.array([[0.03, 0.0, 0.04], [0.001] * 3, [0.002] * 3])
        largest = 0.05 / np.sqrt(3)
        known = replace(self.KNOWN, vasp_history=(0.5, *(largest,) * 9))
        after, _ = self.taught(ToyModel(std), known)
        assert after.vasp_history == (*(largest,) * 9, pytest.approx(largest))
        assert after.vasp_threshold == pytest.approx(2 * largest)  # 1 + cx
        early, _ = self.taught(ToyModel(std), replace(self.KNOWN, vasp_history=(largest,) * 8))
        assert len(early.vasp_history) == 9
        assert early.vasp_threshold == self.KNOWN.vasp_threshold

    def test_the_state_before_stays_as_it_was(self) -> None:
        before = pickle.dumps(self.KNOWN)
        self.taught()
        assert pickle.dumps(self.KNOWN) == before

    def test_it_needs_a_prediction_that_was_looked_at(self) -> None:
        with pytest.raises(ValueError, match="looked at"):
            self.taught(environments=None)
        assert self.model.calls == []


class TestFreshState:
    def test_a_run_without_a_learned_force_field_begins_with_its_target(self) -> None:
        blank: Any = ToyModel()
        blank.learned = None
        for model in (None, blank):
            known = fresh_state(0.25, model)
            assert (known.target, known.path.limit, known.threshold) == (0.25, 0.25, 0.25)
            assert (dict(known.calibration), known.force_noise) == ({}, 0.0)

    def test_a_given_force_field_brings_calibration_and_noise(self) -> None:
        model: Any = ToyModel()
        known = fresh_state(0.25, model)
        assert known.calibration == calibration_of(model)
        assert (known.force_noise, known.n_labels) == (0.04, 0)
        assert (known.target, known.path.limit) == (0.25, 0.25)

    @pytest.mark.parametrize(
        ("deviation", "noise", "initial", "width"),
        [(2.0, 1.0, 4.0, 2.0), (1.0, 3.0, 6.0, 3.0), (0.5, 0.25, 1.5, 0.5),
         (15.0, 1.0, 20.0, 15.0)],
    )  # fmt: skip
    def test_the_largest_error_of_a_frame_is_twice_the_typical_within_bounds(
        self, deviation: float, noise: float, initial: float, width: float
    ) -> None:
        """And the half width of the 90 % interval is 1.645 typical ones."""
        model: Any = ToyModel()
        model.calibration = np.array([[1.0, 1.0], [deviation, noise]])
        found = calibration_of(model)["O"]
        assert found.initial == initial
        assert found.width == pytest.approx(1.645 * width)
        assert (found.ratios, found.reached) == ((), ())

    def test_a_force_field_is_given_back_the_factors_that_its_labels_have_shown(self) -> None:
        model: Any = ToyModel()
        model.elements = ["H", "Na", "O"]
        known = state(
            calibration={
                "O": ElementCalibration(width=3 * Z_90),
                "H": ElementCalibration(width=Z_90),
            }
        )
        factors = calibration_factors(known, model)
        np.testing.assert_allclose(factors, [[1.0, 1.0], [1.5, 1.5], [3.0, 3.0]])
