"""Packing and checks: contacts are counted here anew, by brute force over images."""

import itertools
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms

from aofl.config import FileSystem, InterfaceSystem, read_config
from aofl.errors import StructureError
from aofl.system import build_slab, build_system, check_structure, molecule, pack

EXAMPLE = Path(__file__).parents[2] / "examples" / "na-water" / "run.yaml"


def sodium(size: tuple[int, int, int] = (2, 2, 4)) -> Atoms:
    return build_slab(element="Na", surface="bcc100", lattice_constant=4.2, size=size)


def closest_contact(atoms: Atoms, groups: np.ndarray) -> float:
    """Return the least distance between atoms of different groups, over all nearest images."""
    shifts = np.array(list(itertools.product((-1, 0, 1), repeat=3))) @ atoms.cell.array
    difference = atoms.positions[:, None, None] - atoms.positions[None, :, None] - shifts
    distance = np.linalg.norm(difference, axis=-1).min(axis=-1)
    return float(distance[groups[:, None] != groups[None, :]].min())


@pytest.mark.parametrize("seed", range(10))
def test_the_example_has_no_false_contact(seed: int) -> None:
    system = read_config(EXAMPLE).system
    assert isinstance(system, InterfaceSystem)
    atoms = build_system(system, seed=seed)
    assert atoms.get_chemical_formula(mode="reduce") == "Na16OH2OH2OH2OH2"
    assert atoms.pbc.all()
    np.testing.assert_allclose(atoms.cell.array, np.diag([8.4, 8.4, 8.4 + 9.0]))
    groups = np.repeat([0, 1, 2, 3, 4], [16, 3, 3, 3, 3])
    assert closest_contact(atoms, groups) >= 1.98
    heights = atoms.positions[16:, 2]
    assert heights.min() >= 6.3 + 1.98
    assert heights.max() <= 17.4 - 1.98
    assert list(atoms.get_tags()) == [4] * 4 + [3] * 4 + [2] * 4 + [1] * 4 + [0] * 12


def test_molecules_stay_whole_and_in_order() -> None:
    atoms = pack(sodium(), {"CH3OCH3": 1, "H2O": 2}, gap=12.0, min_distance=2.0, seed=1)
    start = 16
    for name in ("CH3OCH3", "H2O", "H2O"):
        template = molecule(name)
        one = atoms[start : start + len(template)]
        assert list(one.numbers) == list(template.numbers)
        np.testing.assert_allclose(one.get_all_distances(), template.get_all_distances(), atol=2e-6)
        start += len(template)
    assert start == len(atoms)


def test_a_dense_packing_keeps_its_distance_across_the_boundary() -> None:
    atoms = pack(sodium(), {"H2O": 25}, gap=9.0, min_distance=2.0, seed=3)
    groups = np.concatenate([np.zeros(16), np.repeat(np.arange(1, 26), 3)])
    assert closest_contact(atoms, groups) >= 1.98


def test_the_seed_alone_decides_the_packing() -> None:
    first, again, other = (
        pack(sodium(), {"H2O": 4}, gap=9.0, min_distance=2.0, seed=seed) for seed in (5, 5, 6)
    )
    assert np.array_equal(first.positions, again.positions)
    assert not np.allclose(first.positions, other.positions)


def test_what_does_not_fit_gives_a_gap_that_does() -> None:
    with pytest.raises(
        StructureError, match=r"45 H2O cannot be packed.*a gap of (\d+) Å does"
    ) as e:
        pack(sodium(), {"H2O": 45}, gap=9.0, min_distance=2.0, seed=1)
    gap = float(str(e.value).rsplit("gap of ", 1)[1].split()[0])
    assert len(pack(sodium(), {"H2O": 45}, gap=gap, min_distance=2.0, seed=1)) == 16 + 135


def test_a_gap_without_room_for_one_atom_is_refused() -> None:
    with pytest.raises(StructureError, match="into a gap of 1 Å"):
        pack(sodium(), {"H2O": 1}, gap=1.0, min_distance=2.0, seed=1)


def test_a_sound_structure_passes() -> None:
    check_structure(molecule("H2O"))
    check_structure(sodium())


def test_overlapping_atoms_are_named() -> None:
    atoms = sodium()
    atoms.positions[7] = atoms.positions[2] + [0.5, 0, 0]
    with pytest.raises(StructureError, match=r"atoms 2 \(Na\) and 7 \(Na\) overlap.* 0.50 Å"):
        check_structure(atoms)


def test_overlap_across_the_boundary_and_with_the_own_image_is_seen() -> None:
    across = Atoms("Na2", positions=[(0.1, 0, 0), (9.9, 0, 0)], cell=[10, 10, 10], pbc=True)
    with pytest.raises(StructureError, match=r"0.20 Å"):
        check_structure(across)
    across.pbc = False
    check_structure(across)
    with pytest.raises(StructureError, match=r"atoms 0 \(Na\) and 0 \(Na\) overlap"):
        check_structure(Atoms("Na", cell=[1.0, 10, 10], pbc=True))


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (Atoms(), "no atoms"),
        (Atoms("Na", positions=[(np.nan, 0, 0)]), "atom 0 is not a finite number"),
        (Atoms("Na", cell=[5, 5, np.inf], pbc=False), "cell holds a value"),
        (Atoms("Na", cell=[5, 5, 0], pbc=True), "periodic along axis 2 without a cell"),
        (Atoms("Na", cell=[[5, 0, 0], [5, 0, 0], [0, 0, 5]], pbc=True), "in one plane or line"),
    ],
)
def test_an_impossible_structure_is_refused(atoms: Atoms, message: str) -> None:
    with pytest.raises(StructureError, match=message):
        check_structure(atoms)


def test_a_structure_file_is_read_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "start.extxyz"
    ase.io.write(path, [sodium((1, 1, 2)), sodium()])
    assert len(build_system(FileSystem(structure=str(path)), seed=0)) == 16


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is not a file"),
        ("not a structure", "cannot be read as a structure"),
        ("1\n\nNa 0 0 0\n", "no periodic direction"),
    ],
)
def test_a_bad_structure_file_is_said(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "start.xyz"
    if text is not None:
        path.write_text(text)
    with pytest.raises(StructureError, match=message) as caught:
        build_system(FileSystem(structure=str(path)), seed=0)
    assert str(path) in str(caught.value)
