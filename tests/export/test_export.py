"""`aofl export`, as its user has it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from export_cases import ELEMENTS, force_field, liquid, said_by, state
from test_lammps import stand_in

from aofl import api
from aofl.ace.basis import BasisSettings
from aofl.errors import ConfigError, ModelError
from aofl.forcefield.model import ForceField
from aofl.forcefield.serialise import write_model
from aofl.reference import AseReference

TWO = ELEMENTS[2]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_model(state(TWO), tmp_path / "model.h5")
    return tmp_path / "model.h5"


@pytest.fixture
def start(tmp_path: Path) -> Path:
    ase.io.write(tmp_path / "start.extxyz", liquid(TWO))
    return tmp_path / "start.extxyz"


def aofl(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aofl.cli", *map(str, arguments)], capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_everything_that_a_run_needs(model: Path, start: Path, tmp_path: Path) -> None:
    out = tmp_path / "lammps"
    program = os.path.relpath(stand_in(tmp_path, "lmp"))
    done = aofl(
        "export", model, "--out", out, "--structure", start, "--verify", "--lammps", program
    )
    assert done.returncode == 0, done.stderr
    assert "atom types: 1 O, 2 Na" in done.stdout
    assert "LAMMPS and the model differ in the energy by" in done.stdout
    names = {"pair.yace", "many_body.yace", "potential.in", "run.in", "structure.data"}
    assert {path.name for path in out.iterdir()} == names
    atoms = ase.io.read(out / "structure.data", format="lammps-data", units="metal")
    assert atoms.get_chemical_symbols() == liquid(TWO).get_chemical_symbols()
    predicted = force_field(TWO).predict(liquid(TWO))
    assert said_by(out, atoms, TWO).forces == pytest.approx(predicted.forces, rel=1e-7, abs=1e-6)


def test_for_machines(model: Path, tmp_path: Path) -> None:
    done = aofl("export", model, "--out", tmp_path / "lammps", "--json")
    said = json.loads(done.stdout)
    assert said["elements"] == TWO
    assert said["agreement"] is None
    assert all(Path(path).is_file() for path in said["files"])
    assert len(said["files"]) == 4


def test_a_model_saved_for_production_gives_the_same_files(
    copper: Atoms, emt: AseReference, tmp_path: Path
) -> None:
    settings = BasisSettings(n_pair=4, n_max=2, l_max=1, four_n=0, n_chebyshev=8)
    learned = ForceField(["Al", "Cu"], settings=settings)
    learned.learn(copper, emt.label(copper))
    learned.save(tmp_path / "whole.h5")
    learned.save(tmp_path / "production.h5", for_production=True)
    texts = []
    for name in ("whole", "production"):
        made = api.export(tmp_path / f"{name}.h5", tmp_path / name)
        texts.append([path.read_text().split("\n", 1)[1] for path in made.files])
    assert texts[0] == texts[1]
    found = said_by(tmp_path / "whole", copper, ["Al", "Cu"])
    predicted = learned.predict(copper)
    assert found.energies == pytest.approx(predicted.energies, rel=1e-12)
    assert np.abs(found.forces - predicted.forces).max() < 1e-9 * np.abs(predicted.forces).max()


def test_a_lammps_that_says_something_else(model: Path, start: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"and the force field differ by .* try another LAMMPS"):
        api.export(
            model, tmp_path / "lammps", structure=start, is_verified=True,
            lammps=stand_in(tmp_path, "wrong_lmp"),
        )  # fmt: skip


def test_what_cannot_be(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no format 'onnx'; expected yace"):
        api.export(model, tmp_path / "lammps", "onnx")
    with pytest.raises(ConfigError, match="nothing to verify on; give a structure"):
        api.export(model, tmp_path / "lammps", is_verified=True)
    assert not (tmp_path / "lammps").exists()
    missing = aofl("export", tmp_path / "no.h5", "--out", tmp_path / "lammps")
    assert missing.returncode == 2
    assert missing.stderr.startswith("aofl: there is no model")
