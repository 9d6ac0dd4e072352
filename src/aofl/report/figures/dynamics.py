"""The plot of the dynamics: energies relative to the start, temperature, pressure, volume.

Times come in fs and are shown in fs or ps, whichever reads better.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aofl.records import FloatArray
from aofl.report.figures.plot import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    RED,
    SERIES,
    TEAL,
    VIOLET,
    Panel,
    Plot,
    Trace,
    curve,
    in_time_unit,
    thinned,
    time_scale,
)


def energy_and_temperature(
    thermo: Mapping[str, FloatArray], target_K: float | None, regions: FloatArray
) -> Plot:
    """Energies relative to the start, temperature, and pressure and volume where the cell moves.

    `regions` has times, fs, and the temperature of each region, K, in its columns.
    """
    time, unit = in_time_unit(thermo["time_fs"])
    energy = thermo["potential_eV"] - thermo["potential_eV"][0]
    corrected = energy - thermo["energy_shift_eV"]
    conserved = corrected + thermo["kinetic_eV"] - thermo["kinetic_eV"][0]
    bias = np.nan_to_num(thermo["bias_eV"])
    conserved = conserved + bias - bias[0]
    traces = list(curve("potential", time, energy, BLUE))
    if np.isfinite(corrected).any():
        traces += curve("potential, corrected", time, corrected, TEAL)
        traces += curve("with kinetic, corrected", time, conserved, VIOLET)
    traces += curve("temperature", time, thermo["temperature_K"], ORANGE, 1)
    traces += _target("of the thermostat", time, _course(thermo, target_K), 1)
    for k, temperatures in enumerate(regions.T[1:], start=1):
        at = regions[:, 0] * time_scale(thermo["time_fs"])
        traces += curve(f"region {k}", at, temperatures, SERIES[(k + 1) % len(SERIES)], 1)
    panels = [Panel(title="Energy relative to the start, eV"), Panel(title="Temperature, K")]
    if np.isfinite(thermo["volume_A3"]).any():
        panels += [Panel(title="Pressure, GPa"), Panel(title="Volume, Å³")]
        traces += curve("pressure", time, thermo["pressure_GPa"], RED, 2)
        traces += _target("of the barostat", time, thermo["target_GPa"], 2)
        traces += curve("volume", time, thermo["volume_A3"], GREEN, 3)
    return Plot(
        name="energy",
        panels=tuple(panels),
        traces=tuple(traces),
        x_title=f"time, {unit}",
        height=260 * len(panels),
    )


def _course(thermo: Mapping[str, FloatArray], target_K: float | None) -> FloatArray:
    """Return the target of the thermostat as recorded, or the one temperature of older runs."""
    course = thermo["target_K"]
    if target_K is None or np.isfinite(course).any():
        return course
    return np.full(len(course), target_K)


def _target(name: str, time: FloatArray, course: FloatArray, panel: int) -> tuple[Trace, ...]:
    """Return the dashed line of what is asked for; none where nothing is."""
    x, y = thinned(time, course)
    if len(x) and (y == y[0]).all():
        x, y = x[[0, -1]], y[[0, -1]]
    if not len(x):
        return ()
    return (Trace(name=name, x=x, y=y, colour=INK, panel=panel, dash="dash"),)
