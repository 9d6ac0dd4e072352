"""The section on the calls of the reference: when it was asked, beside what reacted."""

from __future__ import annotations

from aofl.report.data import RunData
from aofl.report.figures.timeline import timeline
from aofl.report.page import Illustration, Section


def reference_calls(data: RunData) -> Section | None:
    """Section 4: when the reference was asked, and when a call was spared, beside what reacted."""
    if not data.decisions and not data.changes:
        return None
    calls = "Semi-empirical reference" if data.run.get("semi_empirical") else "DFT"
    title = f"{calls} calls, skips and events" if data.decisions else "Molecules and events"
    return Section(id="calls", title=title, figures=(_figure(data),))


def _figure(data: RunData) -> Illustration:
    molecules = (
        "A line that rises is a molecule that is made, one that falls is used up; metal atoms are "
        "in contact with molecules, not bonded to them, and are not counted. "
        if data.reactions
        else ""
    )
    decisions = (
        "Curves count labels by the rule that asked, and what was spared: a curve that flattens "
        "means that the force field has learned what it meets. "
        if data.decisions
        else ""
    )
    return Illustration(
        drawing=timeline(data),
        label="Molecules, decisions and events over time",
        caption=f"{molecules}{decisions}Each tick is one event or decision, with its reason under "
        "the pointer; a click on one shows it in the trajectory.",
    )
