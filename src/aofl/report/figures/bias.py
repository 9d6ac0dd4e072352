"""The plots of a bias: variables and energy over time, and a free energy along a variable."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aofl.analysis.metadynamics import FreeEnergy
from aofl.records import FloatArray
from aofl.report.figures.plot import BLUE, RED, SERIES, Panel, Plot, Trace, curve, time_scale

MOST = 4  # variables that are shown


def over_time(
    variables: Mapping[str, tuple[FloatArray, FloatArray]], thermo: Mapping[str, FloatArray]
) -> Plot:
    """Draw each variable over time, and the energy of all biases."""
    scale = time_scale(thermo["time_fs"])
    shown = list(variables.items())[:MOST]
    traces: list[Trace] = []
    for panel, (name, (times, values)) in enumerate(shown):
        traces += curve(name, times * scale, values, SERIES[panel], panel)
    traces += curve("bias", thermo["time_fs"] * scale, thermo["bias_eV"], RED, len(shown))
    panels = [Panel(title=name) for name, _ in shown] + [Panel(title="Bias, eV")]
    return Plot(
        name="bias",
        panels=tuple(panels),
        traces=tuple(traces),
        x_title=f"time, {'fs' if scale == 1.0 else 'ps'}",
        height=200 * len(panels),
    )


def along(name: str, free: FreeEnergy) -> Plot:
    """Draw a free energy, with its error as dotted lines."""
    line = Trace(name="free energy", x=free.variable, y=free.energies, colour=BLUE, width=2.2)
    error = np.empty(0) if free.error is None else free.error
    edges = tuple(
        Trace(
            name="one standard deviation",
            x=free.variable,
            y=free.energies + sign * error,
            colour=BLUE,
            dash="dot",
            in_legend=sign > 0,
        )
        for sign in (1, -1)
        if len(error)
    )
    return Plot(
        name=f"free-energy-{''.join(c if c.isalnum() else '-' for c in name)}",
        panels=(Panel(title="Free energy, eV"),),
        traces=(line, *edges),
        x_title=f"{name}, in the unit of plumed.dat",
    )
