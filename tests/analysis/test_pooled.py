"""Many walkers together: counts add up, rates cover the truth, a spread that is none is seen."""

from __future__ import annotations

import numpy as np
import pytest

from aofl.analysis.pooled import Story, dispersion, pooled
from aofl.analysis.rates import Turnover


def split(time_fs: float) -> Turnover:
    return Turnover(time_fs=time_fs, reaction="A2 -> 2 A", used=("A2",), made=("A", "A"))


def story(name: str, *times: float, group: str = "", end_fs: float = 1000.0) -> Story:
    events = tuple(split(time) for time in times)
    return Story(
        name=name, group=group, initial={"A2": 3}, events=events, start_fs=0.0, end_fs=end_fs
    )


def test_counts_exposures_and_first_passages_add_up() -> None:
    found = pooled([story("000", 500.0), story("001", 100.0, 300.0), story("002")])
    (one,) = found.reactions
    assert one.counts == (1, 2, 0)
    assert one.rate is not None
    assert (one.rate.n, one.rate.exposure, one.rate.value) == (3, pytest.approx(3.0), 1.0)
    # A2 by time: 3 for 0.5 ps and 2 for 0.5; 3 for 0.1, 2 for 0.2, 1 for 0.7; 3 for 1
    assert one.rate_constant is not None
    assert one.rate_constant.exposure == pytest.approx(2.5 + 0.3 + 0.4 + 0.7 + 3.0)
    species = {s.name: s for s in found.species}
    assert (species["A2"].initial, species["A2"].final, species["A2"].n_consumed) == (9, 6, 3)
    assert (species["A"].n_formed, species["A"].n_walkers) == (6, 2)
    assert (species["A"].first_fs, species["A"].first_in) == (100.0, "001")
    assert species["A2"].first_fs is None


def test_rates_are_pooled_within_conditions_only() -> None:
    cold, hot = story("000", 10.0, group="300 K"), story("001", 10.0, 20.0, group="600 K")
    found = pooled([cold, hot])
    assert [(r.group, r.counts) for r in found.reactions] == [("300 K", (1,)), ("600 K", (2,))]


def test_walkers_of_one_rate_agree_as_often_as_the_chance_says() -> None:
    rng = np.random.default_rng(2)
    chances = [dispersion(rng.poisson(20.0, 5).tolist(), [1.0] * 5) for _ in range(400)]
    assert np.mean([c is not None and c < 0.05 for c in chances]) == pytest.approx(0.05, abs=0.03)
    assert np.mean([c is not None and c < 0.5 for c in chances]) == pytest.approx(0.5, abs=0.08)


def test_a_spread_that_one_rate_does_not_make_is_seen() -> None:
    seen = dispersion([2, 40], [1.0, 1.0])
    assert seen is not None
    assert seen < 1e-6
    assert dispersion([1, 0, 0], [1.0] * 3) is None  # too few to say
    assert dispersion([30], [1.0]) is None
    assert dispersion([0, 0], [0.0, 0.0]) is None


def test_a_campaign_that_has_not_begun_has_nothing() -> None:
    assert pooled([]).reactions == ()
    assert pooled([story("000", end_fs=0.0)]).reactions == ()
