"""Slabs: geometry of the layers, and clear refusals."""

import numpy as np
import pytest

from aofl.errors import StructureError
from aofl.system import build_slab

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
        ("Na", "bcc210", (2, 2, 4), "'bcc210' is unknown; use one of bcc100"),
        ("Al", "fcc111", (2, 3, 4), "even size along y, not 3; use 4"),
    ],
)
def test_what_cannot_be_built_is_said(
    element: str, surface: str, size: tuple[int, int, int], message: str
) -> None:
    with pytest.raises(StructureError, match=message):
        build_slab(element=element, surface=surface, lattice_constant=4.2, size=size)
