"""Hydrogen bonds D-H...A between oxygens (and nitrogens, fluorines) of the molecules of a frame.

The geometric rule of A. Luzar and D. Chandler, Phys. Rev. Lett. 76, 928 (1996),
doi:10.1103/PhysRevLett.76.928: donor and acceptor at most 3.5 Å apart, and the hydrogen at most
30 degrees off the line between them. It was made for water and is used for hydroxides too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aofl.ace.neighbors import find_neighbors
from aofl.records import FloatArray, IntArray

LONGEST = 3.5  # Å, donor to acceptor
WIDEST = 30.0  # degrees, H-D...A
ACCEPTORS = (7, 8, 9)  # N, O, F


@dataclass(frozen=True, slots=True, kw_only=True)
class HydrogenBond:
    """One hydrogen bond: atom indices, donor-acceptor distance (Å) and angle (degrees)."""

    donor: int
    hydrogen: int
    acceptor: int
    distance: float
    angle: float


def hydrogen_bonds(
    numbers: IntArray,
    positions: FloatArray,
    cell: FloatArray,
    pbc: npt.NDArray[np.bool_],
    covalent: frozenset[tuple[int, int]],
) -> list[HydrogenBond]:
    """Find the hydrogen bonds of one frame, in the order of donor, hydrogen and acceptor.

    Parameters
    ----------
    numbers, positions, cell, pbc
        As in ASE, Å.
    covalent
        Covalently bonded pairs of atom indices, each once; only H with N, O or F matters.
    """
    hydrogens = _hydrogens(numbers, covalent)
    if not hydrogens:
        return []
    polar = np.flatnonzero(np.isin(numbers, ACCEPTORS) | (numbers == 1))
    near = find_neighbors(positions[polar], cell, pbc, LONGEST)
    index = {int(atom): k for k, atom in enumerate(polar)}
    found = []
    for donor, own in sorted(hydrogens.items()):
        rows = slice(near.first[index[donor]], near.first[index[donor] + 1])
        others, vectors = polar[near.second[rows]], near.vectors[rows]
        is_acceptor = np.isin(numbers[others], ACCEPTORS)
        for hydrogen in own:
            images = np.flatnonzero(others == hydrogen)
            if len(images) == 0:
                continue  # the bond is longer than the reach
            bond = vectors[images[np.argmin(np.linalg.norm(vectors[images], axis=1))]]
            found += [
                HydrogenBond(
                    donor=donor, hydrogen=hydrogen, acceptor=int(a), distance=d, angle=angle
                )
                for a, d, angle in _within(bond, others[is_acceptor], vectors[is_acceptor])
            ]
    return found


def _within(
    bond: FloatArray, acceptors: IntArray, vectors: FloatArray
) -> list[tuple[int, float, float]]:
    """Return (acceptor, distance, angle) of those within 30 degrees of the D-H bond."""
    lengths = np.linalg.norm(vectors, axis=1)
    cosines = vectors @ bond / (lengths * np.linalg.norm(bond))
    angles = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
    return [
        (int(acceptors[k]), float(lengths[k]), float(angles[k]))
        for k in np.flatnonzero(angles <= WIDEST)
    ]


def _hydrogens(numbers: IntArray, covalent: frozenset[tuple[int, int]]) -> dict[int, list[int]]:
    """Each donor with its hydrogens, sorted."""
    result: dict[int, list[int]] = {}
    for i, j in sorted(covalent):
        for donor, hydrogen in ((i, j), (j, i)):
            if numbers[hydrogen] == 1 and numbers[donor] in ACCEPTORS:
                result.setdefault(donor, []).append(hydrogen)
    return result
