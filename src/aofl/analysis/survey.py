"""One pass over a trajectory: species, reactions, solids, structure and motion of its atoms.

Frames come one at a time and are let go. What is kept of them are counts, sums and, within
bounds, paths (`aofl.analysis.windows`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from ase import Atoms

from aofl.analysis.findings import FrameRecord, Survey, SurveySettings
from aofl.analysis.hydrogen_bonds import hydrogen_bonds
from aofl.analysis.profile import ProfileSums, profile_sums
from aofl.analysis.sei import Inventory, anchors, inventory
from aofl.analysis.structure import RadialSums, radial_sums
from aofl.analysis.windows import Track, Windows
from aofl.chemistry.bonds import Bonds
from aofl.chemistry.graph import connect
from aofl.chemistry.normal import Heights, heights
from aofl.chemistry.reaction_event import Event
from aofl.chemistry.reactions import Reactions, composition
from aofl.chemistry.species import Members, Species, count_names, species_of_frame
from aofl.chemistry.tracker import begin, follow
from aofl.chemistry.tracker_state import TrackerState
from aofl.errors import StructureError


@dataclass(kw_only=True)
class _Pass:
    """What is carried from frame to frame."""

    settings: SurveySettings
    symbols: list[str]
    masses: tuple[float, ...]
    has_time: bool
    bonds: Bonds | None = None
    state: TrackerState | None = None
    initial: dict[str, int] = field(default_factory=dict)
    start: float = 0.0
    events: list[Event] = field(default_factory=list)
    records: list[FrameRecord] = field(default_factory=list)
    radial: RadialSums | None = None
    profile: ProfileSums | None = None
    layers: Windows = field(default_factory=Windows)
    track: Track = field(default_factory=Track)


def survey(frames: Iterable[Atoms], settings: SurveySettings | None = None) -> Survey:
    """Go over a trajectory once.

    Parameters
    ----------
    frames
        The same atoms throughout; `info["time_fs"]` and `info["step"]` are used where all have
        them.

    Raises
    ------
    StructureError
        If there is no frame, the atoms change, or times do not grow.
    """
    current: _Pass | None = None
    last: Atoms | None = None
    for index, atoms in enumerate(frames):
        if current is None:
            current = _first(atoms, settings or SurveySettings())
        _take(current, atoms, index)
        last = atoms
    if current is None or last is None:
        raise StructureError("there is no frame to analyse; check the file")
    return _finish(current, last)


def _first(atoms: Atoms, settings: SurveySettings) -> _Pass:
    has_time = "time_fs" in atoms.info or settings.interval_fs is not None
    if not has_time:
        lifetime = float(settings.lifetime_frames)
        settings = replace(settings, follow=replace(settings.follow, min_lifetime_fs=lifetime))
    return _Pass(
        settings=settings,
        symbols=atoms.get_chemical_symbols(),
        masses=tuple(atoms.get_masses().tolist()),
        has_time=has_time,
    )


def _take(current: _Pass, atoms: Atoms, index: int) -> None:
    """Take in one frame."""
    settings = current.settings
    number, time = _when(atoms, index, current)
    bonds = connect(atoms, settings.follow.bonds, current.bonds)
    species = species_of_frame(atoms, bonds)
    _follow(current, atoms, bonds, number, time)
    current.bonds = bonds
    found = inventory(bonds, species)
    current.records.append(
        FrameRecord(
            number=number,
            time=time,
            species=count_names(kind for _, kind in species),
            solids=found.solids,
            sizes={motif: found.sizes(motif) for motif in found.solids},
            single=found.single,
            metal=dict(found.metal),
            electrons=found.electrons,
            gas=dict(found.gas),
            charge=sum(kind.charge or 0 for _, kind in species),
            n_unknown=sum(kind.charge is None for _, kind in species),
            hydrogen_bonds=_hydrogen_bonds(atoms, bonds, species),
        )
    )
    _measure(current, atoms, found, anchors(species, bonds), time)


def _when(atoms: Atoms, index: int, current: _Pass) -> tuple[int, float]:
    """Return number and time of a frame, fs or frames; both must grow.

    With a given interval the frames are counted, whatever steps and times they have.
    """
    interval = current.settings.interval_fs
    if interval is not None:
        return index, index * interval
    number = int(atoms.info.get("step", index))
    time = float(atoms.info.get("time_fs", np.nan)) if current.has_time else float(index)
    before = current.state
    if not np.isfinite(time):
        raise StructureError(
            f"frame {index} has no time, which the first frame has: give the time between frames "
            "(--frame-interval-fs)"
        )
    if before and (time <= before.time_fs or number <= before.frame):
        now, then = f"step {number}", f"step {before.frame}"
        if current.has_time:
            now, then = f"{now} at {time:g} fs", f"{then} at {before.time_fs:g} fs"
        raise StructureError(
            f"frame {index} is {now} after {then}, but steps and times must grow: analyse one run "
            "at a time; if these frames are one run, evenly spaced, give the time between them "
            "(--frame-interval-fs)"
        )
    return number, time


def _follow(current: _Pass, atoms: Atoms, bonds: Bonds, number: int, time: float) -> None:
    settings = current.settings.follow
    if current.state is None:
        current.start = time
        current.state, current.initial = begin(atoms, frame=number, time_fs=time, settings=settings)
        return
    current.state, events = follow(
        current.state, atoms, frame=number, time_fs=time, settings=settings, bonds=bonds
    )
    current.events += events


def _hydrogen_bonds(
    atoms: Atoms, bonds: Bonds, species: list[tuple[Members, Species]]
) -> dict[tuple[str, str], int]:
    name = {atom: kind.name for members, kind in species for atom in members}
    found = hydrogen_bonds(
        bonds.numbers, atoms.positions, atoms.cell.array, atoms.pbc, bonds.covalent
    )
    counts = Counter((name[bond.donor], name[bond.acceptor]) for bond in found)
    return dict(sorted(counts.items()))


def _measure(
    current: _Pass, atoms: Atoms, found: Inventory, stands_for: list[int], time: float
) -> None:
    """Add the frame to radial distributions, profiles, layers and paths."""
    settings, cell = current.settings, atoms.cell.array
    radial = radial_sums(
        atoms.numbers.astype(np.int64),
        current.symbols,
        atoms.positions,
        cell,
        atoms.pbc,
        r_max=settings.r_max,
        n_bins=settings.n_bins,
    )
    current.radial = radial if current.radial is None else current.radial + radial
    is_unwrapped = bool(atoms.info.get("is_unwrapped", False))
    current.track.add(atoms.positions, cell, atoms.pbc, time, is_unwrapped=is_unwrapped)
    layer = heights(atoms.positions, cell, atoms.pbc)
    if layer is None:
        return
    profile = profile_sums(current.symbols, layer, settings.slice_width)
    current.profile = profile if current.profile is None else current.profile + profile
    parts = Heights(
        z=layer.z[stands_for], normal=layer.normal, area=layer.area, period=layer.period
    )
    kinds = [found.kinds[k] for k in stands_for]
    current.layers.add(profile_sums(kinds, parts, settings.layer_width), time)


def _finish(current: _Pass, last: Atoms) -> Survey:
    state, settings = current.state, current.settings.follow
    if state is None or current.radial is None:
        raise StructureError("there is no frame to analyse; check the file")
    # what still lasts at the end cannot fall back any more: it settles now
    final, recent = follow(
        state,
        last,
        frame=state.frame,
        time_fs=state.time_fs,
        settings=replace(settings, min_lifetime_fs=0.0),
        bonds=current.bonds,
    )
    events = (*current.events, *recent)
    reactions = Reactions(
        initial=current.initial,
        final=composition(current.initial, events),
        events=events,
        raw=final.raw,
        n_unsettled=len(final.pending),
        start_fs=current.start,
        end_fs=state.time_fs,
    )
    return Survey(
        symbols=current.symbols,
        masses=current.masses,
        has_time=current.has_time,
        frames=tuple(current.records),
        reactions=reactions,
        n_uncertain=len(recent),
        radial=current.radial,
        profile=current.profile,
        layers=current.layers,
        track=current.track,
    )
