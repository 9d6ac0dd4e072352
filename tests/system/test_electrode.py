"""Slabs: geometry of the layers, and clear refusals."""

import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list

from aofl.errors import StructureError
from aofl.system import build_slab
from aofl.system.electrode import freeze_layers, slab_of_structure

NEAREST = {"bcc": np.sqrt(3) / 2, "fcc": 1 / np.sqrt(2), "hcp": 1.0}  # of the lattice constant
NEIGHBOURS = {"bcc": 8, "fcc": 12, "hcp": 12}


@pytest.mark.parametrize(
    ("surface", "layers"),
    [("bcc100", 4), ("bcc110", 4), ("bcc111", 9), ("fcc100", 4), ("fcc111", 6), ("hcp0001", 4)],
)
def test_without_gap_a_slab_is_the_bulk(surface: str, layers: int) -> None:
    slab = build_slab(element="Na", surface=surface, lattice_constant=4.2, size=(4, 4, layers))
    lattice = surface[:3]
    distances = slab.get_all_distances(mic=True)
    np.fill_diagonal(distances, np.inf)
    nearest = 4.2 * NEAREST[lattice]
    assert distances.min() == pytest.approx(nearest)
    assert np.all(np.sum(distances < 1.01 * nearest, axis=1) == NEIGHBOURS[lattice])


def test_layers_are_tagged_from_the_surface_and_start_at_zero() -> None:
    slab = build_slab(element="Na", surface="bcc100", lattice_constant=4.2, size=(2, 2, 4))
    assert len(slab) == 16
    assert slab.pbc.all()
    np.testing.assert_allclose(slab.cell.lengths(), [8.4, 8.4, 8.4])
    for tag, height in zip((4, 3, 2, 1), (0.0, 2.1, 4.2, 6.3), strict=True):
        np.testing.assert_allclose(slab.positions[slab.get_tags() == tag, 2], height)


@pytest.mark.parametrize(
    ("element", "surface", "size", "message"),
    [
        ("Xx", "bcc100", (2, 2, 4), "'Xx' is not a chemical element"),
        ("X", "bcc100", (2, 2, 4), "'X' is not a chemical element"),
        ("Na", "bcc", (2, 2, 4), "surface 'bcc' is unknown; give a lattice"),
        ("Na", "bcc0001", (2, 2, 4), "surface 'bcc0001' is unknown"),
        ("Mg", "hcp0110", (2, 2, 4), "of hcp only hcp0001"),
        ("Na", "fcc000", (2, 2, 4), "surface 'fcc000' is unknown"),
        ("Al", "fcc111", (2, 3, 4), "even size along y, not 3; use 4"),
    ],
)
def test_what_cannot_be_built_is_said(
    element: str, surface: str, size: tuple[int, int, int], message: str
) -> None:
    with pytest.raises(StructureError, match=message):
        build_slab(element=element, surface=surface, lattice_constant=4.2, size=size)


@pytest.mark.parametrize(
    ("element", "surface", "size", "cutoff", "neighbours"),
    [
        ("Na", "bcc210", (1, 2, 12), 3.8, 8),
        ("Na", "bcc310", (1, 1, 12), 3.8, 8),
        ("Na", "bcc211", (1, 1, 10), 3.8, 8),
        ("Al", "fcc311", (1, 1, 10), 3.0, 12),
        ("Cu", "fcc210", (1, 1, 14), 2.7, 12),
    ],
)
def test_any_face_of_a_cubic_metal_is_cut_from_the_bulk(
    element: str, surface: str, size: tuple[int, int, int], cutoff: float, neighbours: int
) -> None:
    slab = build_slab(element=element, surface=surface, size=size)
    cell = slab.cell.array
    np.testing.assert_allclose(cell, np.diag(np.diag(cell)), atol=1e-9)
    crystal = build_slab(element=element, surface=f"{surface[:3]}100", size=(1, 1, 2))
    assert slab.get_volume() / len(slab) == pytest.approx(crystal.get_volume() / len(crystal))
    assert set(slab.get_tags()) == set(range(1, size[2] + 1))
    slab.pbc = (True, True, False)
    first = neighbor_list("i", slab, cutoff)
    found = np.bincount(first, minlength=len(slab))
    middle = np.abs(slab.get_tags() - (size[2] + 1) / 2) < 1
    assert np.all(found[middle] == neighbours)
    assert found.max() == neighbours


@pytest.mark.parametrize(
    ("element", "surface", "a", "ratio"),
    [("Na", "bcc100", 4.23, 1), ("Al", "fcc111", 4.05, 1), ("Zn", "hcp0001", 2.66, 1.856)],
)
def test_the_experimental_lattice_is_the_default(
    element: str, surface: str, a: float, ratio: float
) -> None:
    slab = build_slab(element=element, surface=surface, size=(2, 2, 2))
    atoms_per_cell = {"bcc": 2, "fcc": 4, "hcp": 4 / np.sqrt(3)}[surface[:3]]
    volume = a**3 * ratio / atoms_per_cell
    assert slab.get_volume() / len(slab) == pytest.approx(volume, rel=1e-9)


def test_an_element_in_another_crystal_needs_a_constant() -> None:
    with pytest.raises(StructureError, match=r"bcc Al is known \(Al is fcc\); give `lattice"):
        build_slab(element="Al", surface="bcc100", size=(2, 2, 2))


@pytest.mark.parametrize(
    ("n_layers", "sides", "frozen"),
    [(0, 2, []), (1, 1, [6]), (2, 1, [5, 6]), (2, 2, [3, 4]), (4, 2, [2, 3, 4, 5])],
)
def test_frozen_layers_are_the_lowest_or_the_middle(
    n_layers: int, sides: int, frozen: list[int]
) -> None:
    slab = build_slab(element="Na", surface="bcc110", size=(2, 2, 6))
    held = freeze_layers(slab, n_layers, sides=sides)
    found = {int(slab.get_tags()[i]) for one in held.constraints for i in one.get_indices()}
    assert sorted(found) == frozen
    assert not slab.constraints


def test_a_slab_with_every_layer_frozen_is_refused() -> None:
    slab = build_slab(element="Na", surface="bcc100", size=(2, 2, 3))
    with pytest.raises(StructureError, match="`frozen_layers` is 3 of 3 layers"):
        freeze_layers(slab, 3, sides=1)


def test_a_slab_from_a_structure_loses_its_vacuum_and_keeps_its_layers() -> None:
    slab = build_slab(element="Na", surface="bcc100", size=(2, 2, 4))
    given = slab.copy()
    given.set_tags(0)
    given.rattle(0.05, seed=1)
    given.cell[2, 2] += 15
    given.positions[:, 2] += 5
    found = slab_of_structure(given)
    assert list(found.get_tags()) == list(slab.get_tags())
    np.testing.assert_allclose(found.cell.lengths(), slab.cell.lengths(), atol=0.2)
    assert found.positions[:, 2].min() == 0


@pytest.mark.parametrize(
    ("cell", "words"),
    [([[4, 1, 0], [0, 4, 0], [0, 0, 9]], "not rectangular"), ([4, 4, 9], "single layer")],
)
def test_a_structure_that_is_no_slab_is_refused(cell: list[object], words: str) -> None:
    with pytest.raises(StructureError, match=words):
        slab_of_structure(Atoms("Na", cell=cell, pbc=True))
