"""Labelled frames of others: under which names, with which sign, and what is left out and why."""

from __future__ import annotations

from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.stress import voigt_6_to_full_3x3_stress

from aofl.errors import StoreError
from aofl.store import LabelKeys, read_labelled_file


def cell(seed: int = 0) -> Atoms:
    """Return a shaken cell with the results of EMT still in its calculator."""
    atoms = bulk("Cu", "fcc", a=3.5, cubic=True)
    atoms.rattle(0.1, rng=np.random.default_rng(seed))
    atoms.calc = EMT()
    atoms.get_forces()
    atoms.get_stress()
    return atoms


def named(atoms: Atoms, prefix: str = "REF_", *, stress: str | None = None) -> Atoms:
    """Return the frame as a file has it, labels under names that begin with `prefix`."""
    frame = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    frame.info[f"{prefix}energy"] = atoms.get_potential_energy()
    frame.arrays[f"{prefix}forces"] = atoms.get_forces()
    if stress is not None:
        full = voigt_6_to_full_3x3_stress(atoms.get_stress())
        size = -atoms.get_volume() if "virial" in stress else 1.0
        frame.info[f"{prefix}{stress}"] = (size * full).ravel()
    return frame


def written(path: Path, frames: list[Atoms]) -> Path:
    ase.io.write(path, frames, format="extxyz")
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.extxyz"


@pytest.mark.parametrize("blanks", ["before", "between", "after"])
def test_a_blank_line_ends_nothing(path: Path, blanks: str) -> None:
    written(path, [named(cell(k)) for k in range(3)])
    lines = path.read_text().splitlines(keepends=True)
    n = len(lines) // 3
    places = {"before": [0], "between": [n, n, 2 * n], "after": [len(lines)] * 2}[blanks]
    for place in reversed(places):
        lines.insert(place, " \n" if blanks == "between" else "\n")
    path.write_text("".join(lines))
    found = read_labelled_file(path)
    assert [entry.provenance["frame"] for entry in found.labels] == [0, 1, 2]
    assert found.left_out == []


def test_a_frame_that_is_cut_off_is_named(path: Path) -> None:
    written(path, [named(cell(k)) for k in range(3)])
    path.write_text(path.read_text()[:-60])
    found = read_labelled_file(path)
    assert (len(found.labels), found.n_frames) == (2, 3)
    assert [(item.frame, item.reason) for item in found.left_out] == [
        (2, "it is cut off: the file ends within it")
    ]


@pytest.mark.parametrize("name", ["stress", "virial", "virials"])
@pytest.mark.parametrize("prefix", ["REF_", "dft_"])
def test_stress_and_virial_have_the_sign_of_a_strained_cell(
    path: Path, name: str, prefix: str
) -> None:
    """The stress of ASE is dE/d(strain) / volume: seen here from two energies."""
    atoms = cell()
    keys = LabelKeys() if prefix == "REF_" else LabelKeys(energy="dft_energy")
    (entry,) = read_labelled_file(written(path, [named(atoms, prefix, stress=name)]), keys).labels
    energies = []
    for strain in (1e-5, -1e-5):
        strained = atoms.copy()
        strained.set_cell(atoms.cell.array * [1 + strain, 1, 1], scale_atoms=True)
        strained.calc = EMT()
        energies.append(strained.get_potential_energy())
    expected = (energies[0] - energies[1]) / 2e-5 / atoms.get_volume()
    assert entry.label.stress is not None
    assert entry.label.stress[0] == pytest.approx(expected, rel=1e-4)
    np.testing.assert_allclose(entry.label.stress, atoms.get_stress(), atol=1e-7)


def test_what_was_read_is_said(path: Path) -> None:
    frames = [named(cell(0), stress="virial"), named(cell(1))]
    frames[0].info["energy_of_another_code"] = 1.0
    found = read_labelled_file(written(path, frames))
    assert found.keys == {
        "energy": "REF_energy",
        "forces": "REF_forces",
        "stress": "-REF_virial / volume, in 1 of 2 labels",
    }
    assert found.notes == ["also there and not read: energy_of_another_code"]


def test_a_stress_that_contradicts_the_virial_is_no_label(path: Path) -> None:
    frames = [named(cell(k), stress="stress") for k in range(2)]
    for frame in frames:
        frame.info["REF_virial"] = -frame.info["REF_stress"] * frame.get_volume()
    frames[1].info["REF_virial"] *= -1
    (item,) = read_labelled_file(written(path, frames)).left_out
    assert item.frame == 1
    assert "are not one: choose by --stress-key or --virial-key" in item.reason
    chosen = read_labelled_file(path, LabelKeys(stress="REF_stress"))
    assert len(chosen.labels) == 2


def test_a_stress_can_be_left_unread(path: Path) -> None:
    written(path, [named(cell(), stress="stress")])
    assert read_labelled_file(path, LabelKeys(stress="none")).labels[0].label.stress is None


def test_a_stress_that_is_not_symmetric_is_no_stress(path: Path) -> None:
    frames = [named(cell(k), stress="stress") for k in range(2)]
    frames[1].info["REF_stress"] = np.arange(9.0)
    (item,) = read_labelled_file(written(path, frames)).left_out
    assert item.frame == 1
    assert "not symmetric" in item.reason


def test_names_of_one_file_are_never_mixed(path: Path) -> None:
    frames = [named(cell(k), "" if k % 2 else "REF_") for k in range(8)]
    written(path, frames)
    with pytest.raises(StoreError, match=r"REF_energy and REF_forces in frames 0, 2, 4 and 6, "):
        read_labelled_file(path)
    keys = LabelKeys(energy="REF_energy", forces="REF_forces")
    found = read_labelled_file(path, keys)
    assert [entry.provenance["frame"] for entry in found.labels] == [0, 2, 4, 6]
    assert [item.frame for item in found.left_out] == [1, 3, 5, 7]


def test_free_energies_in_some_frames_only_are_a_question(path: Path) -> None:
    frames = [named(cell(k), "") for k in range(3)]
    for frame in frames:
        frame.info["free_energy"] = frame.info["energy"] - 5.0
    found = read_labelled_file(written(path, frames))
    assert found.labels[0].label.energy == pytest.approx(frames[0].info["energy"] - 5.0)
    assert found.keys["energy"] == "free_energy"
    del frames[1].info["free_energy"]
    written(path, frames)
    with pytest.raises(StoreError, match="no free_energy in frame 1: give --energy-key"):
        read_labelled_file(path)
    found = read_labelled_file(path, LabelKeys(energy="energy"))
    assert found.labels[0].label.energy == pytest.approx(frames[0].info["energy"])


@pytest.mark.parametrize(
    ("energy", "forces", "keys"),
    [
        ("dft_energy", "dft_forces", LabelKeys(energy="dft_energy")),
        ("dft_energy", "dft_forces", LabelKeys(forces="dft_forces")),
        ("energy_vasp", "forces_vasp", LabelKeys(energy="energy_vasp")),
        ("REF_energy", "force", LabelKeys(forces="force")),
        ("U", "F", LabelKeys(energy="U", forces="F")),
    ],
)
def test_other_names_are_asked_for(path: Path, energy: str, forces: str, keys: LabelKeys) -> None:
    frame = named(cell())
    frame.info[energy] = frame.info.pop("REF_energy")
    frame.arrays[forces] = frame.arrays.pop("REF_forces")
    written(path, [frame])
    with pytest.raises(
        StoreError, match=f"the value {energy} and the column {forces} of .* with --energy-key"
    ):
        read_labelled_file(path)
    (entry,) = read_labelled_file(path, keys).labels
    np.testing.assert_allclose(entry.label.forces, cell().get_forces(), atol=1e-7)


def test_a_key_that_is_not_there_is_told_what_is(path: Path) -> None:
    written(path, [named(cell())])
    with pytest.raises(StoreError, match=r"expected E_dft and REF_forces; .* value REF_energy"):
        read_labelled_file(path, LabelKeys(energy="E_dft"))


def test_frames_without_forces_are_named_and_single_atoms_need_none(path: Path) -> None:
    alone = Atoms("Cu", info={"REF_energy": -0.1, "config_type": "IsolatedAtom"})
    energy_only, unlabelled = named(cell(1)), molecule("H2O")
    del energy_only.arrays["REF_forces"]
    found = read_labelled_file(written(path, [alone, named(cell()), energy_only, unlabelled]))
    assert [entry.provenance["frame"] for entry in found.labels] == [0, 1]
    assert found.labels[0].label.energy == -0.1
    assert found.labels[0].label.forces.tolist() == [[0.0, 0.0, 0.0]]
    assert found.notes == ["1 single atoms have no REF_forces: their force is zero"]
    assert [(item.frame, item.reason) for item in found.left_out] == [
        (2, "it has REF_energy, but no REF_forces"),
        (3, "it has no label: neither REF_energy nor REF_forces"),
    ]


def test_a_unit_beside_a_number_is_read_or_refused(path: Path) -> None:
    frame = named(cell())
    frame.info["REF_energy"] = "-3.25 eV"
    assert read_labelled_file(written(path, [frame])).labels[0].label.energy == -3.25
    frame.info["REF_energy"] = "-3.25 Hartree"
    written(path, [frame])
    with pytest.raises(StoreError, match=r"'-3.25 Hartree', expected a number in eV"):
        read_labelled_file(path)
