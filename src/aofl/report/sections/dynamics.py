"""The section on the dynamics: energy and temperature over time."""

from __future__ import annotations

from aofl.report.data import RunData
from aofl.report.figures import dynamics as figures
from aofl.report.numbers import number
from aofl.report.page import Illustration, Section

OF_REGIONS = (
    " Regions of the thermostat are numbered as in the configuration; the last curve is that of "
    "the other atoms, where there are any."
)


def energy_and_temperature(data: RunData) -> Section | None:
    """Section 2: is the dynamics sound."""
    if not len(data.thermo["time_fs"]):
        return None
    return Section(
        id="dynamics",
        title="Energy and temperature",
        figures=(
            Illustration(
                drawing=figures.energy_and_temperature(
                    data.thermo, number(data.run, "temperature_K"), data.regions
                ),
                label="Potential energy and temperature over time",
                caption="The thin line is every recorded step, the thick one a running mean: a "
                "sound run levels off, and a reaction shows as a lasting step in the energy. "
                "Corrected means without the jumps of the energy that come with labels and "
                'updates: read the energy of a reaction off the curve "potential, corrected", as '
                "the difference of its means before and after. The curve with the kinetic energy "
                "added is conserved where there is no thermostat, and shows whether the time step "
                "is sound." + (OF_REGIONS if len(data.regions) else ""),
            ),
        ),
    )
