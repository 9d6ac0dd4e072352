"""The chemistry rule: when it asks, and that it lets go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rule_cases import SETTINGS, observation, snapshot, state

from aofl.chemistry.snapshot import ChemistrySnapshot
from aofl.learning.learner_state import LearnerState
from aofl.learning.observation import Observation
from aofl.learning.reaction_watch import LAST_GAP_FS, ReactionWatch
from aofl.learning.rules.chemistry import chemistry

WATER = ReactionWatch(species=("H2O:1", "HO:2"), contacts=("H-O",))


def at(step: int, seen: ChemistrySnapshot | None, **changes: Any) -> Observation:
    return observation(step=step, chemistry=seen, timestep_fs=0.5, **changes)


def knowing(watch: ReactionWatch = WATER, **changes: Any) -> LearnerState:
    return state(watch=watch, **changes)


def labelled(
    known: LearnerState, step: int, seen: ChemistrySnapshot, *, is_surprise: bool = False
) -> LearnerState:
    watch = known.watch.labelled_at(step, seen, is_surprise=is_surprise, timestep_fs=0.5)
    return replace(known, watch=watch)


def test_nothing_new_is_accepted() -> None:
    seen = snapshot(species=("H2O:1",), contacts=("H-O",))
    for each in (seen, None):
        assert chemistry(at(100, each), knowing(), SETTINGS).action == "accept"


def test_an_element_pair_and_a_molecule_never_labelled_always_ask() -> None:
    touching = chemistry(at(100, snapshot(contacts=("H-O", "F-Na"))), knowing(), SETTINGS)
    assert (touching.action, touching.rule) == ("label", "chemistry")
    assert "F-Na" in touching.reason
    strange = chemistry(at(100, snapshot(species=("HO2:9",))), knowing(), SETTINGS)
    assert strange.action == "label"
    assert "HO2" in strange.reason


def test_a_bond_longer_than_any_that_was_labelled_asks_until_a_label_has_shown_it() -> None:
    known = knowing(replace(WATER, longest={"H-O": 1.10}))
    for length, action in ((1.12, "accept"), (1.14, "label")):
        seen = snapshot(species=("H2O:1",), longest={"H-O": length})
        found = chemistry(at(100, seen), known, SETTINGS)
        assert found.action == action
    assert (found.value, found.unit) == (1.14, "Å")
    assert found.threshold == pytest.approx(1.13)
    known = labelled(known, 100, seen)
    assert known.watch.longest == {"H-O": 1.14}
    assert not known.watch.is_on  # a stretched bond is no reaction
    assert chemistry(at(104, seen), known, SETTINGS).action == "accept"
    known = labelled(known, 120, replace(seen, longest={"H-O": 1.0}))
    assert known.watch.longest == {"H-O": 1.14}


@pytest.mark.parametrize(
    ("last_label", "can_rewind", "familiar", "action"),
    [(10, True, 0, "rewind"), (10, False, 0, "label"), (95, True, 0, "label"),
     (10, True, 3, "label")],
)  # fmt: skip
def test_a_change_is_rewound_once_where_that_helps(
    last_label: int, can_rewind: bool, familiar: int, action: str
) -> None:
    watch = replace(WATER, familiar={"H-O broken": familiar})
    known = knowing(watch, last_label_step=last_label)
    now = at(100, snapshot("H-O broken"), can_rewind=can_rewind)
    assert chemistry(now, known, SETTINGS).action == action
    once = replace(known, watch=watch.rewound(100, 0.5))
    assert chemistry(now, once, SETTINGS).action == "label"


def test_after_a_change_it_asks_at_doubling_gaps_and_then_lets_go() -> None:
    known = labelled(knowing(), 100, snapshot("H-O broken"))
    asked = []
    for step in range(101, 1000):
        if chemistry(at(step, None), known, SETTINGS).action == "label":
            asked.append(step)
            known = labelled(known, step, snapshot())
    assert np.diff([100, *asked]).tolist() == [8, 16, 32, 64, 128]
    assert not known.watch.is_on
    assert asked[-1] - 100 <= 2 * LAST_GAP_FS / 0.5


def test_a_change_that_comes_again_and_again_is_labelled_now_and_then() -> None:
    """A hop every 20 fs, one label in five a surprise: 2000 hops."""
    rng, known, asked = np.random.default_rng(0), knowing(), []
    hop = snapshot("H-O broken", "H-O formed")
    for step in range(0, 80_000, 40):
        if chemistry(at(step, hop), known, SETTINGS).action == "label":
            asked.append(step)
            known = labelled(known, step, hop, is_surprise=bool(rng.random() < 0.2))
    assert asked[:3] == [0, 40, 80]
    assert 10 < len(asked) < 60
    other = chemistry(at(80_000, snapshot("C-H broken")), known, SETTINGS)
    assert other.action == "label"
