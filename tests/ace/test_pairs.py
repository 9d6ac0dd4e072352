"""The pairs are vesin's, to the last bit, and looking for them leaves nothing behind."""

from __future__ import annotations

import ctypes
import gc

import numpy as np
import pytest
import vesin

from aofl.ace.pairs import find_pairs
from aofl.errors import StructureError

CELL = np.array([[4.0, 0.0, 0.0], [1.0, 5.0, 0.0], [0.0, 0.5, 6.0]])


@pytest.mark.parametrize("is_full", [True, False])
@pytest.mark.parametrize("pbc", [(True, True, True), (True, False, True), (False, False, False)])
@pytest.mark.parametrize("n_points", [1, 2, 40])
def test_pairs_are_those_of_the_class_of_vesin(
    is_full: bool, pbc: tuple[bool, bool, bool], n_points: int
) -> None:
    points = np.random.default_rng(n_points).random((n_points, 3)) * 8.0 - 2.0
    periodic = np.array(pbc)
    theirs = vesin.NeighborList(cutoff=3.7, full_list=is_full, sorted=is_full, n_threads=1)
    i, j, shifts, vectors, distances = theirs.compute(points, CELL, periodic, "ijSDd")
    ours = find_pairs(points, CELL, periodic, 3.7, is_full=is_full, with_shifts=True)
    for one, other in (
        (ours.i, i), (ours.j, j), (ours.shifts, shifts), (ours.vectors, vectors),
        (ours.distances, distances),
    ):  # fmt: skip
        np.testing.assert_array_equal(one, other)
    plain = find_pairs(points, CELL, periodic, 3.7, is_full=is_full)
    np.testing.assert_array_equal(plain.vectors, vectors)
    assert (plain.shifts.shape, plain.distances.shape) == ((0, 3), (0,))


def test_no_class_is_left_behind_for_a_number_of_pairs() -> None:
    rng, pbc = np.random.default_rng(1), np.ones(3, dtype=bool)
    numbers = set()

    def look() -> int:
        for _ in range(30):
            found = find_pairs(rng.random((40, 3)) * 6.0, CELL, pbc, 3.0, is_full=True)
            numbers.add(len(found.i))
        gc.collect()
        return len(ctypes.Array.__subclasses__())

    assert look() == look()
    assert len(numbers) > 20


def test_a_periodic_cell_without_volume_is_one_sentence() -> None:
    with pytest.raises(StructureError, match="cannot be found"):
        find_pairs(np.zeros((2, 3)), np.zeros((3, 3)), np.ones(3, dtype=bool), 3.0, is_full=True)
