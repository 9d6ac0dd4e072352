"""Molecules that change what they are without any bond that changes.

CO2 that takes up an electron bends, O2 grows longer, a lone hydrogen or oxygen comes to a metal
atom: the bond graph stays. What geometry says of such a molecule at one instant shakes with it,
and says least while it reacts. So it is looked at now and then, and has become another species
when it has looked like it every time for several minimum lifetimes: an event without bonds, which
shows where the electrons went.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from aofl.chemistry.place import height_of
from aofl.chemistry.reaction_event import Event, reaction
from aofl.chemistry.regions import within
from aofl.chemistry.species import Members, Species, Surroundings, has_variants, identify
from aofl.chemistry.tracker_state import Toggle, TrackerState, Variant

LOOKS_PER_LIFETIME = 2
LIFETIMES = 3


def is_time_to_watch(state: TrackerState, lifetime: float) -> bool:
    """Tell whether the variants were last looked at long enough ago."""
    waited = state.time_fs - state.watched_fs
    return bool(state.variants) and waited >= lifetime / LOOKS_PER_LIFETIME


def variants_among(found: dict[Members, Species], around: Surroundings) -> dict[Members, Variant]:
    """Return those molecules of which geometry says what they are."""
    numbers = around.atoms.numbers
    return {
        members: Variant(species)
        for members, species in found.items()
        if has_variants(tuple(numbers[list(members)].tolist()))
    }


def watch(
    state: TrackerState, around: Surroundings, frame_before: int, lifetime: float
) -> tuple[TrackerState, tuple[Event, ...]]:
    """Look at the variants that are not reacting; return events for those that have changed."""
    variants, events, raw = dict(state.variants), [], Counter(state.raw)
    for members, variant in sorted(state.variants.items()):
        if members in state.touched:
            variants[members] = Variant(variant.species)
            continue
        seen = identify(members, within(members, state.settled), around)
        if seen == variant.species:
            variants[members] = Variant(variant.species)
        elif seen != variant.other or variant.since is None:
            height = height_of(members, around.atoms)
            since = Toggle(frame_before, state.frame, state.time_fs, height)
            variants[members] = Variant(variant.species, seen, since)
        elif state.time_fs - variant.since.time_fs >= LIFETIMES * lifetime:
            variants[members] = Variant(seen)
            events.append(_event(variant.species, seen, variant.since))
            raw[reaction([variant.species], [seen])] += 1
    watched = replace(
        state,
        variants=variants,
        watched_fs=state.time_fs,
        raw=dict(raw),
        n_events=state.n_events + len(events),
    )
    return watched, tuple(events)


def _event(before: Species, after: Species, since: Toggle) -> Event:
    return Event(
        reactants=(before,),
        products=(after,),
        broken=(),
        formed=(),
        frame_before=since.frame_before,
        frame=since.frame,
        time_fs=since.time_fs,
        began_fs=since.time_fs,
        height=since.height,
    )
