"""What the chemistry rule remembers: gaps that double, kinds of change that become familiar."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_cases import snapshot

from aofl.chemistry.snapshot import ChemistrySnapshot
from aofl.learning.reaction_watch import ReactionWatch, gap_after, steps_in
from aofl.plain import from_plain, to_plain

BROKEN, FORMED = "H-O broken", "H-O formed"


def after(
    watch: ReactionWatch,
    step: int,
    seen: ChemistrySnapshot | None = None,
    *,
    is_surprise: bool = False,
    timestep_fs: float = 1.0,
) -> ReactionWatch:
    """Return the watch after a label that saw no change, if not told otherwise."""
    return watch.labelled_at(
        step, seen or snapshot(), is_surprise=is_surprise, timestep_fs=timestep_fs
    )


def labels(watch: ReactionWatch, *, is_surprise: bool) -> tuple[int, ReactionWatch]:
    """Return how many labels one change costs until it is let go, and what is known then."""
    watch, n = after(watch, 0, snapshot(BROKEN), is_surprise=is_surprise), 1
    while watch.is_on and n < 50:
        watch, n = after(watch, watch.due), n + 1
    return n, watch


class TestTimes:
    @pytest.mark.parametrize(
        ("time_fs", "timestep_fs", "steps"),
        [(4.0, 1.0, 4), (4.0, 0.5, 8), (4.0, 3.0, 1), (4.0, 10.0, 1), (0.1, 1.0, 1), (4.0, 1.1, 4),
         (4.0, 0.9, 4)],
    )  # fmt: skip
    def test_a_time_takes_whole_steps_and_at_least_one(
        self, time_fs: float, timestep_fs: float, steps: int
    ) -> None:
        assert steps_in(time_fs, timestep_fs) == steps

    @pytest.mark.parametrize(
        ("doublings", "gap_fs"),
        [(0, 4), (1, 8), (2, 16), (5, 128), (12, 16_384), (13, 16_384), (10**6, 16_384)],
    )
    def test_the_gap_begins_with_four_femtoseconds_and_doubles_at_most_twelve_times(
        self, doublings: int, gap_fs: int
    ) -> None:
        assert gap_after(doublings, 1.0) == gap_fs
        assert gap_after(doublings, 0.5) == 2 * gap_fs


class TestAChange:
    @pytest.mark.parametrize("timestep_fs", [0.5, 1.0])
    def test_it_is_watched_from_its_label_on(self, timestep_fs: float) -> None:
        watch = after(ReactionWatch(), 100, snapshot(BROKEN), timestep_fs=timestep_fs)
        gap = round(4.0 / timestep_fs)
        assert watch.is_on
        assert (watch.gap, watch.due, watch.kinds) == (gap, 100 + gap, (BROKEN,))

    def test_the_atom_of_its_bond_is_remembered_until_it_is_let_go(self) -> None:
        watch = after(ReactionWatch(), 100, snapshot(BROKEN))
        assert watch.atom == 0
        while watch.is_on:
            assert watch.atom == 0
            watch = after(watch, watch.due)
        assert watch.atom is None

    @pytest.mark.parametrize(("is_surprise", "familiar"), [(False, 1), (True, 0)])
    def test_its_label_counts_unless_it_surprises(self, is_surprise: bool, familiar: int) -> None:
        watch = after(ReactionWatch(), 100, snapshot(BROKEN), is_surprise=is_surprise)
        assert watch.familiar == {BROKEN: familiar}
        assert watch.labelled == {BROKEN: 100}

    def test_the_least_familiar_of_the_kinds_sets_the_gap(self) -> None:
        known = ReactionWatch(familiar={BROKEN: 3, FORMED: 1})
        assert known.familiarity([BROKEN]) == 3
        assert known.familiarity([BROKEN, FORMED]) == 1
        assert known.familiarity([BROKEN, "C-O broken"]) == 0
        assert after(known, 0, snapshot(BROKEN)).gap == 32
        assert after(known, 0, snapshot(BROKEN, FORMED)).gap == 8

    def test_a_kind_that_joins_a_reaction_is_watched_with_it(self) -> None:
        known = ReactionWatch(gap=16, due=5, kinds=(FORMED,), familiar={BROKEN: 3, FORMED: 1})
        watch = after(known, 100, snapshot(BROKEN))
        assert watch.kinds == (BROKEN, FORMED)
        assert (watch.gap, watch.due) == (8, 108)  # of the less familiar one
        assert watch.familiar == {BROKEN: 4, FORMED: 1}  # only what was seen counts

    @pytest.mark.parametrize(("doublings", "is_on"), [(4, True), (5, False)])
    def test_one_whose_gap_exceeds_64_femtoseconds_is_not_watched(
        self, doublings: int, is_on: bool
    ) -> None:
        watch = after(ReactionWatch(familiar={BROKEN: doublings}), 100, snapshot(BROKEN))
        assert watch.is_on is is_on
        if is_on:
            assert (watch.gap, watch.due, watch.kinds) == (64, 164, (BROKEN,))
        else:
            assert (watch.gap, watch.due, watch.kinds) == (None, 100, ())
        assert watch.familiar == {BROKEN: doublings + 1}


class TestLabelsAfterAChange:
    WATCHED = ReactionWatch(gap=16, due=200, kinds=(BROKEN,), familiar={BROKEN: 2, FORMED: 3})

    def test_without_surprise_the_gap_doubles(self) -> None:
        watch = after(self.WATCHED, 200)
        assert (watch.gap, watch.due, watch.kinds) == (32, 232, (BROKEN,))
        assert watch.familiar == {BROKEN: 2, FORMED: 3}

    def test_with_a_surprise_it_stays_and_half_of_the_doublings_are_taken_back(self) -> None:
        watch = after(self.WATCHED, 200, is_surprise=True)
        assert (watch.gap, watch.due) == (16, 216)
        assert watch.familiar == {BROKEN: 1, FORMED: 3}

    def test_a_surprise_is_about_the_watched_and_the_seen(self) -> None:
        watch = after(self.WATCHED, 200, snapshot(FORMED, "C-O broken"), is_surprise=True)
        assert watch.familiar == {BROKEN: 1, FORMED: 1, "C-O broken": 0}
        assert watch.labelled == {FORMED: 200, "C-O broken": 200}
        assert watch.gap == 4

    def test_the_watch_ends_once_the_gap_exceeds_64_femtoseconds(self) -> None:
        watch = after(after(self.WATCHED, 200), 232)
        assert watch.gap == 64
        watch = after(watch, watch.due)
        assert (watch.gap, watch.due, watch.kinds, watch.is_on) == (None, 296, (), False)

    def test_where_nothing_is_watched_a_label_begins_no_watch(self) -> None:
        for is_surprise in (False, True):
            watch = after(ReactionWatch(), 7, is_surprise=is_surprise)
            assert (watch.gap, watch.due, watch.familiar) == (None, 7, {})

    def test_while_labels_surprise_the_gap_stays(self) -> None:
        watch, gaps = after(ReactionWatch(), 0, snapshot(BROKEN), is_surprise=True), []
        for _ in range(3):
            watch = after(watch, watch.due, is_surprise=True)
            gaps.append(watch.gap)
        assert gaps == [4, 4, 4]

    def test_a_kind_seen_often_costs_less_and_a_surprise_costs_more(self) -> None:
        watch, costs = ReactionWatch(), []
        for is_surprise in [False] * 7 + [True] * 4:
            n, watch = labels(watch, is_surprise=is_surprise)
            costs.append(n)
        assert costs[:7] == [6, 5, 4, 3, 2, 1, 1]
        assert costs[7:] == [3, 5, 6, 6]  # the first takes half of seven doublings back


class TestIsDue:
    @pytest.mark.parametrize(
        ("step", "doublings", "answer"),
        [(103, 0, False), (104, 0, True), (107, 1, False), (108, 1, True), (90, 0, False)],
    )
    def test_a_kind_is_due_once_its_gap_since_its_last_label_is_over(
        self, step: int, doublings: int, answer: bool
    ) -> None:
        watch = ReactionWatch(labelled={BROKEN: 100}, familiar={BROKEN: doublings})
        assert watch.is_due([BROKEN], step, 1.0) is answer

    def test_one_kind_that_is_due_or_was_never_labelled_is_enough(self) -> None:
        watch = ReactionWatch(labelled={BROKEN: 100, FORMED: 0})
        assert watch.is_due([BROKEN, FORMED], 101, 1.0)
        assert watch.is_due([BROKEN, "C-O broken"], 101, 1.0)
        assert not watch.is_due([BROKEN], 101, 1.0)
        assert not watch.is_due([], 10**6, 1.0)

    def test_a_kind_whose_labels_all_surprised_has_the_first_gap(self) -> None:
        watch = ReactionWatch(labelled={BROKEN: 100})
        assert [watch.is_due([BROKEN], step, 1.0) for step in (103, 104)] == [False, True]


def test_a_rewind_is_counted_and_not_made_again_within_64_femtoseconds() -> None:
    watch = ReactionWatch(n_rewinds=2, gap=8, due=3).rewound(100, 0.5)
    assert watch == ReactionWatch(n_rewinds=3, no_rewind_before=228, gap=8, due=3)


def test_a_label_shows_molecules_contacts_and_longest_bonds_once_and_for_all() -> None:
    watch = ReactionWatch(species=("HO:2",), contacts=("H-O",), longest={"C-O": 1.5, "H-O": 1.0})
    seen = snapshot(species=("H2O:1", "HO:2"), contacts=("C-O",), longest={"C-O": 1.4, "H-O": 1.1})
    watch = after(watch, 0, seen)
    assert watch.species == ("H2O:1", "HO:2")
    assert watch.contacts == ("C-O", "H-O")
    assert watch.longest == {"C-O": 1.5, "H-O": 1.1}
    assert after(watch, 9, snapshot(longest={"C-F": 0.25})).longest["C-F"] == 0.25


def test_the_watch_survives_json() -> None:
    seen = snapshot(BROKEN, species=("H2O:1",), contacts=("H-O",), longest={"H-O": 0.1 + 0.2})
    watch = after(ReactionWatch(), 7, seen, is_surprise=True, timestep_fs=0.5)
    again = from_plain(ReactionWatch, json.loads(json.dumps(to_plain(watch))))
    assert again == watch
    assert again.is_on


KINDS = st.sets(st.sampled_from([BROKEN, FORMED, "C-O broken"])).map(sorted)


@given(
    story=st.lists(st.tuples(st.integers(1, 300), KINDS, st.booleans()), max_size=30),
    timestep_fs=st.sampled_from([0.25, 0.5, 1.0, 2.0]),
)
def test_whatever_labels_show_the_watch_is_bounded_and_the_past_is_not_written_on(
    story: list[tuple[int, Any, bool]], timestep_fs: float
) -> None:
    watch, step = ReactionWatch(), 0
    for gap, changes, is_surprise in story:
        step += gap
        before, kept = watch, pickle.dumps(watch)
        watch = after(
            watch, step, snapshot(*changes), is_surprise=is_surprise, timestep_fs=timestep_fs
        )
        assert pickle.dumps(before) == kept
        assert watch.due == step + (watch.gap or 0)
        assert watch.gap is None or 1 <= watch.gap <= 64 / timestep_fs
        assert watch.is_on is bool(watch.kinds)
        assert all(n >= 0 for n in watch.familiar.values())
        assert all(watch.labelled[kind] == step for kind in changes)
