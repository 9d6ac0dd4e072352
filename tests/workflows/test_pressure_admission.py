"""A pressure that cannot be held is refused before anything is written, with what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111
from ase.calculators.emt import EMT

from aofl import api
from aofl.config import config_from_mapping
from aofl.errors import AoflError, RunStopped
from aofl.reference import AseReference
from aofl.store import iterate_trajectory


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
