"""The plot of the dynamics: energies relative to the start, and temperature.

Times come in fs and are shown in fs or ps, whichever reads better.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aofl.records import FloatArray
from aofl.report.figures.plot import (
    BLUE,
    INK,
    ORANGE,
    TEAL,
    VIOLET,
    Panel,
    Plot,
    Trace,
    curve,
    in_time_unit,
)


def energy_and_temperature(thermo: Mapping[str, FloatArray], target_K: float | None) -> Plot:
    """Potential, corrected and total energy relative to the start, and temperature."""
    time, unit = in_time_unit(thermo["time_fs"])
    energy = thermo["potential_eV"] - thermo["potential_eV"][0]
    corrected = energy - thermo["energy_shift_eV"]
    conserved = corrected + thermo["kinetic_eV"] - thermo["kinetic_eV"][0]
    traces = list(curve("potential", time, energy, BLUE))
    if np.isfinite(corrected).any():
        traces += curve("potential, corrected", time, corrected, TEAL)
        traces += curve("with kinetic, corrected", time, conserved, VIOLET)
    traces += curve("temperature", time, thermo["temperature_K"], ORANGE, 1)
    if target_K is not None:
        ends = time[[0, -1]]
        traces.append(
            Trace(
                name="of the thermostat", x=ends, y=[target_K] * 2, colour=INK, panel=1, dash="dash"
            )
        )
    return Plot(
        name="energy",
        panels=(Panel(title="Energy relative to the start, eV"), Panel(title="Temperature, K")),
        traces=tuple(traces),
        x_title=f"time, {unit}",
        height=520,
    )
