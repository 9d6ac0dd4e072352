"""O-H bonds with hysteresis: the simplest sign that water reacts.

A bond forms when the distance falls below 1.20 Å and breaks when it rises above 1.45 Å. The gap
between the two keeps a vibrating bond (0.97 Å at rest) and a shared proton from being counted as
a reaction at every swing. The function looks at one frame and remembers nothing: the memory is
the result of the frame before, which the caller hands in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from aofl.records import FloatArray, IntArray

FORM_BELOW = 1.20
BREAK_ABOVE = 1.45

Change = Literal["formed", "broken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OHBonds:
    """The O-H bonds of one frame.

    Attributes
    ----------
    pairs
        Bonded (oxygen, hydrogen) pairs of atom indices.
    n_bonds
        How many pairs there are.
    n_water
        Oxygen atoms with two hydrogens.
    n_free_oh
        Oxygen atoms with exactly one hydrogen: hydroxide or hydroxyl.
    n_free_h
        Hydrogen atoms with no oxygen: on or in the metal, in H2, or elsewhere.
    """

    pairs: frozenset[tuple[int, int]]
    n_bonds: int
    n_water: int
    n_free_oh: int
    n_free_h: int


def oxygen_hydrogen_bonds(
    numbers: IntArray,
    positions: FloatArray,
    cell: FloatArray,
    pbc: npt.NDArray[np.bool_],
    previous: OHBonds | None = None,
) -> OHBonds:
    """Find the O-H bonds of one frame.

    Parameters
    ----------
    numbers
        Atomic numbers, shape (n_atoms,).
    positions
        Å, shape (n_atoms, 3).
    cell
        Å, rows are the cell vectors, shape (3, 3); those that are not periodic may be zero.
    pbc
        Which cell vectors are periodic, shape (3,).
    previous
        The bonds of the frame before; they last until they are longer than 1.45 Å. Without it
        every bond must be shorter than 1.20 Å.

    Returns
    -------
    OHBonds
        Exact where the heights of the cell along its periodic vectors are above 2.9 Å, twice the
        breaking distance.
    """
    oxygens, hydrogens = np.flatnonzero(numbers == 8), np.flatnonzero(numbers == 1)
    distances = _minimum_image_distances(positions[oxygens], positions[hydrogens], cell, pbc)
    bonded = distances < FORM_BELOW
    if previous is not None and previous.pairs:
        o, h = np.array(list(previous.pairs)).T
        row, column = np.searchsorted(oxygens, o), np.searchsorted(hydrogens, h)
        bonded[row, column] = distances[row, column] <= BREAK_ABOVE
    row, column = np.nonzero(bonded)
    per_oxygen = bonded.sum(axis=1)
    return OHBonds(
        pairs=frozenset(zip(oxygens[row].tolist(), hydrogens[column].tolist(), strict=True)),
        n_bonds=len(row),
        n_water=int(np.count_nonzero(per_oxygen == 2)),
        n_free_oh=int(np.count_nonzero(per_oxygen == 1)),
        n_free_h=int(np.count_nonzero(~bonded.any(axis=0))),
    )


def changes(before: OHBonds, after: OHBonds) -> list[tuple[Change, int, int]]:
    """List what changed between two frames as (kind, oxygen, hydrogen), in order of the atoms."""
    broken: list[tuple[Change, int, int]] = [
        ("broken", i, j) for i, j in before.pairs - after.pairs
    ]
    formed: list[tuple[Change, int, int]] = [
        ("formed", i, j) for i, j in after.pairs - before.pairs
    ]
    return sorted(broken + formed, key=lambda change: change[1:])


def _minimum_image_distances(
    a: FloatArray, b: FloatArray, cell: FloatArray, pbc: npt.NDArray[np.bool_]
) -> FloatArray:
    """Distances between two sets of points, Å, shape (len(a), len(b)).

    Rounding fractional coordinates is exact for every distance below half the smallest periodic
    height, in a cell of any shape: such a vector has all fractions within (-1/2, 1/2), and only
    one image has. The pseudo-inverse of the periodic vectors alone takes any mix of boundaries.
    """
    vectors = b[None, :] - a[:, None]
    periodic = cell[pbc]
    vectors = vectors - np.round(vectors @ np.linalg.pinv(periodic)) @ periodic
    distances: FloatArray = np.sqrt(np.einsum("ijc,ijc->ij", vectors, vectors))
    return distances
