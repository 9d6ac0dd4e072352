"""The plot of the force error over time: estimated, threshold, and as labels showed it, meV/Å."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aofl.records import FloatArray
from aofl.report.data import Decision
from aofl.report.figures.plot import (
    BLUE,
    INK,
    ORANGE,
    TEAL,
    Panel,
    Plot,
    Trace,
    curve,
    in_time_unit,
    picked,
    thinned,
    time_scale,
)


def error_over_time(
    thermo: Mapping[str, FloatArray], decisions: Sequence[Decision], audit_rules: Sequence[str]
) -> Plot:
    """Calibrated estimate and threshold over time, with the errors that labels then showed."""
    time, unit, scale = *in_time_unit(thermo["time_fs"]), time_scale(thermo["time_fs"])
    traces = list(curve("estimate", time, 1000 * thermo["predicted_error_eV_per_A"], BLUE))
    x, y = thinned(time, 1000 * thermo["threshold_eV_per_A"])
    traces.append(Trace(name="threshold", x=x, y=y, colour=INK, dash="dash"))
    checked = [d for d in decisions if d.action == "label" and d.max_error]
    for name, is_audit, colour in (("at a label", False, ORANGE), ("at an audit", True, TEAL)):
        chosen = [d for d in checked if (d.rule in audit_rules) == is_audit]
        shown = [chosen[k] for k in picked(len(chosen)).astype(int)]
        if shown:
            traces.append(
                Trace(
                    name=f"true error {name}",
                    x=[d.time_fs * scale for d in shown],
                    y=[1000 * (d.max_error or 0.0) for d in shown],
                    colour=colour, style="points",
                    texts=tuple(d.reason for d in shown), times=tuple(d.time_fs for d in shown),
                )
            )  # fmt: skip
    return Plot(
        name="error",
        panels=(Panel(title="Force error, meV/Å", is_log=True),),
        traces=tuple(traces),
        x_title=f"time, {unit}",
        height=380,
    )
