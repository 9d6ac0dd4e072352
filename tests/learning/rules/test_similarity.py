"""Similarity screening: a call is skipped where every flagged atom is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rule_cases import SETTINGS, SYMBOLS, judgement, observation, prediction, state

from aofl.config.schema import LearningConfig
from aofl.learning.learner_state import LearnerState
from aofl.learning.observation import Observation
from aofl.learning.reaction_watch import ReactionWatch
from aofl.learning.rules.policy import screened_uncertainty
from aofl.learning.rules.similarity import similarity
from aofl.learning.rules.uncertainty import uncertainty
from aofl.records import Verdict

FLAG = Verdict(
    action="label", rule="uncertainty", reason="calibrated force error above the threshold",
    atom=0, element="O", value=0.4, threshold=0.3, unit="eV/Å",
)  # fmt: skip
USUAL = {"O": (0.125,), "H": (0.125,)}  # with a factor of 2, known is nearer than 0.25
NARROW = {"O": (0.0125,), "H": (0.0125,)}  # known is nearer than 0.025, far beyond 0.25
EXACT = LearningConfig(similarity_factor=2.0, screening_factor=2.0)


def knowing(**changes: Any) -> LearnerState:
    """Return a state that knows environment 0 of oxygen, and 1 and 2 of hydrogen."""
    known = state(**{"usual_distance": USUAL, **changes})
    return known.remembering(SYMBOLS, np.eye(3), label_id=7)


def away(atom: int, distance: float) -> np.ndarray:
    """Return environments of which one is so far from the labelled one that is nearest."""
    environments, cosine = np.eye(4)[:3], 1.0 - distance
    environments[atom] = cosine * np.eye(4)[atom] + np.sqrt(1.0 - cosine**2) * np.eye(4)[3]
    return environments


def flagged(
    errors: list[float] | None = None, *, environments: np.ndarray | None = None
) -> Observation:
    """Return an observation with these errors beside thresholds of 1 eV/Å; all atoms known."""
    seen = prediction(environments=np.eye(4)[:3] if environments is None else environments)
    return observation(prediction=seen, judgement=judgement(errors or [1.5] * 3, [1.0] * 3))


def screened(seen: Observation, settings: LearningConfig = EXACT, **changes: Any) -> Verdict:
    known = state(**{"usual_distance": USUAL, **changes})
    known = known.remembering(SYMBOLS, np.eye(4)[:3], label_id=7)
    return similarity(FLAG, seen, known, settings)


def test_a_known_structure_is_skipped_with_its_neighbour() -> None:
    seen = observation(prediction=prediction(0.2))
    verdict = similarity(uncertainty(seen, knowing(), SETTINGS), seen, knowing(), SETTINGS)
    assert (verdict.action, verdict.rule) == ("skip", "similarity")
    assert verdict.neighbour is not None
    assert (verdict.neighbour.label, verdict.neighbour.atom) == (7, verdict.atom)
    assert verdict.neighbour.distance == pytest.approx(0.0, abs=1e-12)
    assert "close to a labelled environment" in verdict.reason


@pytest.mark.parametrize("atom", [0, 1, 2])
@pytest.mark.parametrize(
    ("distance", "action"), [(0.0, "skip"), (0.249, "skip"), (0.25, "label"), (0.26, "label")]
)
def test_known_is_nearer_than_the_factor_times_the_usual_distance(
    atom: int, distance: float, action: str
) -> None:
    """The reach is 2 x 0.125 = 0.25; one atom beyond it among known ones is enough."""
    verdict = screened(flagged(environments=away(atom, distance)))
    assert verdict.action == action
    if action == "label":
        assert (verdict.atom, verdict.rule) == (atom, "uncertainty")


@pytest.mark.parametrize(("factor", "action"), [(1.9, "label"), (2.1, "skip")])
def test_the_reach_grows_with_the_configured_factor(factor: float, action: str) -> None:
    settings = LearningConfig(similarity_factor=factor)
    seen = flagged(environments=away(2, 0.25))
    assert screened(seen, settings).action == action
    tripled = LearningConfig(similarity_factor=factor / 3)
    usual = dict.fromkeys("OH", (0.375,))
    assert screened(seen, tripled, usual_distance=usual).action == action


def test_the_reach_is_that_of_the_element() -> None:
    usual = {"O": (0.3,), "H": (0.1,)}
    assert screened(flagged(environments=away(0, 0.4)), usual_distance=usual).action == "skip"
    assert screened(flagged(environments=away(1, 0.4)), usual_distance=usual).action == "label"


def test_an_environment_of_another_element_is_not_known() -> None:
    swapped = flagged(environments=np.eye(4)[[1, 0, 2]])
    verdict = screened(swapped)
    assert (verdict.action, verdict.atom) == ("label", 0)
    assert verdict.neighbour is not None
    assert verdict.neighbour.distance == 1.0


def test_an_element_without_a_usual_distance_or_without_labels_is_not_known() -> None:
    assert screened(flagged(), usual_distance={"H": (0.125,)}).action == "label"
    known = state(usual_distance=USUAL)  # remembers no environment
    verdict = similarity(FLAG, flagged(), known, EXACT)
    assert (verdict.action, verdict.neighbour) == ("label", None)


def test_atoms_at_or_below_their_threshold_are_not_asked_about() -> None:
    unknown = away(0, 1.0)
    assert screened(flagged([1.0, 1.5, 0.2], environments=unknown)).action == "skip"
    above = [float(np.nextafter(1.0, 2.0)), 1.5, 0.2]
    assert screened(flagged(above, environments=unknown)).action == "label"


def test_the_strangest_of_the_flagged_atoms_is_named_not_the_worst() -> None:
    verdict = screened(flagged([1.1, 1.6, 1.2], environments=away(2, 0.3)))
    assert (verdict.action, verdict.atom, verdict.element) == ("label", 2, "H")
    assert (verdict.value, verdict.threshold, verdict.unit) == (1.2, 1.0, "eV/Å")
    assert verdict.neighbour is not None
    assert verdict.neighbour.distance == pytest.approx(0.3)
    assert verdict.neighbour.atom == 2


@pytest.mark.parametrize(
    ("error", "action"), [(np.nextafter(2.0, 0.0), "skip"), (2.0, "label"), (2.1, "label")]
)
def test_an_error_of_the_screening_factor_times_its_threshold_is_labelled_though_similar(
    error: float, action: str
) -> None:
    assert screened(flagged([1.1, float(error), 1.1])).action == action


def test_the_screening_factor_is_the_configured_one() -> None:
    wide = LearningConfig(similarity_factor=2.0, screening_factor=4.0)
    assert screened(flagged([1.1, 3.9, 1.1]), wide).action == "skip"


@pytest.mark.parametrize(
    ("changes", "action"),
    [({"n_labels": 10}, "skip"), ({"n_labels": 9}, "label"),
     ({"watch": ReactionWatch(gap=8)}, "label")],
)  # fmt: skip
def test_nothing_is_screened_before_ten_labels_or_while_a_reaction_is_watched(
    changes: dict[str, Any], action: str
) -> None:
    assert screened(flagged(), **changes).action == action


@pytest.mark.parametrize("without", ["labels", "deviations", "environments"])
def test_where_nothing_can_be_compared_the_flag_stands_as_it_is(without: str) -> None:
    seen, known = flagged(), knowing()
    match without:
        case "labels":
            known = knowing(n_labels=0)
        case "deviations":
            seen = observation(prediction=prediction(None))
        case "environments":
            seen = observation(prediction=prediction(environments=None))
    assert similarity(FLAG, seen, known, EXACT) is FLAG


def test_an_error_that_is_not_a_number_is_asked_about() -> None:
    verdict = screened(flagged([np.nan, 0.1, 0.1]))
    assert (verdict.action, verdict.atom) == ("label", 0)


class TestRunaway:
    """An error beyond 10 thresholds, on an atom beyond 10 times the distance that is known."""

    def lost(self, error: float = 11.0, distance: float = 0.26) -> Observation:
        return flagged([error, 1.5, 1.5], environments=away(0, distance))

    def test_it_is_rewound_on_the_word_of_the_force_field_alone(self) -> None:
        verdict = screened(self.lost(), usual_distance=NARROW)
        assert (verdict.action, verdict.rule) == ("rewind", "similarity")
        assert verdict.is_doubt
        assert (verdict.atom, verdict.value, verdict.threshold) == (0, 11.0, 1.0)
        assert "far outside" in verdict.reason

    @pytest.mark.parametrize(
        ("error", "distance", "n_labels", "action"),
        [(10.0, 0.26, 30, "label"), (10.1, 0.26, 30, "rewind"), (11.0, 0.249, 30, "label"),
         (11.0, 0.251, 30, "rewind"), (11.0, 0.26, 20, "rewind"), (11.0, 0.26, 19, "label")],
    )  # fmt: skip
    def test_it_takes_a_large_error_far_from_everything_and_twenty_labels(
        self, error: float, distance: float, n_labels: int, action: str
    ) -> None:
        verdict = screened(self.lost(error, distance), usual_distance=NARROW, n_labels=n_labels)
        assert verdict.action == action

    def test_exactly_ten_times_as_far_is_not_yet_far(self) -> None:
        """0.625 = 10 x 2 x 0.03125, all without rounding."""
        usual = {"O": (0.03125,), "H": (0.03125,)}
        assert screened(self.lost(distance=0.625), usual_distance=usual).action == "label"
        assert screened(self.lost(distance=0.626), usual_distance=usual).action == "rewind"

    def test_far_means_nothing_where_nothing_is_known_of_the_element(self) -> None:
        verdict = screened(self.lost(), usual_distance={"H": (0.0125,)})
        assert (verdict.action, verdict.atom) == ("label", 0)


def test_what_the_uncertainty_accepts_is_not_screened() -> None:
    calm = observation(prediction=prediction(0.01))
    assert screened_uncertainty(calm, knowing(), SETTINGS).action == "accept"


def test_the_uncertainty_s_flag_goes_through_the_screening() -> None:
    seen = observation(prediction=prediction(0.2))
    assert screened_uncertainty(seen, knowing(), SETTINGS).action == "skip"
    environments = np.eye(3)
    environments[2] = [0.0, 0.8, 0.6]  # far from anything hydrogen has been
    usual = {"O": (0.01,), "H": (0.01,)}
    known = knowing(usual_distance=usual)
    swapped = observation(prediction=prediction(5.0, environments=np.eye(3)[[1, 0, 0]]))
    assert screened_uncertainty(swapped, known, SETTINGS).action == "rewind"


def test_strict_skips_nothing_above_the_target() -> None:
    assert screened(flagged([1.1, 0.2, 0.3])).action == "skip"
    assert screened(flagged([1.1, 0.2, 0.3]), is_strict=True).action == "label"
