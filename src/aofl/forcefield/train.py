"""Training on labels at hand: all at once, calibrated on labels held back.

The reference energies of the elements are a least-squares fit to the label energies, as far as
their compositions tell them apart. A quarter of the labels is held back first: the ratios of true
to predicted errors on it give one calibration factor per element,

    k_z = q / 1.645,   q: 90 % quantile of |F_true - F_predicted| / sqrt(u^2 + sigma_F^2),

so that 90 % of the force components lie within 1.645 calibrated deviations. Then it is learned too.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms

from aofl.errors import ModelError
from aofl.forcefield.model import ForceField
from aofl.records import FloatArray, IntArray, LabelledStructure
from aofl.rng import generator

HELD_BACK = 0.25
FEWEST_TO_CALIBRATE = 8
Z_90 = 1.645


def train(
    labels: list[LabelledStructure], accuracy: str = "standard", *, seed: int = 0
) -> ForceField:
    """Return a force field for the elements of the labels that has learned them all.

    Raises
    ------
    ModelError
        If there are no labels, or some cannot be fitted.
    """
    if not labels:
        raise ModelError("there are no labels to train on")
    numbers = np.concatenate([entry.numbers for entry in labels])
    force_field = ForceField([int(z) for z in np.unique(numbers)], accuracy)
    force_field.reference_energies = reference_energies(labels, force_field.basis.species)
    order = generator(seed, "training").permutation(len(labels))
    n_held = int(HELD_BACK * len(labels)) if len(labels) >= FEWEST_TO_CALIBRATE else 0
    _learn(force_field, [labels[k] for k in order[n_held:]])
    if n_held:
        held = [labels[k] for k in order[:n_held]]
        force_field.calibration = calibration(force_field, held)
        _learn(force_field, held)
    return force_field


def reference_energies(labels: list[LabelledStructure], species: IntArray) -> FloatArray:
    """Return the least-squares energy per atom of each element, eV, shape (n_species,).

    Where the compositions do not tell elements apart, the share is the one nearest to the mean.
    """
    counts = np.array([[np.sum(e.numbers == z) for z in species] for e in labels], dtype=float)
    energies = np.array([entry.label.energy for entry in labels])
    mean = energies.sum() / counts.sum()
    correction, *_ = np.linalg.lstsq(counts, energies - mean * counts.sum(axis=1), rcond=1e-6)
    return np.asarray(mean + correction)


def structure(entry: LabelledStructure) -> Atoms:
    """Return the bare structure of a label."""
    return Atoms(entry.numbers, entry.positions, cell=entry.cell, pbc=entry.pbc)


def calibration(force_field: ForceField, labels: list[LabelledStructure]) -> FloatArray:
    """Return the calibration factor of each element from labels not learned, (n_species,)."""
    ratios: dict[int, list[FloatArray]] = {}
    for entry in labels:
        atoms = structure(entry)
        said = force_field.predict(atoms, forces_std="sampled")
        sigma = np.sqrt(said.deviations**2 + force_field.force_noise**2)
        ratio = np.abs(entry.label.forces - said.forces) / sigma
        for k, z in enumerate(force_field.basis.species):
            ratios.setdefault(k, []).append(ratio[entry.numbers == z].ravel())
    found = [np.concatenate(ratios[k]) for k in range(len(force_field.basis.species))]
    return np.array([np.quantile(r, 0.9) / Z_90 if r.size else 1.0 for r in found])


def _learn(force_field: ForceField, labels: list[LabelledStructure]) -> None:
    """Absorb labels at once and search the hyperparameters anew."""
    for entry in labels:
        force_field.absorb(structure(entry), entry.label)
    force_field.search()
    force_field.refit()
