"""Defects and coverage: counted, apart, where they should be, on either face."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from ase import Atoms

from aofl.errors import StructureError
from aofl.system import build_slab
from aofl.system.surface import add_adatoms, add_coverage, cut_step, on_face, remove_atoms


def sodium(size: tuple[int, int, int] = (4, 4, 4), surface: str = "bcc100") -> Atoms:
    return build_slab(element="Na", surface=surface, size=size)


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def nearest(atoms: Atoms) -> float:
    alone = atoms.copy()
    alone.pbc = (True, True, False)
    distance = alone.get_all_distances(mic=True)
    np.fill_diagonal(distance, np.inf)
    return float(distance.min())


@pytest.mark.parametrize("surface", ["bcc100", "bcc110"])
def test_adatoms_rest_at_the_bulk_distance(surface: str) -> None:
    slab = sodium(surface=surface)
    grown = add_adatoms(slab, 3, rng=rng())
    added = grown[grown.get_tags() == 0]
    assert list(added.symbols) == ["Na"] * 3
    assert added.positions[:, 2].min() > slab.positions[:, 2].max()
    assert nearest(grown) == pytest.approx(nearest(slab), rel=0.06)


@pytest.mark.parametrize(("species", "n_atoms"), [("O", 4), ("OH", 8)])
def test_coverage_counts_per_surface_atom(species: str, n_atoms: int) -> None:
    grown = add_coverage(sodium(), species, 0.25, rng=rng())
    added = grown[grown.get_tags() == 0]
    assert len(added) == n_atoms
    oxygen = np.flatnonzero(grown.symbols == "O")
    metal = np.flatnonzero(grown.symbols == "Na")
    grown.pbc = (True, True, False)
    distance = grown.get_all_distances(mic=True)[np.ix_(oxygen, metal)].min(axis=1)
    np.testing.assert_allclose(distance, 2.32, atol=0.01)
    if species == "OH":
        hydrogen = grown.positions[grown.symbols == "H"]
        np.testing.assert_allclose(hydrogen - grown.positions[oxygen], [[0, 0, 0.97]] * 4)


def test_vacancies_leave_the_top_layer() -> None:
    slab = sodium()
    found = remove_atoms(slab, 3, rng=rng())
    counts = np.bincount(found.get_tags())
    assert list(counts[1:]) == [13, 16, 16, 16]


def test_a_step_takes_half_of_the_top_layer() -> None:
    found = cut_step(sodium())
    assert list(np.bincount(found.get_tags())[1:]) == [8, 16, 16, 16]
    assert found.positions[found.get_tags() == 1, 0].max() < found.cell[0, 0] / 2


@pytest.mark.parametrize(
    "change",
    [
        lambda one: add_adatoms(one, 2, rng=rng()),
        lambda one: add_coverage(one, "OH", 0.25, rng=rng()),
        lambda one: remove_atoms(one, 2, rng=rng()),
        cut_step,
    ],
)
def test_the_lower_face_is_the_upper_one_upside_down(change: Callable[[Atoms], Atoms]) -> None:
    slab = sodium()
    upper, lower = change(slab), on_face(slab, True, change)
    top = slab.positions[:, 2].max()
    heights = sorted(top - upper.positions[:, 2])
    np.testing.assert_allclose(heights, sorted(lower.positions[:, 2]), atol=1e-9)
    layers = lower.get_tags() > 0
    spacing = slab.cell[2, 2] / 4
    np.testing.assert_allclose(
        lower.positions[layers, 2], (4 - lower.get_tags()[layers]) * spacing, atol=1e-9
    )


def test_everything_together_keeps_apart_on_both_faces() -> None:
    slab = cut_step(sodium((6, 4, 5)))
    for lower in (False, True):
        random = rng()

        def change(one: Atoms, random: np.random.Generator = random) -> Atoms:
            one = add_adatoms(remove_atoms(one, 1, rng=random), 1, rng=random)
            return add_coverage(one, "O", 0.1, rng=random)

        slab = on_face(slab, lower, change)
    assert nearest(slab) > 2.2
    assert np.count_nonzero(slab.get_tags() == 0) == 2 + 1 + 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda one: add_adatoms(one, 20, rng=rng()), "`adatoms` asks for 20 sites"),
        (lambda one: add_coverage(one, "O", 0.01, rng=rng()), "less than one O; use at least"),
        (lambda one: remove_atoms(one, 16, rng=rng()), "leave at least one"),
        (lambda one: cut_step(sodium((1, 2, 4))), "one row of atoms along x"),
    ],
)
def test_what_has_no_room_is_said(change: Callable[[Atoms], Atoms], words: str) -> None:
    with pytest.raises(StructureError, match=words):
        change(sodium())
