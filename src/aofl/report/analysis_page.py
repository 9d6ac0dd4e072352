"""The page of an analysis: what a trajectory holds, in the sections that a report has for it."""

from __future__ import annotations

from collections.abc import Sequence

from aofl.analysis.findings import Survey
from aofl.report.data import RunData
from aofl.report.page import Card, Section, render
from aofl.report.results import consumed, released, taken
from aofl.report.sections.calls import reference_calls
from aofl.report.sections.chemistry import chemistry
from aofl.report.sections.film import film
from aofl.report.sections.interphase import interphase
from aofl.report.sections.reaction_pictures import reaction_pictures

SECTIONS = (film, reference_calls, chemistry, reaction_pictures, interphase)
RESTS_ON = "from the frames of a trajectory; charges are those of the library, not measured"


def analysis_page(found: Survey, data: RunData, notes: Sequence[str]) -> str:
    """Return the page as HTML that needs nothing beside it.

    Parameters
    ----------
    data
        What the sections read: of the analysis, and of the record of a run where there is one.
    notes
        What a reader must know to judge the numbers.
    """
    sections = [section for make in SECTIONS if (section := make(data)) is not None]
    return render(
        [_head(found, data, notes), *sections], name=data.name, version="", rests_on=RESTS_ON
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
            value=str(taken(found, last)),
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
