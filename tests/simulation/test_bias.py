"""Springs and walls: their forces are slopes, and labels know nothing of them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT

from aofl import api
from aofl.config import config_from_mapping
from aofl.config.bias import BiasConfig
from aofl.errors import ConfigError
from aofl.simulation.bias import push
from aofl.store import Dataset, iterate_trajectory

PULL = [{"ps": 0, "A": 2.0}, {"ps": 0.1, "A": 3.0}]


def bias(**given: Any) -> BiasConfig:
    return BiasConfig.model_validate(given)


def everything() -> BiasConfig:
    return bias(
        restrain=[
            {"atoms": [0, 3], "length_A": PULL, "stiffness_eV_per_A2": 7.0},
            {"atoms": [5, 1], "length_A": 1.1, "stiffness_eV_per_A2": 3.0},
        ],
        wall={"above_A": 0.5, "below_A": 3.0, "stiffness_eV_per_A2": 2.0},
    )


def tilted() -> Atoms:
    """Six atoms in a triclinic cell, some beyond the walls, one pair nearest across the border."""
    cell = [[6.0, 0.3, 0.2], [1.0, 5.5, -0.4], [0.7, -0.9, 7.0]]
    places = np.random.default_rng(2).uniform(-1, 5.5, (6, 3))
    return Atoms("Cu6", places, cell=cell, pbc=True)


def test_the_forces_are_the_slope_of_the_energy() -> None:
    atoms, given, step = tilted(), everything(), 1e-5
    forces = push(given, atoms, 40.0).forces
    assert (np.abs(forces).sum(axis=1) > 0).sum() == 4
    for k in np.ndindex(6, 3):
        energies = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions[k] += sign * step
            energies.append(push(given, moved, 40.0).energy)
        slope = (energies[0] - energies[1]) / (2 * step)
        assert forces[k] == pytest.approx(-slope, abs=1e-7)


def test_the_virial_of_springs_is_the_slope_under_strain() -> None:
    atoms, given, step = tilted(), everything().model_copy(update={"wall": None}), 1e-6
    virial = push(given, atoms, 40.0).virial
    assert np.abs(virial).max() > 0.1
    for a, b in np.ndindex(3, 3):
        energies = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[a, b] += sign * step
            moved = atoms.copy()
            moved.set_cell(atoms.cell.array @ strain, scale_atoms=False)
            moved.positions = atoms.positions @ strain
            energies.append(push(given, moved, 40.0).energy)
        slope = (energies[0] - energies[1]) / (2 * step)
        assert virial[a, b] == pytest.approx(slope, abs=1e-5)


def test_a_spring_that_moves_is_a_function_of_the_time() -> None:
    given = bias(restrain=[{"atoms": [0, 1], "length_A": PULL, "stiffness_eV_per_A2": 2.0}])
    atoms = Atoms("Cu2", [[0, 0, 0], [2.5, 0, 0]])
    assert [push(given, atoms, t).energy for t in (0, 50, 100)] == pytest.approx([0.25, 0, 0.25])
    assert push(given, atoms, 0.0).forces[:, 0] == pytest.approx([1.0, -1.0])


def settings(directory: Path, atoms: Atoms, given: Any, **changes: Any) -> Any:
    ase.io.write(directory / "start.extxyz", atoms)
    mapping = {
        "system": {"structure": str(directory / "start.extxyz")},
        "reference": {"name": "ase", "calculator": "ase.calculators.emt.EMT"},
        "force_field": {"accuracy": "fast"},
        "bias": given,
        "dynamics": {
            "name": "langevin", "timestep_fs": 1.0, "temperature_K": 300.0, "steps": 60,
            "friction_per_ps": 20.0,
        },
        "learning": {
            "target_force_error_meV_per_A": 150.0, "guards": {"max_temperature_K": 20_000.0},
        },
        "output": {"trajectory_every": 1},
    }  # fmt: skip
    return config_from_mapping(mapping, changes)


def dimer() -> Atoms:
    return Atoms("Cu2", [[4, 4, 4], [6.3, 4, 4]], cell=3 * [9.0], pbc=True)


@pytest.mark.parametrize("mode", ["aofl", "aimd"])
def test_a_bond_is_pulled_and_its_labels_are_those_of_the_reference(tmp_path, mode) -> None:
    course = [{"ps": 0, "A": 2.3}, {"ps": 0.1, "A": 2.8}]
    given = {"restrain": [{"atoms": [0, 1], "length_A": course, "stiffness_eV_per_A2": 20.0}]}
    out = tmp_path / "out"
    changes = {"mode": mode, "dynamics.timestep_fs": 2.0}
    api.run(settings(tmp_path, dimer(), given, **changes), out)
    rows = np.genfromtxt(out / "thermo.csv", delimiter=",", names=True, dtype=None, encoding=None)
    assert rows["restrained_A"][-5:].mean() == pytest.approx(2.8, abs=0.2)
    assert (rows["bias_eV"] >= 0).all()
    assert rows["bias_eV"].max() > 0.01
    frames = list(iterate_trajectory(out / "trajectory.extxyz"))
    lengths = [frame.get_distance(0, 1, mic=True) for frame in frames]
    assert lengths == pytest.approx(rows["restrained_A"].tolist(), abs=1e-6)
    with closing(Dataset(out / "labels.extxyz")) as labels:
        for entry in labels:
            alone = Atoms(entry.numbers, entry.positions, cell=entry.cell, pbc=entry.pbc)
            alone.calc = EMT()
            assert entry.label.energy == pytest.approx(alone.get_potential_energy(), abs=1e-9)
            assert np.abs(entry.label.forces - alone.get_forces()).max() < 1e-9


def test_an_atom_that_flies_away_comes_back_from_the_wall(tmp_path: Path) -> None:
    atoms = bulk("Cu", cubic=True) * (2, 2, 1)
    atoms.center(vacuum=9.0, axis=2)
    top = int(atoms.positions[:, 2].argmax())
    atoms.positions[top, 2] += 4.0
    momenta = np.zeros((len(atoms), 3))
    momenta[top, 2] = 63.5 * 0.01 / units.fs  # Å/fs
    atoms.set_momenta(momenta)
    plane = float(atoms.positions[top, 2]) + 0.5
    given = {"wall": {"below_A": plane}}
    moves = {"name": "velocity_verlet", "timestep_fs": 1.0, "temperature_K": 300.0, "steps": 250}
    api.run(settings(tmp_path, atoms, given, mode="aimd", dynamics=moves), tmp_path / "out")
    heights = [f.positions[top, 2] for f in iterate_trajectory(tmp_path / "out/trajectory.extxyz")]
    assert plane + 0.1 < max(heights) < plane + 1.5
    assert heights[-1] < plane


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"restrain": [{"atoms": [0, 7], "length_A": 2, "stiffness_eV_per_A2": 1}]}, "from 0 to 1"),
        ({"restrain": [{"atoms": [1, 1], "length_A": 2, "stiffness_eV_per_A2": 1}]}, "no two atom"),
        ({"restrain": [{"atoms": [0, 1], "length_A": -2, "stiffness_eV_per_A2": 1}]}, "greater"),
        ({"wall": {}}, "give `above_A`, `below_A` or both"),
        ({"wall": {"above_A": 5, "below_A": 2}}, "must be less than"),
        ({"wall": {"below_A": 2}}, "Cu 0 starts 2.0 Å beyond it; move the plane"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, given: Any, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        api.run(settings(tmp_path, dimer(), given), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_wall_does_not_stand_in_a_cell_that_moves(tmp_path: Path) -> None:
    atoms = bulk("Cu", cubic=True)
    given = {"wall": {"below_A": 9}}
    changes = {
        "dynamics": {
            "name": "mtk", "timestep_fs": 1.0, "temperature_K": 300.0, "steps": 2,
            "pressure_GPa": 0.0, "cell": "full",
        }
    }  # fmt: skip
    with pytest.raises(ConfigError, match="moves the cell; leave one of them out"):
        api.run(settings(tmp_path, atoms, given, **changes), tmp_path / "out")
