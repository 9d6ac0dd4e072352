"""ASE's calculator, freed with its last user.

ASE stores a method of the calculator in the calculator itself where the class has no
`get_spin_polarized`. That circle keeps a force field of several hundred MB until Python's collector
of circles passes by, and it counts objects, not megabytes: a handful of runs in one process, such
as the stages of one run, filled the memory.
"""

from __future__ import annotations

from ase.calculators.calculator import Calculator as AseCalculator


class Calculator(AseCalculator):
    """A calculator without spin."""

    def get_spin_polarized(self) -> bool:
        """Return False."""
        return False
