"""The chemistry rule: when it asks, in which order, and that it lets go."""

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
from aofl.learning.rules.chemistry import chemistry, is_time_to_look
from aofl.records import Verdict

WATER = ReactionWatch(species=("H2O:1", "HO:2"), contacts=("H-O",), longest={"H-O": 1.0})


def at(step: int, seen: ChemistrySnapshot | None, **changes: Any) -> Observation:
    return observation(**{"step": step, "chemistry": seen, "timestep_fs": 0.5, **changes})


def knowing(watch: ReactionWatch = WATER, **changes: Any) -> LearnerState:
    return state(watch=watch, **changes)


def labelled(
    known: LearnerState, step: int, seen: ChemistrySnapshot, *, is_surprise: bool = False
) -> LearnerState:
    watch = known.watch.labelled_at(step, seen, is_surprise=is_surprise, timestep_fs=0.5)
    return replace(known, watch=watch)


def verdict(seen: ChemistrySnapshot | None, known: LearnerState | None = None) -> Verdict:
    return chemistry(at(100, seen), known or knowing(), SETTINGS)


@pytest.mark.parametrize(
    ("timestep_fs", "steps"),
    [(0.5, [0, 4, 8]), (1.0, [0, 2, 4, 6, 8]), (0.25, [0, 8]), (5.0, list(range(10)))],
)
def test_the_bonds_are_looked_at_every_two_femtoseconds(
    timestep_fs: float, steps: list[int]
) -> None:
    assert [step for step in range(10) if is_time_to_look(step, timestep_fs)] == steps


class TestWhatIsSeen:
    def test_nothing_new_is_accepted(self) -> None:
        seen = snapshot(species=("H2O:1",), contacts=("H-O",), longest={"H-O": 1.0})
        for each in (seen, None):
            assert (verdict(each).action, verdict(each).rule) == ("accept", "chemistry")

    def test_the_first_label_is_not_the_chemistry_s(self) -> None:
        new = snapshot("H-O broken", species=("HO2:9",), contacts=("F-Na",))
        assert verdict(new, knowing(n_labels=0)).action == "accept"
        assert verdict(new, knowing(n_labels=1)).action == "label"

    def test_elements_that_never_touched_are_asked_about_and_named(self) -> None:
        found = verdict(snapshot(contacts=("H-O", "F-Na", "C-F")))
        assert (found.action, found.rule, found.atom) == ("label", "chemistry", None)
        assert found.reason.endswith(": C-F, F-Na")

    def test_molecules_never_labelled_are_asked_about_by_their_formulas(self) -> None:
        found = verdict(snapshot(species=("H2O:1", "HO2:9", "CO:3", "CO:4")))
        assert (found.action, found.rule) == ("label", "chemistry")
        assert found.reason.endswith(": CO, HO2")

    def test_a_change_is_asked_about_and_named_with_its_atom(self) -> None:
        found = verdict(snapshot("H-O broken", "H-O formed"))
        assert (found.action, found.rule, found.atom) == ("label", "chemistry", 0)
        assert found.reason == "H-O broken, H-O formed"

    def test_of_all_that_is_new_contacts_go_before_molecules_changes_and_long_bonds(self) -> None:
        new: dict[str, Any] = {"species": ("HO2:9",), "contacts": ("F-Na",)}
        long = {"H-O": 2.0}
        assert "touched" in verdict(snapshot("H-O broken", **new, longest=long)).reason
        del new["contacts"]
        assert "molecules" in verdict(snapshot("H-O broken", **new, longest=long)).reason
        assert verdict(snapshot("H-O broken", longest=long)).reason == "H-O broken"
        assert "longer" in verdict(snapshot(longest=long)).reason
        assert verdict(snapshot(longest=long, longest_atoms={"H-O": 2})).atom == 2


class TestStretchedBonds:
    @pytest.mark.parametrize(
        ("length", "action"),
        [(1.0, "accept"), (1.01, "accept"), (np.nextafter(1.01, 2.0), "label"), (1.2, "label")],
    )
    def test_a_bond_a_hundredth_longer_than_any_that_was_labelled_is_asked_about(
        self, length: float, action: str
    ) -> None:
        found = verdict(snapshot(longest={"H-O": float(length)}))
        assert found.action == action
        if action == "label":
            assert (found.rule, found.value, found.unit) == ("chemistry", length, "Å")
            assert found.threshold == pytest.approx(1.01)
            assert found.reason.startswith("H-O bond longer")

    def test_each_two_elements_have_a_longest_bond_of_their_own(self) -> None:
        found = verdict(snapshot(longest={"H-O": 1.01, "C-O": 1.02}))
        assert (found.action, found.value) == ("label", 1.02)
        assert found.threshold == pytest.approx(0.01)  # of C-O no label has shown any

    def test_it_asks_until_a_label_has_shown_it_and_no_reaction_is_watched(self) -> None:
        seen = snapshot(species=("H2O:1",), longest={"H-O": 1.14})
        known = labelled(knowing(), 100, seen)
        assert not known.watch.is_on
        assert chemistry(at(104, seen), known, SETTINGS).action == "accept"
        known = labelled(known, 120, replace(seen, longest={"H-O": 1.0}))
        assert known.watch.longest == {"H-O": 1.14}  # a shorter one is not forgotten over


class TestBeforeAChange:
    """Steps of 0.5 fs: a label within the last 20 steps is as good as one before the change."""

    CHANGE = snapshot("H-O broken", "H-O formed")

    def action(self, watch: ReactionWatch = WATER, *, last_label: int = 10, **seen: Any) -> str:
        known = knowing(watch, last_label_step=last_label)
        return chemistry(
            at(100, self.CHANGE, **{"can_rewind": True, **seen}), known, SETTINGS
        ).action

    def test_the_run_goes_back_and_says_why(self) -> None:
        found = chemistry(
            at(100, self.CHANGE, can_rewind=True), knowing(last_label_step=10), SETTINGS
        )
        assert (found.action, found.rule, found.atom) == ("rewind", "chemistry", 0)
        assert found.reason == "H-O broken, H-O formed: label before it"
        assert not found.is_doubt

    def test_it_comes_before_all_that_is_new(self) -> None:
        new = replace(self.CHANGE, contacts=frozenset({"F-Na"}), species=frozenset({"HO2:9"}))
        seen = at(100, new, can_rewind=True)
        assert chemistry(seen, knowing(last_label_step=10), SETTINGS).action == "rewind"

    def test_only_where_the_driver_can(self) -> None:
        assert self.action(can_rewind=False) == "label"

    @pytest.mark.parametrize(
        ("last_label", "action"), [(79, "rewind"), (80, "label"), (99, "label")]
    )
    def test_not_where_a_label_is_as_recent_as_ten_femtoseconds(
        self, last_label: int, action: str
    ) -> None:
        assert self.action(last_label=last_label) == action

    @pytest.mark.parametrize(("doublings", "action"), [(2, "rewind"), (3, "label")])
    def test_not_where_every_kind_is_familiar(self, doublings: int, action: str) -> None:
        both = dict.fromkeys(self.CHANGE.changes, doublings)
        assert self.action(replace(WATER, familiar=both)) == action
        assert self.action(replace(WATER, familiar={"H-O broken": 9})) == "rewind"

    @pytest.mark.parametrize(("until", "action"), [(100, "rewind"), (101, "label")])
    def test_not_again_for_the_same_change(self, until: int, action: str) -> None:
        assert self.action(replace(WATER, no_rewind_before=until)) == action
        assert self.action(WATER.rewound(100, 0.5)) == "label"

    def test_not_for_a_change_within_its_gap(self) -> None:
        """It has been labelled two steps ago, with a gap of eight steps."""
        just = dict.fromkeys(self.CHANGE.changes, 98)
        assert self.action(replace(WATER, labelled=just)) == "accept"

    def test_what_did_not_change_sends_nobody_back(self) -> None:
        seen = at(100, snapshot(contacts=("F-Na",)), can_rewind=True)
        assert chemistry(seen, knowing(last_label_step=10), SETTINGS).action == "label"


class TestAfterAChange:
    WATCHED = replace(WATER, gap=8, due=108, kinds=("C-O broken", "H-O formed"))

    @pytest.mark.parametrize(("step", "action"), [(107, "accept"), (108, "label"), (109, "label")])
    @pytest.mark.parametrize("seen", [None, snapshot()], ids=["unseen", "seen"])
    def test_a_label_is_due_once_the_gap_is_over(
        self, seen: ChemistrySnapshot | None, step: int, action: str
    ) -> None:
        found = chemistry(at(step, seen), knowing(self.WATCHED), SETTINGS)
        assert (found.action, found.rule) == (action, "chemistry")

    def test_it_says_after_what_and_after_how_many_steps(self) -> None:
        found = chemistry(at(108, None), knowing(self.WATCHED), SETTINGS)
        assert found.reason == "after C-O broken, H-O formed"
        assert (found.value, found.threshold, found.unit) == (8.0, 8.0, "steps")

    def test_where_nothing_is_watched_nothing_is_due(self) -> None:
        assert chemistry(at(999, None), knowing(replace(WATER, due=5)), SETTINGS).action == "accept"

    def test_it_asks_at_doubling_gaps_and_then_lets_go(self) -> None:
        known = labelled(knowing(), 100, snapshot("H-O broken"))
        asked = []
        for step in range(101, 1000):
            if chemistry(at(step, None), known, SETTINGS).action == "label":
                asked.append(step)
                known = labelled(known, step, snapshot())
        assert np.diff([100, *asked]).tolist() == [8, 16, 32, 64, 128]
        assert not known.watch.is_on
        assert asked[-1] - 100 <= 2 * LAST_GAP_FS / 0.5

    def test_a_change_that_comes_again_and_again_is_labelled_now_and_then(self) -> None:
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
