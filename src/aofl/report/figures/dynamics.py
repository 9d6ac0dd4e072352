"""The figure of the dynamics: energies relative to the start, and temperature.

Times come in fs and are shown in fs or ps, whichever reads better.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from aofl.records import FloatArray
from aofl.report.figures.canvas import (
    BLUE,
    INK,
    ORANGE,
    TEAL,
    VIOLET,
    Drawing,
    draw,
    legend_above,
)
from aofl.report.figures.timeline import curve, in_time_unit, time_axis


def energy_and_temperature(thermo: Mapping[str, FloatArray], target_K: float | None) -> Drawing:
    """Potential, corrected and total energy relative to the start, and temperature."""
    time, unit = in_time_unit(thermo["time_fs"])
    energy = thermo["potential_eV"] - thermo["potential_eV"][0]
    corrected = energy - thermo["energy_shift_eV"]
    conserved = corrected + thermo["kinetic_eV"] - thermo["kinetic_eV"][0]

    def plot(figure: Figure) -> None:
        top, bottom = figure.subplots(2, 1, sharex=True)
        curve(top, time, energy, BLUE, "potential")
        if np.isfinite(corrected).any():
            curve(top, time, corrected, TEAL, "potential, corrected")
            curve(top, time, conserved, VIOLET, "with kinetic, corrected")
            legend_above(top)
        top.set_title("Energy relative to the start, eV")
        curve(bottom, time, thermo["temperature_K"], ORANGE)
        bottom.set_title("Temperature, K")
        if target_K is not None:
            bottom.axhline(target_K, color=INK, lw=0.9, ls=(0, (4, 3)), label="target")
            legend_above(bottom)
        time_axis(bottom, time, unit)

    return draw("energy", 5.0, plot)
