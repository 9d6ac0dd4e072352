"""The section on the calls of the reference: when it was asked, and when a call was spared."""

from __future__ import annotations

from aofl.report.data import RunData
from aofl.report.figures import calls as figures
from aofl.report.page import Illustration, Section


def reference_calls(data: RunData) -> Section | None:
    """Section 4: when the reference was asked, and when a call was spared."""
    if not data.decisions:
        return None
    calls = "Semi-empirical reference" if data.run.get("semi_empirical") else "DFT"
    last = data.thermo["time_fs"][-1] if len(data.thermo["time_fs"]) else 0.0
    return Section(
        id="calls",
        title=f"{calls} calls and skips",
        figures=(
            Illustration(
                drawing=figures.calls_over_time(data.decisions, data.bonds, float(last)),
                label="Cumulative reference calls by rule and skips over time",
                caption="Each tick is one decision, each curve counts them: a curve that flattens "
                "means the model has learned what it meets, and steps beside a bond event mean "
                "that the chemistry was new to it.",
            ),
        ),
    )
