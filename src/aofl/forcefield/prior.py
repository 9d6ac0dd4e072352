"""The prior of the weights: what a force field believes before it has seen a label.

Weights are independent, zero on average, and damped with n and l. Each body order has one scale,
set so that its share of a force component has the root mean square `PRIOR_FORCE` in the first
structures seen; a finer grouping over-fits. The noises start near what a converged reference
code scatters by. The noises follow the evidence within bounds, and the scales follow the force
noise (`aofl.bayes.evidence`): their ratio decides how far a model extrapolates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aofl.ace.basis import Basis
from aofl.bayes.evidence import Hyperparameters, Hyperprior
from aofl.bayes.posterior import Statistics
from aofl.records import FloatArray, IntArray

# eV/Å by body order where forces are noisy by `NOISES`: with the damping of the basis, what of a
# scan served both Na|ether and Na|water, between and ahead of the labels (benchmarks/prior.py and
# replay.py); with noisier forces all grow together. Of five bodies nothing was measured.
PRIOR_FORCE = {2: 3.5, 3: 0.7, 4: 0.5, 5: 0.2}
COMPOSITION_SCALE = 5.0  # eV per atom, about the shift
NOISES = np.array([0.005, 0.03, 0.05])  # eV/sqrt(atom), eV/Å, eV/sqrt(atom)
NOISE_BOUNDS = np.array([[0.001, 0.03, 0.01], [1.0, 1.0, 1.0]])
FORCES = 1  # position of the force noise in `NOISES`
SCALE_REACH = 1.25  # a scale stays within this factor of its expected ratio to the noise
STRENGTH = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorShape:
    """Group (one per body order, the last for composition) and unit deviation of each column."""

    group: IntArray
    unit_std: FloatArray
    orders: tuple[int, ...]


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


def hyperprior(shape: PriorShape, forces: Statistics) -> Hyperprior:
    """Return starting values and bounds from the force rows seen so far."""
    power = np.bincount(shape.group, np.diag(forces.gram) * shape.unit_std**2)
    target = np.array([PRIOR_FORCE[order] for order in shape.orders])
    unit_force = np.sqrt(power[: len(target)] / forces.count)
    scales = np.append(target / np.maximum(unit_force, 1e-12), COMPOSITION_SCALE)
    reach = np.append(np.full(len(target), SCALE_REACH), 1.0)
    return Hyperprior(
        center=Hyperparameters(scales=scales, noises=NOISES),
        scale_bounds=np.stack([scales / reach, scales * reach]),
        noise_bounds=NOISE_BOUNDS,
        scale_strength=STRENGTH,
        noise_strength=STRENGTH,
        tie=FORCES,
    )
