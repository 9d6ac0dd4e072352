"""Labels, predictions, and labelled structures: what reference and force field say.

Units are ASE's: eV, Å, eV/Å, eV/Å^3; stress in Voigt order xx, yy, zz, yz, xz, xy. Shapes are
written with `n` for the number of atoms.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from aofl.records.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What the reference code says about one structure.

    Attributes
    ----------
    energy
        The energy that is consistent with the forces (free energy under smearing), eV.
    forces
        Without any constraint applied, eV/Å, shape (n, 3).
    stress
        eV/Å^3, Voigt, shape (6,), or None where the code gives none.
    charges
        Atomic charges in e, shape (n,), or None.
    seconds
        Wall time of the call, retries included.
    attempts
        How many calls it took, 1 when the first one converged.
    core
        Indices of the atoms whose forces count, in rising order: the label is of a cut-out
        (`aofl.chemistry.cut_out`), whose energy and other forces are not those of the whole. None
        where all count.
    """

    energy: float
    forces: FloatArray
    stress: FloatArray | None = None
    charges: FloatArray | None = None
    seconds: float = 0.0
    attempts: int = 1
    core: IntArray | None = None

    @property
    def counted(self) -> IntArray:
        """Indices of the atoms whose forces count, in rising order."""
        return np.arange(len(self.forces)) if self.core is None else self.core


class ClosestPair(NamedTuple):
    """The two atoms that are closest, images included; `relative` is in sums of covalent radii."""

    first: int
    second: int
    relative: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the force field says about one structure.

    Attributes
    ----------
    energy, forces, stress
        As in `Label`.
    energies
        Atomic energies, eV, shape (n,).
    forces_std
        Posterior standard deviation of the force components, noise not included, eV/Å,
        shape (n, 3); None where it was not asked for.
    energies_std
        Posterior standard deviation of the atomic energies, without those of isolated atoms, eV,
        shape (n,); None where it was not asked for or nothing was learned yet.
    environments
        What the force field sees around each atom, unit vectors, shape (n, m): their dot
        products compare atoms of one element. None where nobody needed them.
    closest
        The closest two atoms; None where no atom sees another.
    """

    energy: float
    forces: FloatArray
    stress: FloatArray
    energies: FloatArray
    environments: FloatArray | None = None
    forces_std: FloatArray | None = None
    energies_std: FloatArray | None = None
    closest: ClosestPair | None = None

    @property
    def deviations(self) -> FloatArray:
        """`forces_std` of a prediction that was made with it.

        Raises
        ------
        ValueError
            If it was not asked for: a slip of the caller, not of the user.
        """
        if self.forces_std is None:
            raise ValueError("the prediction was made without the deviations of the forces")
        return self.forces_std


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledStructure:
    """One entry of the data set: geometry, label, and where it came from.

    `predicted_forces` is what the force field said before it learned this label (n, 3).
    `provenance` holds JSON-able values only: id, step, rule, level of theory.
    """

    numbers: IntArray
    positions: FloatArray
    cell: FloatArray
    pbc: npt.NDArray[np.bool_]
    label: Label
    predicted_forces: FloatArray | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
