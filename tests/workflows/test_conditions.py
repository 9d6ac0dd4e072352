"""A pressure that cannot be held is refused before anything is written, with what to do."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms

from aofl import api
from aofl.config import config_from_mapping
from aofl.config.stages import StageConfig
from aofl.errors import AoflError, ConfigError, RunStopped, StructureError
from aofl.reference import AseReference
from aofl.report.data import read_run
from aofl.report.sections.dynamics import energy_and_temperature
from aofl.store import iterate_trajectory
from aofl.workflows.staged import _stage_config


def configured(directory: Path, atoms: Atoms, cell: str = "isotropic", **changes: Any) -> Any:
    ase.io.write(directory / "start.extxyz", atoms)
    mapping = {
        "system": {"structure": str(directory / "start.extxyz")},
        "reference": {"name": "ase", "calculator": "ase.calculators.emt.EMT"},
        "force_field": {"accuracy": "fast"},
        "dynamics": {
            "name": "mtk", "timestep_fs": 2.0, "temperature_K": 300.0, "steps": 4, "cell": cell,
            "pressure_GPa": 0.0,
        },
    }  # fmt: skip
    return config_from_mapping(mapping, changes)


def copper() -> Atoms:
    return bulk("Cu", cubic=True) * (2, 1, 1)


def slab() -> Atoms:
    atoms = fcc111("Cu", (1, 1, 3), vacuum=10, periodic=True)
    atoms.info.clear()
    return atoms


def gas() -> Atoms:
    return Atoms("Cu2", [[0, 0, 0], [2.3, 0, 0]], cell=[9, 9, 9], pbc=[True, True, False])


@pytest.mark.parametrize(
    ("atoms", "cell", "changes", "sentence"),
    [
        (gas, "full", {}, "is so along 2 of them"),
        (slab, "normal", {}, r"has 20.0 Å of vacuum \(at most 5 Å\)"),
        (lambda: bulk("Cu"), "normal", {}, "the cell vector c is not normal to a and b"),
        (copper, "full", {"reference.is_semi_empirical": True}, "trust_pressure: true"),
        (copper, "full", {"reference": {"name": "tblite"}}, r"GFN1-xTB: 9.4 GPa for sodium"),
        (copper, "up", {}, r"`dynamics.cell` is 'up'; it should be 'normal', 'isotropic' or"),
        (
            copper, "full", {"dynamics.pressure_GPa": [{"ps": 0, "K": 1}]},
            r"`dynamics.pressure_GPa`: point 1 is .* expected one such as \{ps: 5, GPa: 0.1\}",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_pressed_is_refused(tmp_path: Path, atoms, cell, changes, sentence) -> None:
    with pytest.raises(AoflError, match=sentence):
        api.run(configured(tmp_path, atoms(), cell, **changes), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_it_is_held_where_it_is_asked_for_by_name(tmp_path: Path) -> None:
    changes = {"reference.is_semi_empirical": True, "dynamics.trust_pressure": True}
    assert api.run(configured(tmp_path, copper(), **changes), tmp_path / "out") == "done"


class Stressless(EMT):
    implemented_properties = ("energy", "free_energy", "energies", "forces")


@pytest.mark.parametrize("mode", ["aofl", "aimd"])
def test_a_reference_without_a_stress_stops_the_run_with_advice(tmp_path: Path, mode: str) -> None:
    reference = AseReference(Stressless(), description={"code": "EMT", "method": "EMT"})
    with pytest.raises(RunStopped, match=r"the reference gave no stress, which `dynamics.pressure"):
        api.run(configured(tmp_path, copper(), mode=mode), tmp_path / "out", reference=reference)


def test_box_and_pressure_are_in_thermo_and_trajectory(tmp_path: Path) -> None:
    course = [{"ps": 0, "GPa": 0}, {"ps": 0.008, "GPa": 4}]
    out = tmp_path / "out"
    api.run(
        configured(
            tmp_path, copper(), **{"dynamics.pressure_GPa": course, "output.trajectory_every": 1}
        ),
        out,
    )
    rows = np.genfromtxt(out / "thermo.csv", delimiter=",", names=True)
    assert rows["target_GPa"] == pytest.approx([0, 1, 2, 3, 4])
    volumes = rows["volume_A3"]
    assert len(set(volumes)) == 5
    frames = {frame.info["step"]: frame for frame in iterate_trajectory(out / "trajectory.extxyz")}
    assert sorted(frames) == [0, 1, 2, 3, 4]
    assert [frames[k].get_volume() for k in range(5)] == pytest.approx(volumes, rel=1e-12)
    assert np.abs(rows["pressure_GPa"]).max() < 30


def test_another_cell_or_another_bias_is_applied_from_a_resume_on(tmp_path: Path) -> None:
    out = tmp_path / "out"
    api.run(configured(tmp_path, copper(), "isotropic"), out)
    spring = {"atoms": [0, 1], "length_A": 2.6, "stiffness_eV_per_A2": 1.0}
    changes = {"dynamics.cell": "normal", "dynamics.steps": 8, "bias": {"restrain": [spring]}}
    assert api.resume(out, changes) == "done"
    with (out / "thermo.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["bias_eV"] != "" for row in rows] == [False] * 5 + [True] * 4
    assert [row["restrained_A"] != "" for row in rows] == [False] * 5 + [True] * 4
    frames = {frame.info["step"]: frame for frame in iterate_trajectory(out / "trajectory.extxyz")}
    assert frames[5].cell.array[0] == pytest.approx(copper().cell.array[0], rel=0.02)
    assert len(read_run(out).thermo["step"]) == len(rows)


def test_the_report_draws_pressure_and_volume_of_a_cell_that_moves(tmp_path: Path) -> None:
    out = tmp_path / "out"
    api.run(configured(tmp_path, copper()), out)
    section = energy_and_temperature(read_run(out))
    assert section is not None
    plot = section.figures[0].drawing
    assert [panel.title for panel in plot.panels][2:] == ["Pressure, GPa", "Volume, Å³"]
    lines = {trace.name: trace for trace in plot.traces}
    assert list(lines["of the thermostat"].y) == [300.0, 300.0]
    assert list(lines["of the barostat"].y) == [0.0, 0.0]
    assert lines["volume"].panel == 3


def test_the_small_cells_of_stages_keep_their_size_and_know_no_bias(tmp_path: Path) -> None:
    spring = {"atoms": [0, 1], "length_A": 2.6, "stiffness_eV_per_A2": 1.0}
    whole = configured(tmp_path, copper(), bias={"restrain": [spring]})
    small = _stage_config(whole, StageConfig(steps=3), tmp_path / "cell.extxyz", None, copper())
    assert (small.dynamics.name, small.dynamics.steps, small.bias) == ("nose_hoover", 3, None)
    assert small.dynamics.temperature_K == 300.0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"dynamics.cell": "normal", "reference.is_semi_empirical": False}, None),
        (
            {"bias": {"restrain": [{"atoms": [0, 99], "length_A": 2, "stiffness_eV_per_A2": 1}]}},
            "expected indices from 0 to 7",
        ),
        ({"bias": {"wall": {"below_A": 9}}}, "leave one of them out"),
    ],
)
def test_what_a_start_refuses_a_resume_refuses_too(tmp_path: Path, changes, sentence) -> None:
    out = tmp_path / "out"
    api.run(configured(tmp_path, copper()), out)
    before = (out / "config.yaml").read_bytes()
    if sentence is None:
        assert api.resume(out, changes) == "done"
        return
    with pytest.raises(ConfigError, match=sentence):
        api.resume(out, changes)
    assert (out / "config.yaml").read_bytes() == before


def test_frozen_atoms_do_not_stay_in_a_cell_that_moves(tmp_path: Path) -> None:
    atoms = copper()
    atoms.set_constraint(FixAtoms([0]))
    with pytest.raises(StructureError, match="cannot keep frozen atoms where they are"):
        api.run(configured(tmp_path, atoms), tmp_path / "out")
