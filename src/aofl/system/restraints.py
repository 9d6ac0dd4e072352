"""Forces of a model without electrons, in which molecules stay what they are.

Three harmonic terms, E = sum k/2 d^2: springs hold a molecule in its shape; walls act only where
a bond leaves a band around its length; contacts push atoms of different molecules, and of a
molecule and the slab, apart where they are nearer than they would be in a liquid. Nothing here
can break or form a bond, and nothing attracts: it is a way to a start structure, not a force
field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from ase import Atoms
from ase.data import covalent_radii, vdw_radii
from scipy.sparse import coo_array
from scipy.sparse.csgraph import shortest_path

from aofl.ace.neighbors import find_neighbors
from aofl.records import FloatArray, IntArray
from aofl.system.bonding import bonded_pairs

# eV/Å^2, by the number of bonds between two atoms of a molecule: lengths, angles, torsions.
_STIFFNESS: Final = {1: 20.0, 2: 5.0, 3: 0.3}
_WALL_STIFFNESS: Final = 50.0
_WALL_BAND: Final = 0.08  # of the length
_CONTACT_STIFFNESS: Final = 6.0
_OF_VAN_DER_WAALS: Final = 0.8  # of the sum of the radii: O...H 2.2 Å, C...C 2.7 Å
_OF_COVALENT: Final = 1.1  # of the sum of the radii of a metal and a ligand: Na...O 2.6 Å
_LIGANDS: Final = (7, 8, 9, 16, 17, 35, 53)
_NO_METALS: Final = (1, 2, 5, 6, 10, 14, 15, 18, 34, 36, 54, *_LIGANDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Springs:
    """Pairs of atoms held at a distance.

    Attributes
    ----------
    pairs
        Atom indices, shape (n, 2); the atoms of a pair are in one molecule, never wrapped apart.
    lengths
        Å, shape (n,).
    stiffness
        eV/Å^2, shape (n,).
    band
        Half width around the length where there is no force, as a fraction of it.
    """

    pairs: IntArray
    lengths: FloatArray
    stiffness: FloatArray
    band: float = 0.0

    def __call__(self, atoms: Atoms) -> tuple[float, FloatArray]:
        """Return energy, eV, and forces, eV/Å."""
        i, j = self.pairs.T
        vectors = atoms.positions[j] - atoms.positions[i]
        distance = np.linalg.norm(vectors, axis=1)
        excess = distance - self.lengths
        free = self.band * self.lengths
        excess = np.sign(excess) * np.maximum(np.abs(excess) - free, 0.0)
        pull = (self.stiffness * excess / distance)[:, None] * vectors
        forces = np.zeros((len(atoms), 3))
        np.add.at(forces, i, pull)
        np.add.at(forces, j, -pull)
        return float(0.5 * np.sum(self.stiffness * excess**2)), forces


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftContacts:
    """Repulsion between atoms of different molecules, and of molecules and the slab.

    Attributes
    ----------
    molecule_of
        Number of the molecule of each atom, -1 in the slab; shape (n_atoms,).
    """

    molecule_of: IntArray = field(repr=False)

    def __call__(self, atoms: Atoms) -> tuple[float, FloatArray]:
        """Return energy, eV, and forces, eV/Å."""
        reach = contact_distances(atoms.numbers)
        near = find_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, float(reach.max()))
        i = np.repeat(np.arange(len(atoms)), np.diff(near.first))
        j = near.second
        distance = np.linalg.norm(near.vectors, axis=1)
        overlap = reach[i, j] - distance
        acts = (self.molecule_of[i] != self.molecule_of[j]) & (overlap > 0)
        i, overlap = i[acts], overlap[acts]
        push = -(_CONTACT_STIFFNESS * overlap / distance[acts])[:, None] * near.vectors[acts]
        forces = np.zeros((len(atoms), 3))
        np.add.at(forces, i, push)
        # Every pair is in the list twice, once from each side.
        return float(0.25 * _CONTACT_STIFFNESS * np.sum(overlap**2)), forces


def contact_distances(numbers: IntArray) -> FloatArray:
    """Return the distance below which each pair of atoms repels, Å, shape (n, n)."""
    is_metal, is_ligand = ~np.isin(numbers, _NO_METALS), np.isin(numbers, _LIGANDS)
    covalent = covalent_radii[numbers]
    wide = np.where(np.isnan(vdw_radii[numbers]), 1.5 * covalent, vdw_radii[numbers])
    coordinated = is_metal[:, None] & is_ligand[None]
    distances = np.where(
        coordinated | coordinated.T,
        _OF_COVALENT * (covalent[:, None] + covalent[None]),
        _OF_VAN_DER_WAALS * (wide[:, None] + wide[None]),
    )
    return np.asarray(distances, dtype=np.float64)


def shape_springs(templates: Sequence[Atoms], n_slab: int) -> Springs:
    """Return springs that hold lengths, angles and, softly, torsions of molecules.

    Parameters
    ----------
    templates
        The molecules in the order of the atoms.
    n_slab
        Atoms before them.
    """
    pairs, lengths, stiffness = [], [], []
    start = n_slab
    for template in templates:
        apart = _bonds_between(template)
        distance = template.get_all_distances()
        for steps, k in _STIFFNESS.items():
            found = np.argwhere(np.triu(apart == steps, k=1))
            pairs.append(start + found)
            lengths.append(distance[found[:, 0], found[:, 1]])
            stiffness.append(np.full(len(found), k))
        start += len(template)
    return Springs(
        pairs=np.concatenate(pairs).astype(np.int64),
        lengths=np.concatenate(lengths),
        stiffness=np.concatenate(stiffness),
    )


def bond_walls(templates: Sequence[Atoms], n_slab: int) -> Springs:
    """Return walls that let bonds vibrate by 8 % and no further."""
    springs = shape_springs(templates, n_slab)
    bonds = springs.stiffness == _STIFFNESS[1]
    return Springs(
        pairs=springs.pairs[bonds],
        lengths=springs.lengths[bonds],
        stiffness=np.full(int(bonds.sum()), _WALL_STIFFNESS),
        band=_WALL_BAND,
    )


def _bonds_between(template: Atoms) -> FloatArray:
    """Return how many bonds are between two atoms of a molecule, inf where no path is."""
    i, j = bonded_pairs(template).T
    graph = coo_array((np.ones(len(i)), (i, j)), shape=(len(template), len(template)))
    return np.asarray(shortest_path(graph, directed=False, unweighted=True))
