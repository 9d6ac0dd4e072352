"""ASE's calculator, freed with its last user, and quick to see that atoms have moved.

ASE stores a method of the calculator in the calculator itself where the class has no
`get_spin_polarized`. That circle keeps a force field of several hundred MB until Python's collector
of circles passes by, and it counts objects, not megabytes: a handful of runs in one process, such
as the stages of one run, filled the memory.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator as AseCalculator


class Calculator(AseCalculator):
    """A calculator without spin."""

    def get_spin_polarized(self) -> bool:
        """Return False."""
        return False

    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:
        """Return what has changed since the last calculation, by ASE's names.

        In dynamics that is the positions; ASE's own comparison of everything with a tolerance takes
        a fifth of a step of the force field.
        """
        last = self.atoms
        if last is not None and len(last) == len(atoms):
            moved = np.abs(atoms.positions - last.positions).max(initial=0.0)
            if moved > tol:
                return ["positions"]
        changes: list[str] = super().check_state(atoms, tol)  # type: ignore[no-untyped-call]
        return changes
