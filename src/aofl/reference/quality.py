"""Whether a label can be believed: plain checks on numbers, no code is run here.

A wrong label is worse than none. A self-consistent field that converged to a wrong state has
been seen to give -7400 eV with forces of 2300 eV/Å and to destroy a run in one step; another, with
-4.9 e on a carbon atom, looked ordinary but for that and heated a run by 10 eV. So a label must be
finite, complete, balanced in its forces, possible in its charges and, where a prediction is at
hand, near it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from aofl.errors import ReferenceFailed
from aofl.records import FloatArray, IntArray, Label, Prediction

SAME_ENERGY_PER_ATOM = 1e-3  # eV
FEW_ATOMS = 10
CLOSED_SHELLS = np.array([0, 2, 10, 18, 36, 54, 86, 118])
CHARGE_SLACK = 0.25  # e; Mulliken populations may be a little below zero


class ForcesDisagree(ReferenceFailed):
    """A label whose forces are beyond what the force field expects: one of the two is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelLimits:
    """What a believable label keeps to.

    Attributes
    ----------
    net_force
        Largest component of the sum of all forces of up to `FEW_ATOMS` atoms, eV/Å; of more atoms
        in proportion. Real-space grids of DFT codes push each atom a little the same way, so the
        sum grows with their number, and the error on each, which is what counts, does not.
    force
        Largest force on one atom, eV/Å.
    energy_per_atom
        Largest distance of the energy from a prediction, eV per atom.
    outlier_energy
        A distance of the energy below this is never an outlier, eV: a bond or two that the force
        field got wrong are much per atom of a small molecule.
    outlier_factor
        Largest force error in units of the error that the force field expects.
    outlier_force
        A force error below this is never an outlier, eV/Å.
    """

    net_force: float = 0.1
    force: float = 60.0
    energy_per_atom: float = 0.5
    outlier_energy: float = 5.0
    outlier_factor: float = 5.0
    outlier_force: float = 0.3


# For retries: what another attempt at the same level of theory can mend.
NUMBERS_ONLY = LabelLimits(net_force=math.inf, force=math.inf)


def check_label(label: Label, atoms: Atoms, *, limits: LabelLimits) -> None:
    """Refuse a label that is incomplete, not finite, unbalanced, impossible or absurdly large.

    Raises
    ------
    ReferenceFailed
        With the first quantity that is out of bounds, its value and the bound.
    """
    check_numbers(label, atoms, limits=limits)
    if not label.seconds > 0.0:
        raise ReferenceFailed(
            f"the reference call took {label.seconds} s: it did not run; look at its output"
        )


def check_numbers(label: Label, atoms: Atoms, *, limits: LabelLimits) -> None:
    """Refuse a label as `check_label` does, whoever made it: its numbers alone are looked at.

    Raises
    ------
    ReferenceFailed
        With the first quantity that is out of bounds, its value and the bound.
    """
    n_atoms = len(atoms)
    _check_array("energy", np.asarray(label.energy), ())
    _check_array("forces", label.forces, (n_atoms, 3))
    if label.stress is not None:
        _check_array("stress", label.stress, (6,))
    if label.charges is not None:
        _check_array("charges", label.charges, (n_atoms,))
        _check_charges(label.charges, atoms)
    net = float(np.abs(label.forces.sum(axis=0)).max())
    largest = limits.net_force * _room(label.forces)
    if net > largest:
        raise ReferenceFailed(
            f"the net force is {net:.3g} eV/Å, more than {largest:.3g} eV/Å: "
            "use a finer grid, or converge the reference tighter"
        )
    norms = np.linalg.norm(label.forces, axis=1)
    atom = int(norms.argmax())
    if norms[atom] > limits.force:
        raise ReferenceFailed(
            f"the force on atom {atom} ({atoms.symbols[atom]}) is {norms[atom]:.3g} eV/Å, more "
            f"than {limits.force:g} eV/Å: a wrong electronic state, or atoms much too close"
        )


def _room(forces: FloatArray) -> float:
    """Return how many times the net force of a few atoms these may have.

    Where an atom has a force of exactly zero, it was taken from it (a fixed atom), and what is left
    is no noise that all share.
    """
    return max(1.0, len(forces) / FEW_ATOMS) if forces.any(axis=1).all() else 1.0


def charge_bounds(numbers: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the least and the largest charge that an atom of each element can have, e.

    It can lose all electrons beyond its closed shells; it can take up one, in groups 13 to 16 two.
    Mulliken, Löwdin and Hirshfeld charges stay well inside: -1.0 to 1.2 in thousands of labels.
    """
    shell = np.searchsorted(CLOSED_SHELLS, numbers)
    missing = CLOSED_SHELLS[shell] - numbers
    taken = np.where(missing <= 5, np.minimum(missing, 2), 1)
    lost = numbers - CLOSED_SHELLS[shell - 1]
    return -(taken + CHARGE_SLACK), lost + CHARGE_SLACK


def _check_charges(charges: FloatArray, atoms: Atoms) -> None:
    least, largest = charge_bounds(atoms.numbers)
    beyond = np.maximum(least - charges, charges - largest)
    atom = int(beyond.argmax())
    if beyond[atom] > 0:
        raise ReferenceFailed(
            f"atom {atom} ({atoms.symbols[atom]}) has a charge of {charges[atom]:.2f} e, beyond "
            f"{least[atom]:.2f} to {largest[atom]:.2f}: a wrong electronic state; use a higher "
            "electronic temperature, or leave this structure out"
        )


def check_against_prediction(
    label: Label, prediction: Prediction, expected_errors: FloatArray, *, limits: LabelLimits
) -> None:
    """Refuse a label that is far from what the force field expects.

    Meant for a force field that has seen similar structures: a young one is the outlier itself.
    Of a cut-out it expects the forces of the core alone.

    Parameters
    ----------
    expected_errors
        What the force field takes its force error to be, rms over x, y, z, eV/Å, shape (n,).

    Raises
    ------
    ReferenceFailed
        If the energies or the forces on one atom are too far apart.
    """
    n_atoms = len(label.forces)
    energy_bound = max(limits.energy_per_atom, limits.outlier_energy / n_atoms)
    is_whole = label.core is None
    if is_whole and not abs(label.energy - prediction.energy) / n_atoms <= energy_bound:
        raise ReferenceFailed(
            f"the energy is {label.energy / n_atoms:.4f} eV per atom where the force field "
            f"expects {prediction.energy / n_atoms:.4f}, more than {energy_bound:.3g} eV apart: "
            "label again from a fresh density, or drop the label"
        )
    errors = np.sqrt(np.mean((label.forces - prediction.forces) ** 2, axis=1))
    bounds = np.maximum(limits.outlier_factor * expected_errors, limits.outlier_force)
    atom = int(label.counted[(errors / bounds)[label.counted].argmax()])
    if not errors[atom] <= bounds[atom]:
        raise ForcesDisagree(
            f"the force on atom {atom} is {errors[atom]:.3g} eV/Å from the force field's, which "
            f"expects an error of {expected_errors[atom]:.3g}: label again from a fresh density"
        )


def check_agreement(label: Label, other: Label, *, limits: LabelLimits) -> None:
    """Refuse two labels of one structure that differ: one of them is of another state.

    Raises
    ------
    ReferenceFailed
        If energies differ by more than 1 meV per atom or forces by more than `outlier_force`.
    """
    energy = abs(label.energy - other.energy) / len(label.forces)
    force = float(np.abs(label.forces - other.forces).max())
    if not (energy <= SAME_ENERGY_PER_ATOM and force <= limits.outlier_force):
        raise ReferenceFailed(
            f"two labels of this structure differ by {energy:.2g} eV per atom and {force:.2g} "
            "eV/Å: the electrons have several states here; use a higher electronic temperature, "
            "or spin"
        )


def _check_array(name: str, values: FloatArray, shape: tuple[int, ...]) -> None:
    if values.shape != shape:
        raise ReferenceFailed(
            f"the {name} of the reference have shape {values.shape}, expected {shape}: "
            "its output was truncated or belongs to another structure"
        )
    if not np.isfinite(values).all():
        raise ReferenceFailed(
            f"the {name} of the reference are not finite: it did not converge, look at its output"
        )
