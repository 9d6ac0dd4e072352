"""A thermostat by regions: each has its temperature, and a kill changes no bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator
from ase.constraints import FixAtoms

from aofl import api
from aofl.config import config_from_mapping
from aofl.errors import ConfigError
from aofl.report.data import read_run
from aofl.schedule import Schedule, mean
from aofl.simulation.dynamics import advance, make_dynamics, set_initial_momenta
from aofl.simulation.regions import mean_target, region_temperatures
from aofl.store import read_table

MORSE = {  # unlike EMT, which keeps a list of neighbours, it gives the same bits after a resume
    "name": "ase",
    "calculator": "ase.calculators.morse.MorsePotential",
    "arguments": {"epsilon": 0.3, "rho0": 4.0, "r0": 2.6},
}
RAMP = [{"ps": 0, "K": 200}, {"ps": 0.1, "K": 600}, {"ps": 0.1, "K": 100}]


class Apart(Calculator):
    """Each atom on a spring of its own: no heat flows."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, places: np.ndarray) -> None:
        super().__init__()
        self.places = places

    def calculate(
        self, atoms: Any = None, properties: Any = None, system_changes: Any = ()
    ) -> None:
        away = atoms.positions - self.places
        self.results = {"energy": float((away**2).sum()), "forces": -2 * away}


def settings(regions: Any, structure: Path | str = "some.xyz", **changes: Any) -> Any:
    mapping = {
        "system": {"structure": str(structure)},
        "reference": MORSE,
        "force_field": {"accuracy": "fast"},
        "dynamics": {
            "name": "langevin", "timestep_fs": 2.0, "temperature_K": 300.0, "steps": 40,
            "friction_per_ps": 50.0, "regions": regions,
        },
        "learning": {"target_force_error_meV_per_A": 150.0},
        "output": {"checkpoint_every": 10},
    }  # fmt: skip
    return config_from_mapping(mapping, changes)


def alloy(size: int = 4) -> Atoms:
    atoms = bulk("Cu", cubic=True) * (size, size, size)
    atoms.symbols[: len(atoms) // 2] = "Ni"
    set_initial_momenta(atoms, 300.0, 3)
    return atoms


def test_each_region_comes_to_its_temperature_and_the_rest_to_the_common_one() -> None:
    atoms = alloy()
    atoms.calc = Apart(atoms.positions.copy())
    regions = [
        {"elements": ["Ni"], "temperature_K": 150.0},
        {"atoms": "128-170, 171-199", "temperature_K": 900.0},
    ]
    config = settings(regions).dynamics
    dynamics, found = make_dynamics(config, atoms), []
    for step in range(1, 801):
        advance(dynamics, config, 7, step)
        if step > 200:
            found.append(region_temperatures(config, atoms))
    assert np.mean(found, axis=0) == pytest.approx([150.0, 900.0, 300.0], rel=0.04)
    asked = mean_target(config, atoms)
    assert asked is not None
    assert asked.at(9.0) == pytest.approx((128 * 150 + 72 * 900 + 56 * 300) / 256)


def test_regions_at_the_common_temperature_are_no_regions_to_the_last_bit() -> None:
    ends = []
    for regions in ([], [{"elements": ["Ni"], "temperature_K": 300.0}]):
        atoms = alloy(2)
        atoms.calc = Apart(atoms.positions.copy())
        config = settings(regions).dynamics
        dynamics = make_dynamics(config, atoms)
        for step in range(1, 20):
            advance(dynamics, config, 7, step)
        ends.append(atoms.get_momenta())
    assert (ends[0] == ends[1]).all()


def test_frozen_atoms_have_no_part_in_a_temperature() -> None:
    atoms = alloy(2)
    config = settings([{"atoms": "0-3", "temperature_K": 1.0}]).dynamics
    whole = region_temperatures(config, atoms)
    atoms.set_constraint(FixAtoms([0, 1]))
    momenta = atoms.get_momenta()
    momenta[:2] = 0.0
    atoms.set_momenta(momenta)
    energy = (momenta[2:4] ** 2 / atoms.get_masses()[2:4, None]).sum() / 2
    assert region_temperatures(config, atoms)[0] == pytest.approx(
        energy / 3 / 8.617330e-5, rel=1e-5
    )
    assert region_temperatures(config, atoms)[1] == whole[1]


def test_the_mean_of_schedules_keeps_their_ramps_and_steps() -> None:
    one = Schedule(times_fs=(0.0, 100.0, 100.0), values=(200.0, 600.0, 100.0))
    two = Schedule(times_fs=(0.0, 50.0), values=(0.0, 100.0))
    both = mean([one, two], [1, 3])
    for time in (0.0, 20.0, 50.0, 99.0, 100.0, 300.0):
        assert both.at(time) == pytest.approx((one.at(time) + 3 * two.at(time)) / 4)
    assert both.before(100.0) == pytest.approx((600 + 300) / 4)


def test_a_stopped_run_goes_on_to_the_last_bit_and_its_report_has_the_regions(tmp_path) -> None:
    ase.io.write(tmp_path / "start.extxyz", alloy(2))
    regions = [{"elements": ["Ni"], "temperature_K": RAMP}]
    config = settings(regions, tmp_path / "start.extxyz")
    api.run(config, tmp_path / "whole")

    def stop(run: Any) -> None:
        if run.step == 23:
            run.stop.reason = "asked to"

    api.run(config, tmp_path / "stopped", stop)
    api.resume(tmp_path / "stopped")
    whole, stopped = (read_table(tmp_path / name / "thermo.csv") for name in ("whole", "stopped"))
    assert stopped == whole
    assert float(whole[25]["target_K"]) == pytest.approx((400 + 300) / 2)
    data = read_run(tmp_path / "whole")
    assert data.regions.shape == (41, 3)
    assert data.regions[:, 1:].mean(axis=1) == pytest.approx(data.thermo["temperature_K"], rel=1e-5)
    assert "Regions of the thermostat" in api.report(tmp_path / "whole").read_text()


@pytest.mark.parametrize(
    ("regions", "sentence"),
    [
        ([{"temperature_K": 300}], "give either `elements` or `atoms`"),
        ([{"elements": ["Xx"], "temperature_K": 300}], "'Xx' is no element"),
        ([{"atoms": "3-1", "temperature_K": 300}], "'3-1' is no index and no range"),
        ([{"atoms": "1, two", "temperature_K": 300}], "'two' is no index"),
        ([{"elements": ["Na"], "temperature_K": 300}], r"region 1 \(Na\) names atoms that are not"),
        ([{"atoms": "30-32", "temperature_K": 300}], "has 32, .*indices from 0"),
        ([{"atoms": "0-20", "temperature_K": 9}, {"elements": ["Cu"], "temperature_K": 3}],
         r"atom 16 \(Cu\) is in region 1 and in region 2"),
    ],
)  # fmt: skip
def test_regions_that_fit_not_are_refused(tmp_path: Path, regions: Any, sentence: str) -> None:
    ase.io.write(tmp_path / "start.extxyz", alloy(2))
    with pytest.raises(ConfigError, match=sentence):
        api.check(settings(regions, tmp_path / "start.extxyz"))


def test_other_thermostats_and_lammps_have_none() -> None:
    regions = [{"elements": ["Ni"], "temperature_K": 300}]
    bussi = {"name": "bussi", "timestep_fs": 1.0, "temperature_K": 300.0, "steps": 9}
    with pytest.raises(ConfigError, match=r"dynamics\.regions` is unknown"):
        settings(regions, dynamics=bussi | {"regions": regions})
    with pytest.raises(ConfigError, match=r"regions` are not there with `engine: lammps`"):
        settings(regions, **{"engine": "lammps", "mode": "mlff", "force_field.model": "m.h5"})
