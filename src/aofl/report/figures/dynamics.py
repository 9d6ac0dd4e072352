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
    thinned,
)


def energy_and_temperature(thermo: Mapping[str, FloatArray], target_K: float | None) -> Plot:
    """Potential, corrected and total energy relative to the start, and temperature."""
    time, unit = in_time_unit(thermo["time_fs"])
    energy = thermo["potential_eV"] - thermo["potential_eV"][0]
    corrected = energy - thermo["energy_shift_eV"]
    conserved = corrected + thermo["kinetic_eV"] - thermo["kinetic_eV"][0]
    conserved = conserved + np.nan_to_num(thermo["bias_eV"] - thermo["bias_eV"][0])
    traces = list(curve("potential", time, energy, BLUE))
    if np.isfinite(corrected).any():
        traces += curve("potential, corrected", time, corrected, TEAL)
        traces += curve("with kinetic, corrected", time, conserved, VIOLET)
    traces += curve("temperature", time, thermo["temperature_K"], ORANGE, 1)
    traces += _target(time, thermo["target_K"], target_K)
    return Plot(
        name="energy",
        panels=(Panel(title="Energy relative to the start, eV"), Panel(title="Temperature, K")),
        traces=tuple(traces),
        x_title=f"time, {unit}",
        height=520,
    )


def _target(time: FloatArray, course: FloatArray, target_K: float | None) -> tuple[Trace, ...]:
    """Return the line of the thermostat: as recorded, or the one temperature of older runs."""
    x, y = thinned(time, course)
    if not len(x) and target_K is not None:
        x, y = time[[0, -1]], np.full(2, target_K)
    if len(x) and (y == y[0]).all():
        x, y = x[[0, -1]], y[[0, -1]]
    if not len(x):
        return ()
    return (Trace(name="of the thermostat", x=x, y=y, colour=INK, panel=1, dash="dash"),)
