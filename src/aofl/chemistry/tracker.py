"""Follows the molecules of a system from frame to frame and tells the reactions among them.

The bonds of each frame, with their hysteresis, are the raw assignment. It is compared with the
settled one. Where they differ, the atoms concerned form regions (connected by settled or raw
bonds); a region whose differences have all lasted for the minimum lifetime becomes one event and
settles, and one that falls back before was flicker. So an intermediate that lives shorter than
the minimum lifetime joins the steps before and after it into one elementary reaction, and two
reactions at different places are two events even in the same frame. Changes of the raw assignment
are counted too: nothing that the filter removes is lost.

The state is plain frozen data: what follows depends on it and on the next frame alone, whether
the frames come from running dynamics, from a file, or after a restart.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
from ase import Atoms

from aofl.chemistry.graph import Bonds, connect, connect_covalent
from aofl.chemistry.limits import COVALENT, ChemistrySettings
from aofl.chemistry.place import height_of, mean_height
from aofl.chemistry.reaction_event import Event, reaction
from aofl.chemistry.regions import components, regions, within
from aofl.chemistry.species import (
    Members,
    Pair,
    Species,
    Surroundings,
    count_names,
    generic,
    identify,
    species_of_frame,
    surroundings,
)
from aofl.chemistry.tracker_state import Pairs, Toggle, TrackerState
from aofl.chemistry.variants import is_time_to_watch, variants_among, watch
from aofl.records import IntArray

TIE_FS = 1e-6  # times are sums of time steps


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerSettings:
    """What counts as bonded, and how long a molecule must live to count (fs)."""

    bonds: ChemistrySettings = field(default_factory=ChemistrySettings)
    min_lifetime_fs: float = 50.0


DEFAULT = TrackerSettings()


def begin(
    atoms: Atoms, *, frame: int, time_fs: float, settings: TrackerSettings = DEFAULT
) -> tuple[TrackerState, dict[str, int]]:
    """Return the state after the first frame, and the molecules there by name."""
    bonds = connect(atoms, settings.bonds)
    found = dict(species_of_frame(atoms, bonds))
    state = TrackerState(
        frame=frame,
        time_fs=time_fs,
        bonded=_covalent_pairs(bonds),
        settled=bonds.covalent,
        pending={},
        touched={},
        variants=variants_among(found, surroundings(atoms, bonds)),
        watched_fs=time_fs,
        raw={},
        n_events=0,
    )
    return state, count_names(found.values())


def follow(
    state: TrackerState,
    atoms: Atoms,
    *,
    frame: int,
    time_fs: float,
    settings: TrackerSettings = DEFAULT,
    bonds: Bonds | None = None,
    bonded: IntArray | None = None,
) -> tuple[TrackerState, tuple[Event, ...]]:
    """Look at the next frame: return the new state and the events that are now certain.

    Parameters
    ----------
    frame, time_fs
        Number and time of this frame; both grow from call to call.
    bonds
        All bonds of the frame, where the caller has them, found with the same settings from the
        bonds of the frame before. Without them the covalent ones alone are looked for, and the
        others only if something has happened.
    bonded
        Its covalent bonds as (i, j), where the caller tracks them, shape (n_bonds, 2).

    Raises
    ------
    StructureError
        If the atoms are not those of the first frame.
    """
    if bonded is None:
        bonded = _covalent_pairs(bonds or connect_covalent(atoms, settings.bonds, state.bonded))
    now = replace(state, frame=frame, time_fs=time_fs, bonded=bonded)
    lifetime, is_same = settings.min_lifetime_fs, np.array_equal(bonded, state.bonded)
    is_quiet = is_same and not _due(now, lifetime)
    is_watching = is_time_to_watch(now, lifetime)
    if is_quiet and not is_watching:
        return now, ()
    around = surroundings(atoms, bonds or connect(atoms, settings.bonds))
    before, raw = _different_atoms(state.bonded), _different_atoms(bonded)
    if before != raw:
        now = _note(now, before, raw, around, state.frame)
    now, events = _settle(now, raw, around, lifetime)
    if not is_watching:
        return now, events
    now, others = watch(now, around, state.frame, lifetime)
    return now, events + others


def _covalent_pairs(bonds: Bonds) -> IntArray:
    pairs: IntArray = bonds.pairs[bonds.kinds == COVALENT]
    return pairs


def _different_atoms(bonded: IntArray) -> Pairs:
    """Return bonds as a set: images not told apart, and none of an atom to its own image."""
    return frozenset((i, j) for i, j in bonded.tolist() if i != j)


def _due(state: TrackerState, lifetime: float) -> set[Pair]:
    """Return the pairs that have differed for long enough."""
    latest = state.time_fs - lifetime + TIE_FS
    return {pair for pair, toggle in state.pending.items() if toggle.time_fs <= latest}


def _note(
    state: TrackerState, before: Pairs, raw: Pairs, around: Surroundings, frame_before: int
) -> TrackerState:
    """Count what changed in the raw assignment, and remember since when pairs differ."""
    counts = Counter(state.raw)
    for region in regions(before ^ raw, before | raw):
        sides = [list(_species(region, pairs, around).values()) for pairs in (before, raw)]
        if around.has_metal:
            sides = [[generic(species) for species in side] for side in sides]
        counts[reaction(*sides)] += 1
    pending = {}
    for pair in sorted(state.settled ^ raw):
        toggle = state.pending.get(pair)
        if toggle is None:
            height = height_of(pair, around.atoms)
            toggle = Toggle(frame_before, state.frame, state.time_fs, height)
        pending[pair] = toggle
    atoms = {atom for pair in pending for atom in pair}
    touched: dict[Members, Species] = {}
    for members in components(atoms, state.settled):
        known = state.touched.get(members)
        if known is None and members in state.variants:
            known = state.variants[members].species
        touched[members] = known or identify(members, within(members, state.settled), around)
    return replace(state, pending=pending, touched=touched, raw=dict(counts))


def _settle(
    state: TrackerState, raw: Pairs, around: Surroundings, lifetime: float
) -> tuple[TrackerState, tuple[Event, ...]]:
    """Turn each region whose differences have all lasted long enough into an event."""
    due, events = _due(state, lifetime), []
    settled, pending, touched = set(state.settled), dict(state.pending), dict(state.touched)
    variants = dict(state.variants)
    for region in regions(state.pending, state.settled | raw):
        changed = within(region, state.pending)
        if not due.issuperset(changed):
            continue
        molecules = [members for members in touched if members[0] in set(region)]
        reactants = [touched.pop(members) for members in molecules]
        products = _species(region, raw, around)
        toggles = [pending.pop(pair) for pair in changed]
        events.append(_event(toggles, changed, raw, reactants, list(products.values()), around))
        variants = {m: v for m, v in variants.items() if m not in molecules}
        variants |= variants_among(products, around)
        settled.symmetric_difference_update(changed)
    left = replace(
        state,
        settled=frozenset(settled),
        pending=pending,
        touched=touched,
        variants=variants,
        n_events=state.n_events + len(events),
    )
    return left, tuple(events)


def _event(
    toggles: list[Toggle],
    changed: list[Pair],
    raw: Pairs,
    reactants: list[Species],
    products: list[Species],
    around: Surroundings,
) -> Event:
    last, first = max(toggles, key=_when), min(toggles, key=_when)
    return Event(
        reactants=tuple(sorted(reactants, key=_name)),
        products=tuple(sorted(products, key=_name)),
        broken=tuple(pair for pair in changed if pair not in raw),
        formed=tuple(pair for pair in changed if pair in raw),
        frame_before=first.frame_before,
        frame=last.frame,
        time_fs=last.time_fs,
        began_fs=first.time_fs,
        height=mean_height([t.height for t in toggles], around.atoms),
    )


def _when(toggle: Toggle) -> int:
    return toggle.frame


def _name(species: Species) -> tuple[str, str]:
    return species.name, species.key


def _species(region: Members, pairs: Pairs, around: Surroundings) -> dict[Members, Species]:
    """Return the molecules that some bonds make of the non-metal atoms of a region."""
    parts = components(region, pairs)
    return {members: identify(members, within(members, pairs), around) for members in parts}
