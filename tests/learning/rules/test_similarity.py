"""Similarity screening: a call is skipped where every flagged atom is known."""

from __future__ import annotations

import numpy as np
import pytest
from rule_cases import SETTINGS, SYMBOLS, observation, prediction, state

from aofl.learning.learner_state import LearnerState
from aofl.learning.reaction_watch import ReactionWatch
from aofl.learning.rules.policy import screened_uncertainty
from aofl.learning.rules.similarity import similarity
from aofl.learning.rules.uncertainty import uncertainty


def knowing(**changes: object) -> LearnerState:
    """Return a state that knows environment 0 of oxygen, and 1 and 2 of hydrogen."""
    known = state(usual_distance={"O": (0.01,), "H": (0.01,)}, **changes)
    return known.remembering(SYMBOLS, np.eye(3), label_id=7)


def test_a_known_structure_is_skipped_with_its_neighbour() -> None:
    seen = observation(prediction=prediction(0.2))
    verdict = similarity(uncertainty(seen, knowing(), SETTINGS), seen, knowing(), SETTINGS)
    assert verdict.action == "skip"
    assert verdict.neighbour is not None
    assert verdict.neighbour.label == 7


def test_one_new_atom_among_known_ones_is_enough_for_a_label() -> None:
    environments = np.eye(3)
    environments[2] = [0.0, 0.8, 0.6]  # far from anything hydrogen has been
    new = observation(prediction=prediction(0.2, environments=environments))
    verdict = screened_uncertainty(new, knowing(), SETTINGS)
    assert (verdict.action, verdict.atom) == ("label", 2)


def test_a_large_error_is_labelled_though_similar() -> None:
    bad = observation(prediction=prediction(0.31))  # twice the threshold of 0.3 is 0.6 = 2 x 0.3
    assert screened_uncertainty(bad, knowing(), SETTINGS).action == "label"


@pytest.mark.parametrize("changes", [{"n_labels": 9}, {"watch": ReactionWatch(gap=8)}])
def test_nothing_is_screened_while_young_or_while_a_reaction_is_watched(
    changes: dict[str, object],
) -> None:
    flagged = observation(prediction=prediction(0.2))
    assert screened_uncertainty(flagged, knowing(), SETTINGS).action == "skip"
    assert screened_uncertainty(flagged, knowing(**changes), SETTINGS).action == "label"


def test_a_runaway_is_rewound() -> None:
    environments = np.eye(3)[[1, 0, 0]]
    lost = observation(prediction=prediction(5.0, environments=environments))
    assert screened_uncertainty(lost, knowing(), SETTINGS).action == "rewind"
