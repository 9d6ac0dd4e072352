"""The gate of `train` and `evaluate`: nothing wrong is learned without a word."""

from __future__ import annotations

import json
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.stress import voigt_6_to_full_3x3_stress
from typer.testing import CliRunner

from aofl.cli.commands import app
from aofl.cli.labelled_screen import lines_of
from aofl.errors import StoreError
from aofl.forcefield.model import ForceField
from aofl.workflows.evaluate import evaluate
from aofl.workflows.labelled_frames import labelled_frames
from aofl.workflows.train import train


def frame(seed: int) -> Atoms:
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True)
    atoms.rattle(0.12, rng=np.random.default_rng(seed))
    atoms.calc = EMT()
    found = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
    found.info["REF_energy"] = atoms.get_potential_energy()
    found.info["REF_stress"] = voigt_6_to_full_3x3_stress(atoms.get_stress()).ravel()
    found.arrays["REF_forces"] = atoms.get_forces()
    return found


def frames(n: int = 12) -> list[Atoms]:
    return [frame(seed) for seed in range(n)]


def written(path: Path, data: list[Atoms]) -> Path:
    ase.io.write(path, data, format="extxyz")
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.extxyz"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("model")
    assert (
        train(written(place / "data.extxyz", frames()), place / "model.h5", "fast").n_labels == 12
    )
    return place / "model.h5"


def test_every_frame_three_times_teaches_what_each_of_them_once_does(
    path: Path, tmp_path: Path, model: Path
) -> None:
    written(path, frames() * 3)
    assert train(path, tmp_path / "thrice.h5", "fast").n_labels == 12
    once, thrice = ForceField.load(model), ForceField.load(tmp_path / "thrice.h5")
    np.testing.assert_array_equal(once.calibration, thrice.calibration)
    probe = frame(99)
    np.testing.assert_array_equal(once.predict(probe).forces, thrice.predict(probe).forces)


def test_single_atoms_are_learned_and_are_no_test(path: Path, tmp_path: Path, model: Path) -> None:
    alone = Atoms("Cu", info={"REF_energy": 3.5, "config_type": "IsolatedAtom"})
    written(path, [*frames(), alone])
    assert train(path, tmp_path / "alone.h5", "fast").n_labels == 13
    found, without = ForceField.load(tmp_path / "alone.h5"), ForceField.load(model)
    np.testing.assert_allclose(found.calibration, without.calibration, rtol=0.35)
    test = evaluate(tmp_path / "alone.h5", written(tmp_path / "test.extxyz", [frame(99)]))
    assert test.forces_rmse < 0.3


def test_faults_and_repetitions_are_left_out_by_frame(path: Path) -> None:
    data = frames(10)
    data[2].arrays["REF_forces"][1, 0] = np.nan
    data[5].arrays["REF_forces"] += 300.0
    data.append(frame(4))
    found = labelled_frames([written(path, data)])
    assert [entry.provenance["frame"] for entry in found.labels] == [0, 1, 3, 4, 6, 7, 8, 9]
    said = "\n".join(lines_of(found))
    assert "data.extxyz: 8 of 11 frames are used" in said
    assert "read: energy from REF_energy (eV), forces from REF_forces (eV/Å), stress from" in said
    assert "left out: frame 2: the forces of the reference are not finite" in said
    assert "left out: frame 5: the net force is 1.2e+03 eV/Å" in said
    assert "not counted: frame 10: the same as frame 4" in said
    assert [item["frame"] for item in found.to_json()["left_out"]] == [2, 5, 10]


def test_one_energy_far_off_is_left_out(path: Path) -> None:
    data = frames()
    data[7].info["REF_energy"] -= 50.0
    (item,) = labelled_frames([written(path, data)]).left_out
    assert item.frame == 7
    assert "its energy is -50 eV off what its forces and the other frames say" in item.reason


def test_where_much_is_wrong_nothing_is_read(path: Path) -> None:
    data = frames()
    for atoms in data[:4]:
        atoms.info["REF_energy"] = float("nan")
    with pytest.raises(StoreError, match=r"4 of 12 labels cannot be believed, frames 0, 1, 2 and"):
        labelled_frames([written(path, data)])


def zero_of_its_own(atoms: Atoms, k: int) -> None:
    atoms.info["REF_energy"] -= 1000.0 * (k % 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a, k: a.info.update(REF_stress=-a.info["REF_stress"]), "the opposite sign"),
        (lambda a, k: a.info.update(REF_stress=160.2 * a.info["REF_stress"]), "that fits GPa"),
        (
            lambda a, k: a.info.update(REF_stress=-a.get_volume() * a.info["REF_stress"]),
            "that fits a virial in eV",
        ),
        (lambda a, k: a.info.update(REF_energy=a.info["REF_energy"] / 27.2), "in Hartree"),
        (lambda a, k: a.info.update(REF_energy=a.info["REF_energy"] / 4), "energies per atom"),
        (lambda a, k: a.set_array("REF_forces", a.arrays["REF_forces"] / 51.4), "Hartree/Bohr"),
        (lambda a, k: a.set_cell(a.cell / 0.529177, scale_atoms=True), "positions must be in Å"),
        (lambda a, k: a.set_cell(a.cell / 10.0, scale_atoms=True), "positions must be in Å"),
        (zero_of_its_own, "6 of 12 labels cannot be believed"),
    ],
)
def test_units_and_zeros_that_do_not_fit_are_refused(path: Path, change, words: str) -> None:
    data = frames()
    for k, atoms in enumerate(data):
        change(atoms, k)
    with pytest.raises(StoreError, match=words):
        labelled_frames([written(path, data)])


def test_stresses_too_large_for_any_solid_are_refused_however_few(path: Path) -> None:
    data = frames(3)
    for atoms in data:
        atoms.info["REF_stress"] *= 1602.0
    with pytest.raises(StoreError, match="they may be in GPa or kbar"):
        labelled_frames([written(path, data)])


def test_what_few_frames_cannot_show_is_said(path: Path) -> None:
    notes = labelled_frames([written(path, frames(3))]).notes
    assert "the unit of the energies could not be compared" in notes[0]
    assert "the unit of the stresses could not be compared" in notes[1]


def test_a_stress_of_exactly_zero_is_not_learned(path: Path) -> None:
    data = frames()
    for atoms in data:
        atoms.info["REF_stress"] = np.zeros(9)
    found = labelled_frames([written(path, data)])
    assert all(entry.label.stress is None for entry in found.labels)
    assert found.notes == ["the stress of 12 labels is exactly 0, a placeholder: it is not learned"]


def test_files_are_read_together(path: Path, tmp_path: Path) -> None:
    data = frames()
    second = written(tmp_path / "more.extxyz", [data[3], *[frame(50 + k) for k in range(3)]])
    found = labelled_frames([written(path, data), second])
    assert len(found.labels) == 15
    said = "\n".join(lines_of(found))
    assert "data.extxyz, more.extxyz: 15 of 16 frames are used" in said
    assert "frame 0 of more.extxyz: the same as frame 3 of data.extxyz" in said


def test_the_command_line_names_keys_and_keeps_what_was_read(
    path: Path, tmp_path: Path, model: Path
) -> None:
    data = frames()
    for atoms in data:
        atoms.info["E"] = atoms.info.pop("REF_energy")
        atoms.arrays["F"] = atoms.arrays.pop("REF_forces")
        atoms.info["W"] = -atoms.info.pop("REF_stress") * atoms.get_volume()
    written(path, data)
    keys = ["--energy-key", "E", "--forces-key", "F", "--virial-key", "W", "--json"]
    out = tmp_path / "model.h5"
    arguments = ["train", str(path), "--out", str(out), "--accuracy", "fast", *keys]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["n_labels"] == 12
    assert said["data"]["keys"] == {
        "data.extxyz": {"energy": "E", "forces": "F", "stress": "-W / volume"}
    }
    probe = frame(99)
    for name in ("forces", "stress"):
        values = [getattr(ForceField.load(file).predict(probe), name) for file in (out, model)]
        np.testing.assert_allclose(*values, atol=1e-5)
    plot = str(tmp_path / "parity.svg")
    done = CliRunner().invoke(app, ["evaluate", str(model), str(path), "--plot", plot, *keys])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["data"]["n_labels"] == 12
