"""Species and rates of many trajectories together.

Counts and exposures of walkers under the same conditions add up, so their pooled rate is
sum n_k / sum T_k, with the Poisson interval of the sum (`aofl.analysis.rates`). That walkers are of
one kind is an assumption; whether they look like it is told by the index of dispersion

    X^2 = sum_k (n_k - n p_k)^2 / (n p_k),      p_k = T_k / sum T,

which is distributed as chi-square with K - 1 degrees of freedom where all K have the same rate:
R. A. Fisher, Statistical Methods for Research Workers (1925), section 16.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import Any

from scipy.stats import chi2

from aofl.analysis.rates import Rate, Turnover, exposures, poisson_rate

LEAST_EXPECTED = 1.0  # events of each walker, below which counts say nothing of their spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happened in one walker.

    Attributes
    ----------
    group
        What sets its conditions apart, such as "600 K"; rates are pooled within a group.
    initial
        Molecules at the start, by name.
    events
        Reactions, without exchanges.
    start_fs, end_fs
        Between them it was looked at.
    """

    name: str
    group: str
    initial: Mapping[str, int]
    events: tuple[Turnover, ...]
    start_fs: float
    end_fs: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledSpecies:
    """A species over all walkers; `first_fs` is the earliest time it was formed, in `first_in`."""

    name: str
    initial: int
    final: int
    n_formed: int
    n_consumed: int
    n_walkers: int
    first_fs: float | None
    first_in: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledReaction:
    """A reaction over the walkers of a group.

    Attributes
    ----------
    counts
        Events in each walker of the group.
    rate
        Of a walker, 1/ps.
    rate_constant
        1/ps for each molecule, pair, ... that could react; None if there never was one.
    agreement
        Chance that walkers of one rate differ as much as these; None for too few events.
    """

    group: str
    reaction: str
    walkers: tuple[str, ...]
    counts: tuple[int, ...]
    rate: Rate | None
    rate_constant: Rate | None
    agreement: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """Species and reactions of a campaign."""

    species: tuple[PooledSpecies, ...]
    reactions: tuple[PooledReaction, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def pooled(stories: Sequence[Story]) -> Pooled:
    """Return what many walkers say together."""
    groups: dict[str, list[Story]] = {}
    for story in stories:
        groups.setdefault(story.group, []).append(story)
    reactions = [found for name, members in groups.items() for found in _reactions(name, members)]
    return Pooled(species=tuple(_species(stories)), reactions=tuple(reactions))


def dispersion(counts: Sequence[int], exposure: Sequence[float]) -> float | None:
    """Return the chance that counts of one rate differ at least as much as these do.

    None where a walker has less than one expected event, or there is only one walker.
    """
    total, n = sum(exposure), sum(counts)
    expected = [n * part / total for part in exposure] if total > 0 else []
    if len(expected) < 2 or min(expected) < LEAST_EXPECTED:
        return None
    squares = sum((c - e) ** 2 / e for c, e in zip(counts, expected, strict=True))
    return float(chi2.sf(squares, len(expected) - 1))


def _reactions(group: str, stories: Sequence[Story]) -> list[PooledReaction]:
    sides: dict[str, tuple[str, ...]] = {}
    for story in stories:
        for event in story.events:
            sides.setdefault(event.reaction, event.used)
    counted = [Counter(event.reaction for event in story.events) for story in stories]
    spans = [1e-3 * (story.end_fs - story.start_fs) for story in stories]
    ways = [
        exposures(s.initial, s.events, [*sides.values()], s.start_fs, s.end_fs) for s in stories
    ]
    found = []
    for k, reaction in enumerate(sides):
        counts = tuple(counter[reaction] for counter in counted)
        found.append(
            PooledReaction(
                group=group,
                reaction=reaction,
                walkers=tuple(story.name for story in stories),
                counts=counts,
                rate=poisson_rate(sum(counts), sum(spans)),
                rate_constant=poisson_rate(sum(counts), sum(way[k] for way in ways)),
                agreement=dispersion(counts, spans),
            )
        )
    return sorted(found, key=lambda one: (-sum(one.counts), one.reaction))


def _species(stories: Sequence[Story]) -> list[PooledSpecies]:
    names = {name for story in stories for name in story.initial}
    names |= {name for story in stories for event in story.events for name in event.made}
    found = [_one_species(name, stories) for name in sorted(names)]
    return sorted(found, key=lambda one: (-one.n_formed - one.n_consumed, one.name))


def _one_species(name: str, stories: Sequence[Story]) -> PooledSpecies:
    initial = sum(story.initial.get(name, 0) for story in stories)
    formed, consumed = (
        sum(side(event).count(name) for story in stories for event in story.events)
        for side in (attrgetter("made"), attrgetter("used"))
    )
    first = min(_when_formed(name, stories), default=None)
    return PooledSpecies(
        name=name,
        initial=initial,
        final=initial + formed - consumed,
        n_formed=formed,
        n_consumed=consumed,
        n_walkers=len({walker for _, walker in _when_formed(name, stories)}),
        first_fs=None if first is None else first[0],
        first_in="" if first is None else first[1],
    )


def _when_formed(name: str, stories: Sequence[Story]) -> Iterable[tuple[float, str]]:
    return [(e.time_fs, s.name) for s in stories for e in s.events if name in e.made]
