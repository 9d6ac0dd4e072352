"""What the chemistry rule remembers: gaps that double, kinds of change that become familiar."""

from __future__ import annotations

import json

from rule_cases import snapshot

from aofl.learning.reaction_watch import ReactionWatch
from aofl.plain import from_plain, to_plain


def labels(watch: ReactionWatch, *, is_surprise: bool) -> tuple[int, ReactionWatch]:
    """Return how many labels one change costs until it is let go, and what is known then."""
    seen = snapshot("H-O broken")
    watch = watch.labelled_at(0, seen, is_surprise=is_surprise, timestep_fs=1.0)
    n = 1
    while watch.is_on and n < 50:
        watch = watch.labelled_at(watch.due, snapshot(), is_surprise=False, timestep_fs=1.0)
        n += 1
    return n, watch


def test_a_kind_seen_often_costs_less_and_a_surprise_costs_more() -> None:
    watch, costs = ReactionWatch(), []
    for is_surprise in [False] * 7 + [True] * 4:
        n, watch = labels(watch, is_surprise=is_surprise)
        costs.append(n)
    assert costs[:7] == [6, 5, 4, 3, 2, 1, 1]
    assert costs[7:] == [3, 5, 6, 6]  # the first takes half of seven doublings back


def test_while_labels_surprise_the_gap_stays() -> None:
    watch, seen = ReactionWatch(), snapshot("H-O broken")
    watch = watch.labelled_at(0, seen, is_surprise=True, timestep_fs=1.0)
    gaps = []
    for _ in range(3):
        watch = watch.labelled_at(watch.due, snapshot(), is_surprise=True, timestep_fs=1.0)
        gaps.append(watch.gap)
    assert gaps == [4, 4, 4]


def test_the_watch_survives_json() -> None:
    seen = snapshot("H-O broken", species=("H2O:1",), contacts=("H-O",), longest={"H-O": 0.1 + 0.2})
    watch = ReactionWatch().labelled_at(7, seen, is_surprise=True, timestep_fs=0.5)
    again = from_plain(ReactionWatch, json.loads(json.dumps(to_plain(watch))))
    assert again == watch
    assert again.is_on
