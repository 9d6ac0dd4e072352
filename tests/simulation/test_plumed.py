"""PLUMED in a run: it acts on atoms, never on labels; kills and rewinds take its hills back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT

from aofl import api
from aofl.config import config_from_mapping
from aofl.config.dynamics import LangevinConfig
from aofl.config.plumed_input import actions
from aofl.errors import ConfigError, RunStopped
from aofl.records import Verdict
from aofl.simulation import dynamics as dynamics_module
from aofl.simulation import run as run_module
from aofl.simulation.plumed import PlumedBias, write_plumed_files
from aofl.simulation.run_state import Run
from aofl.store import Dataset

pytest.importorskip("plumed", reason="PLUMED is not installed: make setup-plumed")

IN_EV = "UNITS LENGTH=A ENERGY=eV TIME=fs\nd: DISTANCE ATOMS=1,2\n"
SPRING = f"{IN_EV}s: RESTRAINT ARG=d AT=2.0 KAPPA=3.0\n"
HILLS = (
    f"{IN_EV}m: METAD ARG=d PACE=7 HEIGHT=0.03 SIGMA=0.1 BIASFACTOR=8 FILE=HILLS\n"
    "PRINT ARG=d,m.bias FILE=COLVAR STRIDE=3\n"
)
MOVES = LangevinConfig(name="langevin", timestep_fs=1.0, steps=10, temperature_K=300.0)


def dimer() -> Atoms:
    return Atoms("Cu2", [[4, 4, 4], [6.3, 4, 4]], cell=3 * [9.0], pbc=True)


def begun(folder: Path, text: str, atoms: Atoms) -> PlumedBias:
    write_plumed_files({"plumed.dat": text.encode()}, folder)
    bias = PlumedBias(folder, MOVES)
    bias.begin(atoms)
    return bias


def settings(directory: Path, text: str, atoms: Atoms | None = None, **changes: Any) -> Any:
    directory.mkdir(exist_ok=True)
    ase.io.write(directory / "start.extxyz", dimer() if atoms is None else atoms)
    (directory / "in.dat").write_text(text)
    mapping = {
        "system": {"structure": str(directory / "start.extxyz")},
        "reference": {"name": "ase", "calculator": "ase.calculators.emt.EMT"},
        "force_field": {"accuracy": "fast"},
        "bias": {"plumed": str(directory / "in.dat")},
        "dynamics": {
            "name": "langevin", "timestep_fs": 2.0, "temperature_K": 300.0, "steps": 60,
            "friction_per_ps": 20.0,
        },
        "learning": {
            "target_force_error_meV_per_A": 150.0, "guards": {"max_temperature_K": 20_000.0},
        },
        "output": {"trajectory_every": 1, "checkpoint_every": 20},
    }  # fmt: skip
    return config_from_mapping(mapping, changes)


def outputs(run: Path) -> dict[str, bytes]:
    names = ("thermo.csv", "plumed/COLVAR", "plumed/HILLS")
    return {name: (run / name).read_bytes() for name in names if (run / name).exists()}


@pytest.mark.parametrize("pbc", [True, False, (True, True, False)])
def test_a_spring_of_plumed_is_the_one_of_the_formula_in_eV_and_A(tmp_path: Path, pbc) -> None:  # noqa: N802
    atoms = dimer()
    atoms.pbc = pbc
    atoms.positions[1, 0] += 4.0  # 6.3 Å apart, 2.7 Å to the nearest image
    length = 6.3 if pbc is False else 2.7
    push = begun(tmp_path, SPRING, atoms).at(0, atoms)
    assert push.energy == pytest.approx(1.5 * (length - 2.0) ** 2)
    towards = 1 if pbc is False else -1
    assert push.forces[0] == pytest.approx([towards * 3 * (length - 2.0), 0, 0])
    assert push.forces[1] == pytest.approx(-push.forces[0])


def test_units_of_an_input_without_units_are_those_of_plumed(tmp_path: Path) -> None:
    text = "d: DISTANCE ATOMS=1,2\ns: RESTRAINT ARG=d AT=0.2 KAPPA=100\n"  # nm, kJ/mol
    assert begun(tmp_path, text, dimer()).at(0, dimer()).energy == pytest.approx(
        50 * 0.03**2 / 96.48533, rel=1e-5
    )


def test_comments_labels_and_continued_lines_are_read_as_plumed_reads_them(tmp_path: Path) -> None:
    text = (
        "# of copper\nUNITS LENGTH=A ENERGY=eV TIME=fs # not nm\n\nDISTANCE LABEL=d ATOMS=1,2\n"
        "s: RESTRAINT ...\n  ARG=d AT=2.0 # A\n  KAPPA=3.0\n...\nENDPLUMED\nnot read\n"
    )
    assert begun(tmp_path, text, dimer()).at(0, dimer()).energy == pytest.approx(0.135)
    assert [(a.name, a.keywords) for a in actions(text)] == [
        ("UNITS", {"LENGTH": "A", "ENERGY": "eV", "TIME": "fs"}),
        ("DISTANCE", {"LABEL": "d", "ATOMS": "1,2"}),
        ("RESTRAINT", {"ARG": "d", "AT": "2.0", "KAPPA": "3.0"}),
    ]


def test_the_virial_is_the_slope_under_strain(tmp_path: Path) -> None:
    atoms, step = dimer(), 1e-5
    atoms.positions[1] += [0.1, 0.4, -0.3]
    virial = begun(tmp_path, SPRING, atoms).at(0, atoms).virial
    for a, b in np.ndindex(3, 3):
        energies = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[a, b] += sign * step
            moved = Atoms("Cu2", atoms.positions @ strain, cell=atoms.cell @ strain, pbc=True)
            energies.append(begun(tmp_path, SPRING, moved).at(0, moved).energy)
        assert virial[a, b] == pytest.approx((energies[0] - energies[1]) / (2 * step), abs=1e-6)


def test_labels_and_what_is_learned_are_those_of_the_reference(tmp_path: Path) -> None:
    text = f"{IN_EV}s: RESTRAINT ARG=d AT=2.8 KAPPA=20\nPRINT ARG=d FILE=COLVAR STRIDE=1\n"
    api.run(settings(tmp_path, text), tmp_path / "out")
    lengths = np.loadtxt(tmp_path / "out/plumed/COLVAR")[:, 1]
    assert lengths[-10:].mean() == pytest.approx(2.7, abs=0.2)
    thermo = np.genfromtxt(tmp_path / "out/thermo.csv", delimiter=",", names=True, dtype=None)
    assert thermo["bias_eV"] == pytest.approx(10 * (lengths - 2.8) ** 2, abs=1e-4)
    with closing(Dataset(tmp_path / "out/labels.extxyz")) as labels:
        assert len(labels)
        for entry in labels:
            alone = Atoms(entry.numbers, entry.positions, cell=entry.cell, pbc=entry.pbc)
            alone.calc = EMT()
            assert entry.label.energy == pytest.approx(alone.get_potential_energy(), abs=1e-9)
            assert np.abs(entry.label.forces - alone.get_forces()).max() < 1e-9


class KilledError(Exception):
    """Stands for what ends a process."""


def killer(step: int) -> Callable[[Run], None]:
    def kill(run: Run) -> None:
        if run.step == step:
            raise KilledError

    return kill


@pytest.mark.parametrize("step", [3, 20, 33, 59])
def test_a_killed_run_goes_on_to_the_last_bit(tmp_path: Path, step: int) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    api.run(settings(tmp_path, HILLS), whole)
    with pytest.raises(KilledError):
        api.run(settings(tmp_path, HILLS), killed, killer(step))
    api.resume(killed)
    assert outputs(whole).keys() >= {"plumed/COLVAR", "plumed/HILLS"}
    assert outputs(killed) == outputs(whole)


def test_a_run_that_was_stopped_between_two_checkpoints_does_so_too(tmp_path: Path) -> None:
    def stop(run: Run) -> None:
        if run.step == 33:
            run.stop.reason = "asked to"

    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    api.run(settings(tmp_path, HILLS), whole)
    assert api.run(settings(tmp_path, HILLS), stopped, stop) == "stopped"
    api.resume(stopped)
    assert outputs(stopped) == outputs(whole)


def test_files_have_each_step_once(tmp_path: Path) -> None:
    api.run(settings(tmp_path, HILLS), tmp_path / "out")
    lines = (tmp_path / "out/plumed/COLVAR").read_text().splitlines()
    assert np.loadtxt(lines)[:, 0].tolist() == list(range(0, 121, 6))
    assert sum(line.startswith("#") for line in lines) <= 4  # one for each begin
    assert np.loadtxt(tmp_path / "out/plumed/HILLS")[:, 0].tolist() == list(range(14, 121, 14))


@pytest.fixture
def refused_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the next step 37 be refused, as a guard does it; return the steps that were."""
    refused: list[int] = []

    def advance(dynamics: Any, config: Any, seed: int, step: int) -> Verdict | None:
        if step == 37 and not refused:
            refused.append(step)
            return Verdict(action="rewind", rule="guard", reason="too hot")
        return dynamics_module.advance(dynamics, config, seed, step)

    monkeypatch.setattr(run_module, "advance", advance)
    return refused


def test_a_rewind_takes_hills_back(tmp_path: Path, refused_once: list[int]) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    rewound: list[int] = []

    def look(run: Run) -> None:
        if run.step == 30 and refused_once and not rewound:  # it stood at 36, after the hill of 35
            rewound.append(len(np.loadtxt(whole / "plumed/HILLS", ndmin=2)))

    api.run(settings(tmp_path, HILLS), whole, look)
    assert refused_once == [37]
    assert rewound == [4]  # at 7, 14, 21, 28
    assert np.loadtxt(whole / "plumed/HILLS")[:, 0].tolist() == list(range(14, 121, 14))
    assert np.loadtxt(whole / "plumed/COLVAR")[:, 0].tolist() == list(range(0, 121, 6))
    refused_once.clear()
    with pytest.raises(KilledError):
        api.run(settings(tmp_path, HILLS), killed, killer(39))
    assert refused_once == [37]
    api.resume(killed)
    assert outputs(killed) == outputs(whole)


def test_a_branch_has_the_hills_up_to_its_step(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    api.run(settings(tmp_path, HILLS), whole)
    api.branch(whole, 47, tmp_path / "branch")
    assert api.resume(tmp_path / "branch") == "done"
    assert np.loadtxt(tmp_path / "branch/plumed/HILLS")[:, 0].tolist() == list(range(14, 121, 14))


def test_a_moved_run_and_the_same_input_are_no_change_and_another_input_is_refused(
    tmp_path: Path,
) -> None:
    api.run(settings(tmp_path, HILLS), tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "moved")
    api.resume(tmp_path / "moved", {"dynamics.steps": 65})
    other = tmp_path / "other.dat"
    other.write_text(SPRING)
    with pytest.raises(ConfigError, match=r"`bias\.plumed`.*start a new run"):
        api.resume(tmp_path / "moved", {"bias.plumed": str(other)})
    with pytest.raises(ConfigError, match=r"`bias\.plumed`.*start a new run"):
        api.resume(tmp_path / "moved", {"bias": None})


def test_what_the_input_reads_is_copied_with_it(tmp_path: Path) -> None:
    grid = ["#! FIELDS d e.bias der_d", "#! SET min_d 1", "#! SET max_d 5", "#! SET nbins_d  4",
            "#! SET periodic_d false"]  # fmt: skip
    grid += [f"{d} {(d - 1) ** 2} {2 * (d - 1)}" for d in range(1, 6)]
    (tmp_path / "bias.grid").write_text("\n".join(grid) + "\n")
    (tmp_path / "COLVAR").write_text("of another run\n")
    text = f"{IN_EV}EXTERNAL ARG=d FILE=bias.grid LABEL=e\nPRINT ARG=d FILE=COLVAR\n"
    api.run(settings(tmp_path, text, **{"dynamics.steps": 2}), tmp_path / "out")
    assert (tmp_path / "out/plumed/bias.grid").read_text().splitlines() == grid
    assert "of another run" not in (tmp_path / "out/plumed/COLVAR").read_text()


def test_included_files_are_copied_and_held_to_the_same(tmp_path: Path) -> None:
    (tmp_path / "spring.dat").write_text("s: RESTRAINT ARG=d AT=2.0 KAPPA=3.0\n")
    config = settings(tmp_path, f"{IN_EV}INCLUDE FILE=spring.dat\n", **{"dynamics.steps": 2})
    api.run(config, tmp_path / "out")
    assert (tmp_path / "out/plumed/spring.dat").is_file()
    (tmp_path / "spring.dat").write_text("s: ABMD ARG=d TO=2.0 KAPPA=3.0\n")
    with pytest.raises(ConfigError, match="ABMD is not to be had"):
        api.check(config)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("s: RESTRAINT ARG=q AT=1 KAPPA=1", "cannot find action named q"),
        ("e: DISTANCE ATOMS=1,9", r"atom 9 out of range .*counts atoms from 1.* has 2"),
        ("s: RESTRANT ARG=d AT=1 KAPPA=1", '"RESTRANT" is not known'),
        ("s: ABMD ARG=d TO=3 KAPPA=1", "ABMD is not to be had.*METAD"),
        ("m: METAD ...\nARG=d PACE=3 # fast\nADAPTIVE=DIFF SIGMA=3\n... METAD", "ADAPTIVE=DIFF"),
        ("m: METAD ARG=d PACE=3 SIGMA=1 HEIGHT=1 GRID_WFILE=g", "GRID_WFILE"),
        ("m: METAD ARG=d PACE=3 SIGMA=1 HEIGHT=1 WALKERS_DIR=..", "WALKERS_DIR"),
    ],
)
def test_what_cannot_be_is_said_before_a_directory_is_made(tmp_path, line, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence) as told:
        api.run(settings(tmp_path, f"{IN_EV}{line}\n"), tmp_path / "out")
    assert "\n" not in str(told.value)
    assert not (tmp_path / "out").exists()


def test_a_missing_input_and_a_missing_plumed_are_said(tmp_path: Path, monkeypatch) -> None:
    config = settings(tmp_path, SPRING)
    monkeypatch.setenv("PLUMED_KERNEL", "/nowhere/libplumedKernel.so")
    with pytest.raises(ConfigError, match=r"library is missing.*make setup-plumed.*PLUMED_KERNEL"):
        api.check(config)
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "plumed", None)
    with pytest.raises(ConfigError, match=r"no Python module of it.*make setup-plumed"):
        api.check(config)
    monkeypatch.undo()
    (tmp_path / "in.dat").unlink()
    with pytest.raises(ConfigError, match=r"in\.dat cannot be read"):
        api.check(config)


def test_a_bias_that_its_files_do_not_bring_back_stops_the_run(tmp_path: Path) -> None:
    """Hills of two digits are other hills: so would be any action with a memory of its own."""
    few = HILLS.replace("PACE=7", "PACE=2 FMT=%9.2f")
    with pytest.raises(RunStopped, match=r"is another one once PLUMED has read.*digits in its FMT"):
        api.run(settings(tmp_path, few), tmp_path / "out")
