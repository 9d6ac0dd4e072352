"""Each rule on situations made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rule_cases import POSITIONS, SETTINGS, memory, prediction, situation

from aofl.bayes.calibration import HIGHEST
from aofl.config.schema import GuardsConfig, LearningConfig
from aofl.learning.element_calibration import CEILING, ElementCalibration
from aofl.learning.learner_state import LearnerState
from aofl.learning.rules.audit import ENOUGH, QUIET, audit, next_gap, probability
from aofl.learning.rules.guards import approach, guards
from aofl.learning.rules.policy import RULES, decide, screened_uncertainty
from aofl.learning.rules.reaction_watch import ReactionWatch
from aofl.learning.rules.similarity import similarity
from aofl.learning.rules.uncertainty import GROWTH, has_grown, uncertainty


class TestGuards:
    def test_an_ordinary_step_passes(self) -> None:
        assert guards(situation(), memory(), SETTINGS).action == "accept"

    def test_close_atoms_are_refused_also_across_the_boundary(self) -> None:
        positions = POSITIONS + np.array([9.9, 0.0, 0.0])
        positions[1] = [0.2, 0.0, 0.0]  # 0.3 Å from the oxygen through the cell face
        verdict = guards(
            situation(positions=positions, previous_positions=None), memory(), SETTINGS
        )
        assert (verdict.action, verdict.rule) == ("rewind", "guard")
        assert verdict.value == pytest.approx(0.3 / (0.66 + 0.31), rel=1e-6)

    def test_a_leap_is_refused(self) -> None:
        verdict = guards(
            situation(previous_positions=POSITIONS + np.array([0.0, 0.31, 0.0])), memory(), SETTINGS
        )
        assert verdict.action == "rewind"
        assert verdict.value == pytest.approx(0.31)

    def test_a_huge_force_is_refused_and_named(self) -> None:
        forces = np.zeros((3, 3))
        forces[2, 1] = -61.0
        verdict = guards(situation(prediction=prediction(forces=forces)), memory(), SETTINGS)
        assert (verdict.action, verdict.atom, verdict.element) == ("rewind", 2, "H")

    def test_of_the_first_structure_the_label_tells_the_force(self) -> None:
        strange = situation(prediction=prediction(forces=np.full((3, 3), 61.0)))
        first = replace(strange, previous_positions=None)
        assert guards(first, memory(), SETTINGS).action == "accept"

    def test_nan_is_refused(self) -> None:
        forces = np.zeros((3, 3))
        forces[1, 0] = np.nan
        verdict = guards(situation(prediction=prediction(forces=forces)), memory(), SETTINGS)
        assert (verdict.action, verdict.atom) == ("rewind", 1)

    def test_heat_is_refused_by_the_configured_limit(self) -> None:
        tight = LearningConfig(guards=GuardsConfig(max_temperature_K=400.0))
        assert guards(situation(temperature=401.0), memory(), tight).action == "rewind"
        assert guards(situation(temperature=399.0), memory(), tight).action == "accept"


class TestApproach:
    def labelled(self, refused: int, last: int) -> list[int]:
        """Return the steps that are labelled on the way to one that was refused."""
        known, found = memory(refused_at=refused, last_label_step=last), []
        for step in range(last, refused + 5):
            if approach(situation(step=step), known, SETTINGS).action == "label":
                known.last_label_step = step
                found.append(step)
        return found

    def test_each_label_halves_what_is_left_to_the_refused_step(self) -> None:
        assert self.labelled(refused=116, last=100) == [108, 112, 114, 115]
        assert self.labelled(refused=101, last=100) == []

    def test_nothing_is_asked_where_nothing_was_refused_or_it_is_past(self) -> None:
        assert self.labelled(refused=-1, last=95) == []
        assert self.labelled(refused=90, last=95) == []


class TestUncertainty:
    @pytest.mark.parametrize(("std", "action"), [(0.149, "accept"), (0.151, "label")])
    def test_labels_above_the_calibrated_threshold(self, std: float, action: str) -> None:
        # c = 2, threshold = 0.3 eV/Å: the limit on the deviation is 0.15 eV/Å.
        verdict = uncertainty(situation(prediction=prediction(std)), memory(), SETTINGS)
        assert verdict.action == action

    def test_the_noise_belongs_to_the_error(self) -> None:
        noisy = memory(force_noise=0.14)
        verdict = uncertainty(situation(prediction=prediction(0.06)), noisy, SETTINGS)
        assert verdict.action == "label"

    def test_an_unreachable_target_gives_way_to_what_labels_reach(self) -> None:
        trust = ElementCalibration(ratios=[2.0] * 20, reached=[0.4] * 10)
        assert trust.threshold(0.4, 0.0) == pytest.approx(1.2 * 2.0 * 0.4)
        assert trust.threshold(0.5, 0.3) == pytest.approx(1.2 * 2.0 * 0.5)
        assert trust.threshold(0.1, 0.0) == pytest.approx(CEILING * 0.1)

    def test_a_young_memory_is_cautious(self) -> None:
        assert ElementCalibration().factor == HIGHEST
        assert (
            ElementCalibration(ratios=[2.0] * 3).factor
            > ElementCalibration(ratios=[2.0] * 10).factor
            > 2.0
        )

    def test_elements_are_calibrated_apart(self) -> None:
        uneven = memory()
        uneven.trust["H"] = ElementCalibration(ratios=[4.0] * 20)
        judged = uneven.judge(["O", "H", "H"], np.full((3, 3), 0.1))
        np.testing.assert_allclose(judged.errors, [0.2, 0.4, 0.4])
        assert (judged.atom, judged.error, judged.limit) == (1, pytest.approx(0.4), 0.3)
        verdict = uncertainty(situation(prediction=prediction(0.1)), uneven, SETTINGS)
        assert (verdict.action, verdict.element) == ("label", "H")


class TestSimilarity:
    def known(self) -> LearnerState:
        """Return a memory that knows environment 0 of oxygen and 1 of hydrogen."""
        grown = memory(usual_distance={"O": [0.01], "H": [0.01]})
        grown.remember(["O", "H", "H"], np.eye(3), label_id=7)
        return grown

    def test_a_known_structure_is_skipped_with_its_neighbour(self) -> None:
        flag = uncertainty(situation(prediction=prediction(0.2)), self.known(), SETTINGS)
        verdict = similarity(flag, situation(prediction=prediction(0.2)), self.known(), SETTINGS)
        assert verdict.action == "skip"
        assert verdict.neighbour is not None
        assert verdict.neighbour.label == 7

    def test_one_new_atom_among_known_ones_is_enough_for_a_label(self) -> None:
        environments = np.eye(3)
        environments[2] = [0.0, 0.8, 0.6]  # far from anything hydrogen has been
        new = situation(prediction=prediction(0.2, environments=environments))
        verdict = screened_uncertainty(new, self.known(), SETTINGS)
        assert (verdict.action, verdict.atom) == ("label", 2)

    def test_a_large_error_is_labelled_though_similar(self) -> None:
        bad = situation(prediction=prediction(0.31))  # twice the threshold of 0.3 is 0.6 = 2 x 0.3
        assert screened_uncertainty(bad, self.known(), SETTINGS).action == "label"

    def test_nothing_is_screened_while_young_or_while_a_reaction_is_watched(self) -> None:
        flagged = situation(prediction=prediction(0.2))
        for name, value in (("n_labels", 9), ("watch", ReactionWatch(gap=8))):
            known = self.known()
            setattr(known, name, value)
            assert screened_uncertainty(flagged, known, SETTINGS).action == "label"

    def test_a_runaway_is_rewound(self) -> None:
        environments = np.eye(3)[[1, 0, 0]]
        lost = situation(prediction=prediction(5.0, environments=environments))
        assert screened_uncertainty(lost, self.known(), SETTINGS).action == "rewind"

    def test_where_a_label_led_a_runaway_is_asked_about(self) -> None:
        environments = np.eye(3)[[1, 0, 0]]
        lost = situation(prediction=prediction(5.0, environments=environments))
        led = replace(lost, is_after_label=True)
        assert decide(RULES["aofl"], lost, self.known(), SETTINGS).action == "rewind"
        assert decide(RULES["aofl"], led, self.known(), SETTINGS).action == "label"


class TestAudit:
    def test_the_gap_brings_an_audit(self) -> None:
        assert audit(situation(step=144), memory(), SETTINGS).action == "accept"
        due = audit(situation(step=145), memory(), SETTINGS)
        assert (due.action, due.rule) == ("label", "audit")

    def test_random_audits_come_at_their_rate_and_depend_on_the_step_alone(self) -> None:
        often = LearningConfig(audit_probability=0.1)
        doubted = [memory(audit_gap=10**6, last_doubt_step=k) for k in range(2000)]
        first = [audit(situation(step=k), doubted[k], often).rule for k in range(2000)]
        again = [audit(situation(step=k), doubted[k], often).rule for k in range(2000)]
        assert first == again
        assert 150 < first.count("random_audit") < 250

    def test_random_audits_thin_out_while_nothing_is_in_doubt(self) -> None:
        often = LearningConfig(audit_probability=0.1)
        quiet = memory(audit_gap=10**6, last_doubt_step=0)
        drawn = [audit(situation(step=k), quiet, often).rule for k in range(20 * QUIET)]
        n_expected = 0.1 * QUIET * (1 + np.log(20))
        assert drawn.count("random_audit") == pytest.approx(n_expected, rel=0.2)
        assert probability(QUIET, ENOUGH, 0.1) == 0.1
        assert probability(4 * QUIET, ENOUGH, 0.1) == 0.025
        assert probability(QUIET, 4 * ENOUGH, 0.1) == 0.025

    def test_the_gap_doubles_without_and_halves_with_a_surprise(self) -> None:
        assert next_gap(8, error=0.1, expected=0.2, target=0.3, longest=100) == 16
        assert next_gap(8, error=0.5, expected=0.2, target=0.3, longest=100) == 4
        assert next_gap(8, error=0.25, expected=0.2, target=0.3, longest=100) == 16
        assert next_gap(80, error=0.1, expected=0.2, target=0.3, longest=100) == 100


@pytest.mark.parametrize("mode", ["aofl", "cofl"])
def test_a_huge_force_is_asked_about_where_a_label_led(mode: str) -> None:
    huge = situation(prediction=prediction(forces=np.full((3, 3), 61.0)))
    led = replace(huge, is_after_label=True)
    leapt = replace(led, previous_positions=POSITIONS + np.array([0.0, 0.31, 0.0]))
    actions = [decide(RULES[mode], x, memory(), SETTINGS).action for x in (huge, led, leapt)]
    assert actions == ["rewind", "label", "rewind"]


def test_only_aofl_screens() -> None:
    known = TestSimilarity().known()
    flagged = situation(prediction=prediction(0.2))
    actions = {
        mode: decide(RULES[mode], flagged, known, SETTINGS).action
        for mode in ("cofl", "aofl", "mlff")
    }
    assert actions == {"cofl": "label", "aofl": "skip", "mlff": "accept"}


def test_memory_survives_json() -> None:
    before = memory(usual_distance={"O": [0.1 + 0.2]})
    assert LearnerState.from_json(before.to_json()) == before


def test_a_look_is_due_where_one_atom_grew_however_small_its_deviation() -> None:
    seen = [1.0, 0.01, 0.2]
    assert not has_grown(np.array(seen), seen)
    assert not has_grown(GROWTH * np.array(seen), seen)
    assert has_grown(np.array([1.0, 0.01 * GROWTH * 1.001, 0.2]), seen)
    assert has_grown(None, seen)
    assert has_grown(np.array(seen), [])
    assert has_grown(np.array(seen), seen[:2])
