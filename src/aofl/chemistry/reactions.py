"""The reactions of a whole trajectory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ase import Atoms

from aofl.chemistry.reaction_event import Event
from aofl.chemistry.tracker import DEFAULT, TrackerSettings, begin, follow
from aofl.chemistry.tracker_state import TrackerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactions:
    """The reactions of a whole trajectory.

    Attributes
    ----------
    initial, final
        Molecules by readable name, in the settled assignment of the first and the last frame.
    events
        In the order in which they became certain.
    raw
        How often each reaction happened before short-lived molecules were filtered out.
    n_unsettled
        Pairs of atoms whose last change is too recent to be certain of.
    start_fs, end_fs
        Times of the first and the last frame.
    """

    initial: Mapping[str, int]
    final: Mapping[str, int]
    events: tuple[Event, ...]
    raw: Mapping[str, int]
    n_unsettled: int
    start_fs: float
    end_fs: float


def follow_trajectory(
    frames: Iterable[tuple[int, float, Atoms]], settings: TrackerSettings = DEFAULT
) -> Reactions | None:
    """Return the reactions among frames given as (number, time in fs, atoms); None without any.

    Raises
    ------
    StructureError
        If the atoms of the frames are not the same throughout.
    """
    state: TrackerState | None = None
    start_fs, initial, events = 0.0, dict[str, int](), list[Event]()
    for number, time_fs, atoms in frames:
        if state is None:
            state, initial = begin(atoms, frame=number, time_fs=time_fs, settings=settings)
            start_fs = time_fs
        else:
            state, found = follow(state, atoms, frame=number, time_fs=time_fs, settings=settings)
            events += found
    if state is None:
        return None
    final = composition(initial, events)
    return Reactions(
        initial=initial,
        final=final,
        events=tuple(events),
        raw=state.raw,
        n_unsettled=len(state.pending),
        start_fs=start_fs,
        end_fs=state.time_fs,
    )


def composition(initial: Mapping[str, int], events: Iterable[Event]) -> dict[str, int]:
    """Return the molecules by name after some events; those of which none is left are left out."""
    counts = Counter(initial)
    for event in events:
        counts.subtract(species.name for species in event.reactants)
        counts.update(species.name for species in event.products)
    return {name: n for name, n in sorted(counts.items()) if n > 0}
