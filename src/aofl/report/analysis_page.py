"""The page of an analysis: what a trajectory holds, in the sections that a report has for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from ase import Atoms

from aofl.analysis.findings import Survey
from aofl.plain import from_plain
from aofl.records.events import ReactionHappened
from aofl.report.course import course
from aofl.report.data import RunData, read_run
from aofl.report.events import read_reaction
from aofl.report.page import Card, Section, render
from aofl.report.results import consumed, released
from aofl.report.sections.chemistry import chemistry
from aofl.report.sections.interphase import interphase
from aofl.report.sections.reaction_pictures import reaction_pictures
from aofl.store import jsonable

SECTIONS = (chemistry, reaction_pictures, interphase)
RESTS_ON = "from the frames of a trajectory; charges are those of the library, not measured"


def analysis_page(
    found: Survey, frames: Callable[[], Iterator[Atoms]], path: Path, notes: Sequence[str]
) -> str:
    """Return the page as HTML that needs nothing beside it.

    Parameters
    ----------
    frames
        Starts reading the frames anew.
    path
        What was analysed; of a run directory its record is read too.
    notes
        What a reader must know to judge the numbers.
    """
    data = _data(found, frames, path)
    sections = [section for make in SECTIONS if (section := make(data)) is not None]
    return render(
        [_head(found, data, notes), *sections], name=data.name, version="", rests_on=RESTS_ON
    )


def _data(found: Survey, frames: Callable[[], Iterator[Atoms]], path: Path) -> RunData:
    """Return what the sections read, from the analysis alone but for the record of a run."""
    known = read_run(path) if path.is_dir() else RunData(name=path.name)
    n_certain = len(found.reactions.events) - found.n_uncertain
    reactions = tuple(
        read_reaction(
            from_plain(ReactionHappened, jsonable({"step": event.frame, **event.to_json()}))
        )
        for event in found.reactions.events[:n_certain]
    )
    times = {frame.number: frame.time for frame in found.frames}
    ends = np.array([found.frames[0].time, found.frames[-1].time], dtype=float)
    return replace(
        known,
        run={**known.run, "elements": sorted(set(found.symbols))},
        thermo={**known.thermo, "time_fs": ends},
        molecules=found.reactions.initial,
        bonds=(),
        reactions=reactions,
        course=course(
            found, frames, reactions, lambda k, atoms: times.get(int(atoms.info.get("step", k)))
        ),
        time_unit="fs" if found.has_time else "frames",
    )


def _head(found: Survey, data: RunData, notes: Sequence[str]) -> Section:
    span = f"{found.frames[-1].time - found.frames[0].time:g} {data.time_unit}"
    n_seen = sum(bool(event.is_seen) for event in data.reactions)
    is_known = any(event.is_seen is not None for event in data.reactions)
    reactions = Card(
        name="Reactions",
        value=str(len(data.reactions)),
        unit="",
        notes=(f"the reference was asked within {n_seen} of them",) if is_known else (),
    )
    return Section(
        id="head",
        title="Analysis",
        text=(
            f"{len(found.frames)} frames of {len(found.symbols)} atoms, {span}.",
            *(f"{note[0].upper()}{note[1:]}." for note in notes),
        ),
        cards=(reactions, *_of_the_metal(found)),
    )


def _of_the_metal(found: Survey) -> tuple[Card, ...]:
    """Return solids, metal and gas as key figures; none where there is no metal."""
    last, gained, lost = found.frames[-1], released(found), consumed(found)
    if not sum(last.metal.values()):
        return ()
    solids = tuple(f"{n} {motif}" for motif, n in last.solids.items())
    return (
        Card(
            name="Solids",
            value=str(sum(last.solids.values())),
            unit="units",
            notes=solids or ("no anions that share metal ions",),
        ),
        Card(
            name="Metal consumed",
            value=f"{last.electrons:.1f}",
            unit="electrons",
            notes=(f"atoms that have left the metal: {lost}",),
        ),
        Card(
            name="Gas released",
            value=str(sum(gained.values())),
            unit="molecules",
            notes=tuple(f"{n:+d} {name}" for name, n in gained.items())
            or ("no free molecules of gas more than at first",),
        ),
    )
