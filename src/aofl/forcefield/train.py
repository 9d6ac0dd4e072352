"""Training on labels at hand: all at once, calibrated on labels held back.

The reference energies of the elements are a least-squares fit to the label energies, as far as
their compositions tell them apart. Some labels are held back first, the last ones in the order
given (what lies ahead of a trajectory) and as many at random (what lies between its frames): their
errors set the two calibration factors of each element (`aofl.bayes.calibration.two_factors`). Then
they are learned too. Single atoms are never held back: that they feel no force is no test.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ase import Atoms

from aofl.ace.basis import BasisSettings
from aofl.bayes.calibration import two_factors
from aofl.errors import ModelError
from aofl.forcefield.model import ForceField
from aofl.progress import OnProgress, nobody, tracked
from aofl.records import FloatArray, IntArray, LabelledStructure
from aofl.rng import generator

HELD_BACK = 0.2  # of the labels: as many ahead, as many between
FEWEST_TO_CALIBRATE = 8
MOST_TO_CALIBRATE = 40


def train(
    labels: list[LabelledStructure],
    accuracy: str = "standard",
    *,
    settings: BasisSettings | None = None,
    seed: int = 0,
    on_held_back: Callable[[ForceField, list[LabelledStructure]], None] = lambda known, held: None,
    on_progress: OnProgress = nobody,
) -> ForceField:
    """Return a force field for the elements of the labels that has learned them all.

    Parameters
    ----------
    settings
        A basis of one's own instead of `accuracy`.
    on_held_back
        Called with the calibrated force field and the labels held back, before it learns them.

    Raises
    ------
    ModelError
        If there are no labels, or some cannot be fitted.
    """
    if not labels:
        raise ModelError("there are no labels to train on")
    numbers = np.concatenate([entry.numbers for entry in labels])
    force_field = ForceField([int(z) for z in np.unique(numbers)], accuracy, settings)
    force_field.reference_energies = reference_energies(labels, force_field.basis.species)
    force_field.level = labels[0].provenance.get("level")
    alone = [entry for entry in labels if len(entry.numbers) == 1]
    labels = [entry for entry in labels if len(entry.numbers) > 1]
    n_held = 0
    if len(labels) >= FEWEST_TO_CALIBRATE:
        n_held = min(max(2, int(HELD_BACK * len(labels))), MOST_TO_CALIBRATE)
    order = generator(seed, "training").permutation(len(labels) - n_held)
    parts = np.split(order, [n_held])
    between, ahead = [labels[k] for k in parts[0]], labels[len(labels) - n_held :]
    _learn(force_field, [*alone, *(labels[k] for k in parts[1])], "learning", on_progress)
    if n_held:
        on_progress("calibrating", 0, None)
        force_field.calibration = calibration(force_field, [between, ahead])
        on_held_back(force_field, [*between, *ahead])
        _learn(force_field, [*between, *ahead], "learning the rest", on_progress)
    return force_field


def reference_energies(labels: list[LabelledStructure], species: IntArray) -> FloatArray:
    """Return the least-squares energy per atom of each element, eV, shape (n_species,).

    Where the compositions do not tell elements apart, the share is the one nearest to the mean.
    Those of cut-outs count only where there are no others.
    """
    labels = [entry for entry in labels if entry.label.core is None] or labels
    counts = np.array([[np.sum(e.numbers == z) for z in species] for e in labels], dtype=float)
    energies = np.array([entry.label.energy for entry in labels])
    mean = energies.sum() / counts.sum()
    correction, *_ = np.linalg.lstsq(counts, energies - mean * counts.sum(axis=1), rcond=1e-6)
    return np.asarray(mean + correction)


def structure(entry: LabelledStructure) -> Atoms:
    """Return the bare structure of a label."""
    return Atoms(entry.numbers, entry.positions, cell=entry.cell, pbc=entry.pbc)


def counted(entry: LabelledStructure, number: int) -> IntArray:
    """Return the atoms of an element whose forces count in a label."""
    atoms = entry.label.counted
    return np.asarray(atoms[entry.numbers[atoms] == number])


def calibration(force_field: ForceField, samples: list[list[LabelledStructure]]) -> FloatArray:
    """Return the two calibration factors of each element from labels not learned, (n_species, 2).

    Raises
    ------
    ModelError
        If a structure holds an element that the force field does not know.
    """
    said = [[force_field.predict(structure(e), forces_std="sampled") for e in s] for s in samples]
    factors = np.ones((len(force_field.basis.species), 2))
    for k, z in enumerate(force_field.basis.species):
        pairs = []
        for labels, predictions in zip(samples, said, strict=True):
            both = list(zip(labels, predictions, strict=True))
            error = [(e.label.forces - p.forces)[counted(e, z)].ravel() for e, p in both]
            u = [p.deviations[counted(e, z)].ravel() for e, p in both]
            pairs.append((np.concatenate(error), np.concatenate(u)))
        if all(len(error) for error, _ in pairs):
            factors[k] = two_factors(pairs, force_field.force_noise)
    return factors


def _learn(
    force_field: ForceField, labels: list[LabelledStructure], what: str, on_progress: OnProgress
) -> None:
    """Absorb labels at once and set the prior by all of them."""
    for entry in tracked(labels, what, on_progress):
        force_field.absorb(structure(entry), entry.label)
    force_field.renew()
