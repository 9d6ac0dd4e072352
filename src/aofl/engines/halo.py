"""The atoms that a rank owns, the ghosts around them, and who owns these.

A rank computes the energies of its own atoms. Their forces act on ghosts too, which are atoms of
other ranks or images of its own: `Halo.fold` brings these forces home. So a shell of one cutoff is
enough and nothing is computed twice; a rank that computed ghosts as centres, too, would need two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aofl.ace.kept_pairs import KeptPairs, keep_pairs
from aofl.ace.neighbors import Neighbors
from aofl.records import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Halo:
    """What holds until LAMMPS makes its lists anew.

    Attributes
    ----------
    comm
        Of all ranks.
    tags
        Numbers of the atoms from 1 on: the owned ones, then the ghosts, shape (n,).
    n_owned
        How many are owned.
    pairs
        Of the owned atoms with all.
    order
        The ghosts, numbered from 0, by the rank that owns them.
    n_sent, n_received
        Ghosts by the rank that owns them, and own atoms by the rank that has a ghost of them.
    places
        Own atom that each force received belongs to.
    """

    comm: Any
    tags: IntArray
    n_owned: int
    pairs: KeptPairs
    order: IntArray
    n_sent: IntArray
    n_received: IntArray
    places: IntArray

    def holds(self, tags: IntArray, positions: FloatArray, species: IntArray) -> bool:
        """Return whether these are still the atoms, and near where they were."""
        pairs = self.pairs
        is_same = np.array_equal(tags, self.tags)
        return is_same and pairs.holds(positions, pairs.cell, pairs.pbc, species)

    def neighbors(self, positions: FloatArray) -> Neighbors:
        """Return the pairs of the owned atoms at positions (n, 3), Å.

        Raises
        ------
        StructureError
            If two atoms are in the same place.
        """
        return replace(self.pairs.at(positions), n_centres=self.n_owned)

    def fold(self, values: FloatArray) -> FloatArray:
        """Return the values of the owned atoms (n_owned, k), those of their ghosts added.

        Every rank calls it; `values` has a row for each atom of this one, shape (n, k).
        """
        owned, width = values[: self.n_owned].copy(), values.shape[1]
        sent = np.ascontiguousarray(values[self.n_owned :][self.order])
        came = np.empty((len(self.places), width))
        self.comm.Alltoallv((sent, self.n_sent * width), (came, self.n_received * width))
        np.add.at(owned, self.places, came)
        return owned


def make_halo(
    comm: Any,
    tags: IntArray,
    n_owned: int,
    positions: FloatArray,
    species: IntArray,
    cutoffs: FloatArray,
) -> Halo:
    """Return the halo of this rank; every rank calls it.

    Parameters
    ----------
    positions
        Of owned atoms and ghosts, Å, shape (n, 3); the ghosts are where their images are.
    species
        Indices into `cutoffs`, shape (n,).
    cutoffs
        Å, of each two species.
    """
    held = comm.allgather(tags[:n_owned])
    n_atoms = sum(len(own) for own in held)
    owner, place = np.empty(n_atoms + 1, dtype=np.int64), np.empty(n_atoms + 1, dtype=np.int64)
    for rank, own in enumerate(held):
        owner[own], place[own] = rank, np.arange(len(own))
    ghosts = tags[n_owned:]
    order = np.argsort(owner[ghosts], kind="stable")
    n_sent = np.bincount(owner[ghosts], minlength=comm.size)
    wanted = np.split(place[ghosts[order]], np.cumsum(n_sent)[:-1])
    asked = comm.alltoall(wanted)
    return Halo(
        comm=comm,
        tags=tags,
        n_owned=n_owned,
        pairs=_pairs_of_owned(n_owned, positions, species, cutoffs),
        order=order,
        n_sent=n_sent,
        n_received=np.array([len(part) for part in asked]),
        places=np.concatenate(asked),
    )


def _pairs_of_owned(
    n_owned: int, positions: FloatArray, species: IntArray, cutoffs: FloatArray
) -> KeptPairs:
    """Return the pairs of owned atoms with all; the rows of ghosts are empty."""
    nowhere, open_ = np.zeros((3, 3)), np.zeros(3, dtype=np.bool_)
    found = keep_pairs(positions, nowhere, open_, species, cutoffs)
    end = found.first[n_owned]
    return replace(
        found,
        first=np.minimum(found.first, end),
        second=found.second[:end],
        image=found.image[:end],
    )
