"""How good a force field is on labels it may not have seen: errors, coverage, parity data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from aofl.bayes.calibration import Z_90
from aofl.forcefield.model import ForceField
from aofl.forcefield.train import structure
from aofl.progress import OnProgress, nobody, tracked
from aofl.records import FloatArray, LabelledStructure


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementErrors:
    """Force errors of one element: eV/Å; `coverage_90` is a fraction.

    `spearman` is the rank correlation, over atoms, of the foretold with the true error.
    """

    forces_rmse: float
    forces_mae: float
    coverage_90: float
    spearman: float
    n_components: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Errors on a set of labels; of cut-outs only the forces of their cores count.

    Attributes
    ----------
    energy_rmse_per_atom
        After removing the mean shift, eV; None where all labels are of cut-outs.
    energy_shift_per_atom
        Mean of predicted minus true energy per atom, eV; likewise.
    coverage_90
        Fraction of force components within the calibrated 90 % interval.
    pairs
        Predicted forces, true forces and symbols of each frame, for parity plots.
    """

    n_frames: int
    forces_rmse: float
    energy_rmse_per_atom: float | None
    energy_shift_per_atom: float | None
    coverage_90: float
    by_element: dict[str, ElementErrors]
    pairs: list[tuple[FloatArray, FloatArray, list[str]]]

    def to_json(self) -> dict[str, Any]:
        """Return everything but the parity data as JSON values."""
        names = [name for name in self.__slots__ if name not in ("pairs", "by_element")]
        elements = {element: asdict(errors) for element, errors in self.by_element.items()}
        return {**{name: getattr(self, name) for name in names}, "by_element": elements}


def evaluate(
    force_field: ForceField, labels: list[LabelledStructure], *, on_progress: OnProgress = nobody
) -> Evaluation:
    """Return the errors of a force field on labels (at least one).

    Raises
    ------
    ModelError
        If a structure holds an element that the force field does not know.
    """
    shifts, errors, sigmas, numbers, pairs = [], [], [], [], []
    for entry in tracked(labels, "predicting", on_progress):
        atoms = structure(entry)
        said = force_field.predict(atoms, forces_std="sampled")
        counted, forces = entry.label.counted, entry.label.forces
        if entry.label.core is None:
            shifts.append((said.energy - entry.label.energy) / len(atoms))
        errors.append((said.forces - forces)[counted])
        sigmas.append(force_field.error_deviation(atoms, said.deviations)[counted])
        numbers.append(entry.numbers[counted])
        pairs.append((said.forces[counted], forces[counted], list(atoms.symbols[counted])))
    error, sigma, z = np.concatenate(errors), np.concatenate(sigmas), np.concatenate(numbers)
    return Evaluation(
        n_frames=len(labels),
        forces_rmse=float(np.sqrt(np.mean(error**2))),
        energy_rmse_per_atom=float(np.std(shifts)) if shifts else None,
        energy_shift_per_atom=float(np.mean(shifts)) if shifts else None,
        coverage_90=_coverage(error, sigma),
        by_element={
            chemical_symbols[k]: _of_element(error[z == k], sigma[z == k]) for k in np.unique(z)
        },
        pairs=pairs,
    )


def _of_element(error: FloatArray, sigma: FloatArray) -> ElementErrors:
    return ElementErrors(
        forces_rmse=float(np.sqrt(np.mean(error**2))),
        forces_mae=float(np.mean(np.abs(error))),
        coverage_90=_coverage(error, sigma),
        spearman=rank_correlation(sigma, error),
        n_components=error.size,
    )


def _coverage(error: FloatArray, sigma: FloatArray) -> float:
    return float(np.mean(np.abs(error) <= Z_90 * sigma))


def rank_correlation(sigma: FloatArray, error: FloatArray) -> float:
    """Return Spearman's rank correlation of the lengths of rows (m, k), 0 where one is constant."""
    lengths = [np.linalg.norm(x, axis=1) for x in (sigma, error)]
    if len(sigma) < 2 or any(np.ptp(x) == 0 for x in lengths):
        return 0.0
    ranks = [np.argsort(np.argsort(x)).astype(np.float64) for x in lengths]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
