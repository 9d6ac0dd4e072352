"""Whether the forces of a code are the slope of its energy, one component at a time.

    F_num = -[E(x + h) - E(x - h)] / 2h

An O-H bond is so anharmonic that h = 0.01 Å is 5 meV/Å off, by the third derivative, and
h = 0.005 Å 1.5 meV/Å.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ase import Atoms

from aofl.errors import ReferenceFailed
from aofl.records import Label

STEP = 0.005  # Å


def numerical_force(
    label: Callable[[Atoms], Label], atoms: Atoms, atom: int, axis: int, step: float = STEP
) -> float:
    """Return one force component from two energies, eV/Å.

    Parameters
    ----------
    label
        Makes a label, such as `Reference.label`.
    atom, axis
        The component; axis 0, 1, 2 is x, y, z.
    step
        Displacement to either side, Å.
    """
    energies = []
    for sign in (1.0, -1.0):
        moved = atoms.copy()
        moved.set_constraint()
        moved.positions[atom, axis] += sign * step
        energies.append(label(moved).energy)
    return -(energies[0] - energies[1]) / (2.0 * step)


def spot_check(
    label: Callable[[Atoms], Label],
    atoms: Atoms,
    made: Label,
    *,
    tolerance: float,
    rng: np.random.Generator,
) -> float:
    """Check one random force component of a label and return how far off it is, eV/Å.

    Parameters
    ----------
    made
        The label to check.
    tolerance
        eV/Å.

    Raises
    ------
    ReferenceFailed
        If it is further off than the tolerance.
    """
    atom, axis = int(rng.integers(len(atoms))), int(rng.integers(3))
    force = float(made.forces[atom, axis])
    difference = force - numerical_force(label, atoms, atom, axis)
    if not abs(difference) <= tolerance:
        raise ReferenceFailed(
            f"the force on {atoms.symbols[atom]} {atom} along {'xyz'[axis]} is {force:.4f} eV/Å "
            f"and {difference:+.4f} off the slope of the energy, more than {tolerance:g}: "
            "converge the reference tighter"
        )
    return difference
