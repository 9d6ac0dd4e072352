"""From one labelled structure to the rows and targets of the linear fit.

Columns are those of the ACE basis followed by one column per element for the energy of the free
atom. Energy and virial rows are divided by sqrt(n), so that their noise is per sqrt(atom) and
cells of different size weigh alike; then every row is divided by the noise of its kind. How noisy
the kinds are against each other is fixed so; how noisy all are together follows from the labels
(`aofl.bayes.noise`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.cell import Cell

from aofl.ace.basis import Basis
from aofl.ace.evaluate import Expansion, energy_row, force_rows, virial_rows
from aofl.errors import ModelError
from aofl.forcefield.baseline import repulsion
from aofl.records import FloatArray, IntArray, Label
from aofl.structure import Structure

KINDS = ("energy", "forces", "virial")
ENERGY, FORCES, VIRIAL = range(len(KINDS))
# eV/sqrt(atom), eV/Å, eV/sqrt(atom): what an energy and a virial are off by where a force component
# is off by 0.03 eV/Å, about the least that a local force field leaves of a metal.
NOISES = np.array([0.003, 0.03, 0.15])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows and targets of a label, in units of the noise of their kind.

    Attributes
    ----------
    matrix
        Shape (m, n_columns).
    targets
        Shape (m,).
    kinds
        Position of the kind of each row in `KINDS`, shape (m,).
    """

    matrix: FloatArray
    targets: FloatArray
    kinds: IntArray

    def only(self, kind: int) -> Rows:
        """Return the rows of one kind alone."""
        chosen = self.kinds == kind
        return Rows(
            matrix=self.matrix[chosen], targets=self.targets[chosen], kinds=self.kinds[chosen]
        )

    def of(self, kind: int) -> FloatArray:
        """Return the rows of one kind, shape (m of that kind, n_columns)."""
        return self.only(kind).matrix


def check_fit(label: Label, n_atoms: int) -> None:
    """Refuse a label that does not belong to the structure or holds non-finite numbers.

    Raises
    ------
    ModelError
        Nothing of the label has been used by then.
    """
    if label.forces.shape != (n_atoms, 3):
        raise ModelError(
            f"the last label has forces of shape {label.forces.shape}; expected ({n_atoms}, 3)"
        )
    stress = label.stress if label.stress is not None else np.zeros(6)
    if stress.shape != (6,):
        raise ModelError(f"the last label has a stress of shape {stress.shape}; expected (6,)")
    if not all(np.all(np.isfinite(x)) for x in (label.energy, label.forces, stress)):
        raise ModelError("the last label holds NaN or infinite numbers; drop it")


def widest_gap(structure: Structure) -> float:
    """Return the widest layer of a periodic cell, along its axes, that holds no atom, Å."""
    heights = structure.volume / np.linalg.norm(_faces(structure.cell), axis=1)
    scaled = np.sort(_wrapped(structure), axis=0)
    steps = np.diff(np.concatenate([scaled, scaled[:1] + 1.0]), axis=0)
    return float(np.max(steps.max(axis=0) * heights))


def _wrapped(structure: Structure) -> FloatArray:
    """Return the positions in units of the cell vectors, within [0, 1) where periodic, (n, 3)."""
    scaled: FloatArray = Cell(structure.cell).scaled_positions(structure.positions)
    # Twice: the remainder of a tiny negative number is rounded to 1.
    return np.where(structure.pbc, scaled % 1.0 % 1.0, scaled)


def _faces(cell: FloatArray) -> FloatArray:
    return np.cross(cell[[1, 2, 0]], cell[[2, 0, 1]])


def label_rows(
    basis: Basis,
    expansion: Expansion,
    numbers: IntArray,
    label: Label,
    reference: float,
    volume: float,
) -> Rows:
    """Return the rows of a label: energy, forces, and the virial where there is a stress.

    Of a cut-out they are the forces of its core alone.

    Parameters
    ----------
    reference
        Reference energy of all atoms, taken off the label so that the fit sees small numbers, eV.
    volume
        Å^3, for the stress; 0 leaves the stress out.
    """
    near, atoms = repulsion(expansion.neighbors, numbers), label.counted
    root = np.sqrt(len(numbers))
    matrices = {FORCES: _padded(force_rows(basis, expansion, atoms), basis)}
    targets = {FORCES: (label.forces - near.forces)[atoms].ravel()}
    if label.core is None:
        energy = energy_row(basis, expansion)[None]
        matrices[ENERGY] = _with_composition(energy, basis, expansion) / root
        targets[ENERGY] = np.array([label.energy - reference - near.energies.sum()]) / root
        if label.stress is not None and volume > 0:
            matrices[VIRIAL] = _padded(virial_rows(basis, expansion), basis) / root
            targets[VIRIAL] = (label.stress * volume - near.virial) / root
    order = sorted(targets)
    kinds = np.repeat(order, [len(targets[kind]) for kind in order])
    noise = NOISES[kinds]
    return Rows(
        matrix=np.concatenate([matrices[kind] for kind in order]) / noise[:, None],
        targets=np.concatenate([targets[kind] for kind in order]) / noise,
        kinds=kinds,
    )


def _padded(rows: FloatArray, basis: Basis) -> FloatArray:
    """Return rows (..., n_columns of the basis) as (m, n_columns): free atoms feel no force."""
    matrix = rows.reshape(-1, rows.shape[-1])
    return np.concatenate([matrix, np.zeros((len(matrix), len(basis.species)))], axis=1)


def _with_composition(matrix: FloatArray, basis: Basis, expansion: Expansion) -> FloatArray:
    counts = np.bincount(expansion.species, minlength=len(basis.species)).astype(np.float64)
    return np.concatenate([matrix, counts[None]], axis=1)
