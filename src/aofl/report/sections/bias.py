"""The section on the bias of PLUMED: its variables, its energy, and the free energy of hills."""

from __future__ import annotations

import numpy as np

from aofl.analysis.metadynamics import PASSES, FreeEnergy, free_energy
from aofl.report.data import RunData
from aofl.report.figures import bias as figures
from aofl.report.page import Illustration, Section

FEWEST_HILLS = 10


def bias(data: RunData) -> Section | None:
    """Where the bias has led the run, and what its hills say of the free energy."""
    if data.plumed is None or not (data.plumed.variables or data.plumed.hills):
        return None
    found = {
        name: free_energy(hills)
        for name, hills in data.plumed.hills.items()
        if len(hills.heights) >= FEWEST_HILLS
    }
    text = [_said(name, free) for name, free in found.items()]
    if data.plumed.n_many:
        text.append("Of hills along several variables `plumed sum_hills` makes the free energy.")
    return Section(
        id="bias",
        title="Bias",
        text=tuple(text),
        figures=(_over_time(data), *(_along(name, free) for name, free in found.items())),
    )


def _said(name: str, free: FreeEnergy) -> str:
    if free.error is None:
        return (
            f"In the second half of the hills {name} has gone {free.n_passes} times from one end "
            f"of its range to the other; {PASSES} times are needed for an error, so there is none, "
            "and the free energy is where the hills have come to."
        )
    return (
        f"Free energy along {name}: estimates from 60 to 100 % of the hills differ by "
        f"{free.error.max():.2g} eV at most and {np.sqrt((free.error**2).mean()):.2g} eV in the "
        f"mean, with {free.n_passes} passes from one end to the other in the second half."
    )


def _over_time(data: RunData) -> Illustration:
    variables = {} if data.plumed is None else data.plumed.variables
    return Illustration(
        drawing=figures.over_time(variables, data.thermo),
        label="Collective variables and the energy of the bias over time",
        caption="As PLUMED printed them, in the units of its input, with all biases together in "
        "eV. The bias acts on the atoms alone: labels and errors are of the reference without it.",
    )


def _along(name: str, free: FreeEnergy) -> Illustration:
    return Illustration(
        drawing=figures.along(name, free),
        label=f"Free energy along {name}, from the hills",
        caption="The sum of the hills, turned over, with its lowest point at zero. Dotted, where "
        "the variable has come and gone: one standard deviation of the late estimates above and "
        "below. It does not hold what the force field is wrong by, nor what other slow variables "
        "hide.",
    )
