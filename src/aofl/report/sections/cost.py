"""The section on the cost: where the wall time went, and what AIMD would have taken."""

from __future__ import annotations

from aofl.report.data import RunData
from aofl.report.figures.cost import PARTS, wall_times
from aofl.report.numbers import number
from aofl.report.page import Illustration, Section


def cost_split(data: RunData) -> Section | None:
    """Section 6: where the wall time went, and what AIMD would have taken."""
    wall = data.summary.get("wall_s")
    parts = {part: number(wall, part) or 0.0 for part in PARTS} if wall else {}
    if not sum(parts.values()):
        return None
    per_call, steps = number(data.summary, "aimd_step_s"), number(data.summary, "steps")
    aimd = {"AIMD (est.)": per_call * steps} if per_call and steps else {}
    basis = f"{per_call or 0:.2g} s, the lower decile of the calls, times {steps or 0:.0f} steps"
    return Section(
        id="cost",
        title="Cost",
        figures=(
            Illustration(
                drawing=wall_times({"this run": parts}, aimd),
                label="Wall time by part, and the AIMD estimate",
                caption="The first bar is the wall time of this run by what it was spent on"
                + (f"; AIMD of the same steps is estimated as {basis}." if aimd else "."),
            ),
        ),
    )
