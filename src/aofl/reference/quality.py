"""Whether a label can be believed: plain checks on numbers, no code is run here.

A wrong label is worse than none. A self-consistent field that converged to a wrong state has
been seen to give -7400 eV with forces of 2300 eV/Å and to destroy a run in one step, so a label
must be finite, complete, balanced in its forces and, where a prediction is at hand, near it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from aofl.errors import ReferenceFailed
from aofl.records import FloatArray, Label


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelLimits:
    """What a believable label keeps to.

    Attributes
    ----------
    net_force
        Largest component of the sum of all forces, eV/Å. Real-space grids of DFT codes need
        more room than tight binding does.
    force
        Largest force on one atom, eV/Å.
    energy_per_atom
        Largest distance of the energy from a prediction, eV per atom.
    """

    net_force: float = 0.1
    force: float = 60.0
    energy_per_atom: float = 0.5


def check_label(label: Label, atoms: Atoms, *, limits: LabelLimits) -> None:
    """Refuse a label that is incomplete, not finite, unbalanced or absurdly large.

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
    if not label.seconds > 0.0:
        raise ReferenceFailed(
            f"the reference call took {label.seconds} s: it did not run; look at its output"
        )
    net = float(np.abs(label.forces.sum(axis=0)).max())
    if net > limits.net_force:
        raise ReferenceFailed(
            f"the net force is {net:.3g} eV/Å, more than {limits.net_force:g} eV/Å: "
            "converge the reference tighter"
        )
    norms = np.linalg.norm(label.forces, axis=1)
    atom = int(norms.argmax())
    if norms[atom] > limits.force:
        raise ReferenceFailed(
            f"the force on atom {atom} ({atoms.symbols[atom]}) is {norms[atom]:.3g} eV/Å, more "
            f"than {limits.force:g} eV/Å: a wrong electronic state, or atoms much too close"
        )


def check_against_prediction(
    label: Label, energy_per_atom_prediction: float, *, limits: LabelLimits
) -> None:
    """Refuse a label whose energy is far from what the force field expects.

    Meant for a force field that has seen similar structures: a young one is the outlier itself.

    Parameters
    ----------
    energy_per_atom_prediction
        The predicted energy divided by the number of atoms, eV.

    Raises
    ------
    ReferenceFailed
        If the two differ by more than `limits.energy_per_atom`.
    """
    per_atom = label.energy / len(label.forces)
    difference = abs(per_atom - energy_per_atom_prediction)
    if not difference <= limits.energy_per_atom:
        raise ReferenceFailed(
            f"the energy is {per_atom:.4f} eV per atom where the force field expects "
            f"{energy_per_atom_prediction:.4f}, more than {limits.energy_per_atom:g} eV apart: "
            "label again from a fresh density, or drop the label"
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
