"""Packing and checks: contacts are counted here anew, by brute force over images."""

import itertools
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms

from aofl.config import FileSystem, InterfaceSystem, read_config
from aofl.errors import StructureError
from aofl.system import System, build_slab, build_system, check_structure, molecule, pack

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
    atoms = build_system(system, seed=seed).atoms
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
    assert len(build_system(FileSystem(structure=str(path)), seed=0).atoms) == 16


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


def built(electrode: dict[str, object], electrolyte: dict[str, object], seed: int = 1) -> System:
    config = InterfaceSystem.model_validate({"electrode": electrode, "electrolyte": electrolyte})
    return build_system(config, seed)


NA = {"element": "Na", "surface": "bcc100", "size": [3, 3, 4]}


def test_salts_become_their_ions_in_order() -> None:
    system = built(NA, {"molecules": {"DME": 2, "NaPF6": 2}, "gap_A": 12.0})
    assert system.packed is not None
    names = [kind.name for kind in system.packed.molecules]
    assert names == ["DME"] * 2 + ["Na+"] * 2 + ["PF6-"] * 2
    assert list(system.packed.molecule_of[:36]) == [-1] * 36
    assert system.atoms[36 + 32 :].get_chemical_formula() == "F12Na2P2"
    assert list(system.atoms[36 + 32 : 36 + 34].symbols) == ["Na", "Na"]


def test_the_contacts_told_are_those_counted_anew() -> None:
    system = built(NA, {"mixture": {"DME": 1}, "molecules": {"H2O": 2}, "gap_A": 11.0})
    packed = system.packed
    assert packed is not None
    molecules = packed.molecule_of >= 0
    whole = closest_contact(packed.atoms, packed.molecule_of)
    alone = closest_contact(packed.atoms[molecules], packed.molecule_of[molecules])
    assert packed.contacts.molecules == pytest.approx(alone)
    assert min(packed.contacts.molecules, packed.contacts.electrode) == pytest.approx(whole)
    assert packed.contacts.own_image >= 1.98


def test_one_side_leaves_a_vacuum_behind_the_slab() -> None:
    system = built(
        {**NA, "sides": 1, "vacuum_A": 11.0, "frozen_layers": 1},
        {"mixture": {"H2O": 1}, "gap_A": 9.0},
    )
    heights = system.atoms.positions[:, 2]
    assert system.atoms.cell[2, 2] == pytest.approx(4 * 4.23 / 2 + 9.0 + 11.0)
    assert heights.min() == 0
    assert system.atoms.cell[2, 2] - heights.max() >= 11.0
    assert np.all(heights[system.atoms.constraints[0].index] == 0)


@pytest.mark.parametrize("sides", [1, 2])
def test_molecules_keep_off_what_stands_on_a_face(sides: int) -> None:
    rough = {
        "stepped": True, "adatoms": 1, "vacancies": 1,
        "coverage": {"species": "OH", "monolayers": 0.12},
    }  # fmt: skip
    system = built(
        {**NA, "size": [4, 4, 5], "sides": sides, **rough}, {"mixture": {"H2O": 1}, "gap_A": 10.0}
    )
    packed = system.packed
    assert packed is not None
    assert closest_contact(packed.atoms, packed.molecule_of) >= 1.98
    added = np.count_nonzero((packed.atoms.get_tags() == 0) & (packed.molecule_of < 0))
    assert added == sides * (1 + 2)
    lower_terrace = packed.atoms.positions[packed.atoms.get_tags() == 2, 2].max()
    lowest = packed.atoms.positions[packed.molecule_of >= 0, 2].min()
    assert lowest < lower_terrace + 4.0  # molecules reach the lower terrace


def test_a_molecule_too_long_for_the_cell_is_refused() -> None:
    narrow = {"element": "Na", "surface": "bcc100", "size": [1, 2, 4]}
    with pytest.raises(StructureError, match=r"PC .* its own image in a cell 4\.2 Å wide"):
        built(narrow, {"molecules": {"PC": 1}, "gap_A": 4.5})


def test_what_cannot_fit_is_told_with_a_volume_without_a_long_search() -> None:
    with pytest.raises(StructureError, match=r"\(966 Å\^3\) .* a gap of \d+ Å does \(\d+ Å\^3\)"):
        built(NA, {"molecules": {"EC": 25}, "gap_A": 6.0})


def test_a_file_keeps_its_frozen_atoms(tmp_path: Path) -> None:
    slab = sodium()
    slab.set_constraint(FixAtoms([0, 3]))
    path = tmp_path / "start.extxyz"
    ase.io.write(path, slab)
    found = build_system(FileSystem(structure=str(path)), seed=0).atoms
    assert list(found.constraints[0].index) == [0, 3]


def test_an_overlapping_file_is_named(tmp_path: Path) -> None:
    slab = sodium()
    slab.positions[1] = slab.positions[0] + 0.3
    path = tmp_path / "start.extxyz"
    ase.io.write(path, slab)
    for config in (
        FileSystem(structure=str(path)),
        InterfaceSystem.model_validate(
            {
                "electrode": {"structure": str(path)},
                "electrolyte": {"molecules": {"H2O": 1}, "gap_A": 9.0},
            }
        ),
    ):
        with pytest.raises(StructureError, match=r"start\.extxyz: atoms 0 .* overlap"):
            build_system(config, seed=0)
