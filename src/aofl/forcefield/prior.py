"""The prior of the weights: what a force field believes before it has seen a label.

Weights are independent, zero on average, and damped with n and l. Each body order has one scale,
set so that its share of a force component has the root mean square `PRIOR_FORCE` in the structures
seen; a finer grouping over-fits. All of it is in proportion to the noise of the labels, which
follows from them (`aofl.bayes.noise`): the ratio of the scales to the noise decides how far a model
extrapolates, and is not left to the labels, whose frames are too alike to tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aofl.ace.basis import Basis
from aofl.records import FloatArray, IntArray

# eV/Å by body order where a force component is noisy by 0.03 eV/Å: with the damping of the basis,
# what of a scan served both Na|ether and Na|water, between and ahead of the labels
# (benchmarks/prior.py and replay.py). Of five bodies nothing was measured.
PRIOR_FORCE = {2: 4.4, 3: 0.87, 4: 0.62, 5: 0.25}
COMPOSITION_SCALE = 5.0  # eV per atom, about the shift


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorShape:
    """Group (one per body order, the last for composition) and unit deviation of each column."""

    group: IntArray
    unit_std: FloatArray
    orders: tuple[int, ...]

    def std(self, scales: FloatArray) -> FloatArray:
        """Return the prior deviation of each weight, shape (p,), for scales (n_groups,)."""
        return np.asarray(scales[self.group] * self.unit_std)


def prior_shape(basis: Basis) -> PriorShape:
    """Return the grouping of the columns of a basis with its composition columns."""
    n_species = len(basis.species)
    orders = tuple(int(x) for x in np.unique(basis.order))
    group = np.searchsorted(orders, np.tile(basis.order, n_species))
    return PriorShape(
        group=np.concatenate([group, np.full(n_species, len(orders))]).astype(np.int64),
        unit_std=np.concatenate([np.tile(basis.damping, n_species), np.ones(n_species)]),
        orders=orders,
    )


def prior_scales(shape: PriorShape, force_power: FloatArray) -> FloatArray:
    """Return the scale of each group, shape (n_groups,).

    Parameters
    ----------
    force_power
        Mean square of the force rows seen, in (eV/Å)^2 for a weight of 1 eV, shape (p,).
    """
    power = np.bincount(shape.group, force_power * shape.unit_std**2)
    target = np.array([PRIOR_FORCE[order] for order in shape.orders])
    unit_force = np.sqrt(power[: len(target)])
    return np.append(target / np.maximum(unit_force, 1e-12), COMPOSITION_SCALE)
