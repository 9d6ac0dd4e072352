"""How far the posterior lets each force component be off.

A force component is a row of the design matrix times the weights, F = x . w, so its variance under
the posterior of w with covariance S is x S x; or, at a small part of the price, that of the forces
of `N_DRAWS` weight vectors drawn from the posterior.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from aofl.ace.basis import Basis
from aofl.ace.evaluate import expand, force_rows, forces_std
from aofl.ace.neighbors import Neighbors
from aofl.bayes.posterior import Posterior
from aofl.errors import ModelError
from aofl.forcefield.learned import PREDICTS_ONLY, Learned
from aofl.records import FloatArray, IntArray

UNTRAINED_STD = 10.0  # eV/Å: what a force field without labels says of any force

Way = Literal["exact", "sampled"]


def force_deviation(
    basis: Basis, learned: Learned | None, neighbors: Neighbors, species: IntArray, way: Way
) -> FloatArray:
    """Return the posterior standard deviation of the force components, eV/Å, (n, 3).

    Parameters
    ----------
    learned
        None says `UNTRAINED_STD` of every component.
    species
        Index of each atom's species in the basis, shape (n,).
    """
    if learned is None:
        return np.full((len(species), 3), UNTRAINED_STD)
    if way == "exact":
        if learned.posterior is None:
            raise ModelError(PREDICTS_ONLY)
        return learned.noise * _exact(basis, learned.posterior, neighbors, species)
    return forces_std(basis, learned.draws, neighbors, species)


def _exact(
    basis: Basis, posterior: Posterior, neighbors: Neighbors, species: IntArray
) -> FloatArray:
    n = len(species)
    rows = force_rows(basis, expand(basis, neighbors, species), np.arange(n)).reshape(3 * n, -1)
    padded = np.concatenate([rows, np.zeros((3 * n, len(basis.species)))], axis=1)
    return np.sqrt(posterior.variance(padded)).reshape(n, 3)
