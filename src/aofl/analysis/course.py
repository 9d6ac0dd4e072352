"""What a trajectory adds to the list of its reactions: the interphase, and how they looked.

Frames are kept only where a reaction needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.geometry import get_distances

from aofl.analysis.findings import Survey
from aofl.analysis.metal import MetalState, metal_states
from aofl.analysis.scenes import Scene, scene
from aofl.analysis.told_reactions import ReactionEvent
from aofl.chemistry.graph import connect
from aofl.errors import StructureError

MOST_SCENES = 8
MOST_PLACES = 40
LEAD_FS, TAIL_FS = 25.0, 50.0
LEAD_FRAMES, TAIL_FRAMES = 2.0, 4.0
TIE = 1e-6

Timed = tuple[float, Atoms]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What the frames of a trajectory tell.

    Attributes
    ----------
    survey
        Solids, metal, gas and layers over time.
    scenes
        The first reaction of each kind, as it looked.
    to_metal
        Shortest distance between the atoms of each reaction and an atom of the metal, Å, in the
        order of the reactions; None where there is none, or the frame is not there.
    """

    survey: Survey
    scenes: tuple[Scene, ...]
    to_metal: tuple[float | None, ...]


def course(
    found: Survey,
    frames: Callable[[], Iterator[Atoms]],
    reactions: Sequence[ReactionEvent],
    clock: Callable[[int, Atoms], float | None],
) -> Course:
    """Look at the frames around each reaction.

    Parameters
    ----------
    frames
        Starts reading them anew.
    clock
        Time of a frame from its index and itself; None for one that does not count.

    Raises
    ------
    StructureError
        If a reaction names an atom that the frames do not have.
    """
    for event in reactions:
        if not set(_atoms(event)) <= set(range(len(found.symbols))):
            raise StructureError(
                f"the reaction {event.reaction} at step {event.step} names atoms {_atoms(event)}, "
                f"but the trajectory has {len(found.symbols)}"
            )
    shown, places = _first_of_each_kind(reactions), reactions[:MOST_PLACES]
    lead, tail = (LEAD_FS, TAIL_FS) if found.has_time else (LEAD_FRAMES, TAIL_FRAMES)
    at = [event.time_fs for event in reactions]
    before = {event.began_fs - lead for event in shown}
    after = {*at[:MOST_PLACES], *(event.time_fs for event in shown)}
    after |= {event.time_fs + tail for event in shown}
    timed = ((clock(k, atoms), atoms) for k, atoms in enumerate(frames()))
    last, first = _pick(((t, a) for t, a in timed if t is not None), before, after)
    scenes = []
    for event in shown:
        middle = first.get(event.time_fs)
        if middle is None:
            continue
        around = [last.get(event.began_fs - lead), middle, first.get(event.time_fs + tail)]
        known = [frame for frame in around if frame is not None]
        made = scene(event, known, known.index(middle))
        scenes += [made] if made is not None else []
    return Course(
        survey=found,
        scenes=tuple(scenes),
        to_metal=tuple(_to_metal(event, first.get(event.time_fs)) for event in places),
    )


def _first_of_each_kind(reactions: Iterable[ReactionEvent]) -> list[ReactionEvent]:
    kinds: dict[str, ReactionEvent] = {}
    for event in reactions:
        if event.n_bonds:
            kinds.setdefault(event.reaction, event)
    return list(kinds.values())[:MOST_SCENES]


def _pick(
    frames: Iterable[Timed], before: Iterable[float], after: Iterable[float]
) -> tuple[dict[float, Timed], dict[float, Timed]]:
    """Return the last frame at or before some times, and the first at or after others."""
    last: dict[float, Timed] = {}
    first: dict[float, Timed] = {}
    before, waiting = sorted(before), sorted(after, reverse=True)
    for time, atoms in frames:
        for mark in before:
            if time <= mark + TIE:
                last[mark] = (time, atoms)
        while waiting and time >= waiting[-1] - TIE:
            first[waiting.pop()] = (time, atoms)
        if not waiting:
            break  # what comes before a reaction was read before it
    return last, first


def _atoms(event: ReactionEvent) -> list[int]:
    return sorted({i for pair in (*event.broken, *event.formed) for i in pair})


def _to_metal(event: ReactionEvent, frame: Timed | None) -> float | None:
    members = _atoms(event)
    if frame is None or not members:
        return None
    atoms = frame[1]
    states = metal_states(connect(atoms))
    metal = (states != MetalState.NOT_METAL) & (states != MetalState.DISSOLVED)
    if not metal.any():
        return None
    _, lengths = get_distances(
        atoms.positions[members], atoms.positions[metal], cell=atoms.cell, pbc=atoms.pbc
    )
    return float(np.min(lengths))
