"""A force field in plain ASE has no rules around it, so it watches itself.

Every few calls the deviations of the forces are looked at; where the calibrated one of some atom is
far above what the labels left of its element, the forces are not to be believed.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from ase.data import chemical_symbols

from aofl.errors import ModelError
from aofl.records import FloatArray, IntArray

OnUncertain = Literal["warn", "raise", "ignore"]
LOOK_EVERY = 20  # calls: looks take a twelfth of the time
FAR = 10.0  # times the error that labels leave of an element
LEAST_LIMIT = 0.5  # eV/Å: no dynamics fails below it


class UncertainForcesWarning(UserWarning):
    """The forces of a force field are too uncertain to be believed."""


@dataclass(slots=True)
class Watch:
    """What a calculator remembers: its calls so far, and whether it has warned."""

    calls: int = 0
    has_warned: bool = False

    def is_due(self) -> bool:
        """Count a call; return whether to look at its forces."""
        self.calls += 1
        return self.calls % LOOK_EVERY == 1

    def looked(
        self, sigma: FloatArray, limits: FloatArray, numbers: IntArray, on_uncertain: OnUncertain
    ) -> None:
        """Take note of a look.

        Parameters
        ----------
        sigma
            Calibrated deviation of the force error of each atom, rms over x, y, z, eV/Å, (n,).
        limits
            Above them, eV/Å, (n,), the forces are not to be believed.

        Raises
        ------
        ModelError
            If they are not, and `on_uncertain` is "raise".
        """
        if (sigma <= limits).all():
            return
        atom = int(np.argmax(sigma / limits))
        message = (
            f"the force field does not know this structure: the force on atom {atom} "
            f"({chemical_symbols[numbers[atom]]}) may be off by {sigma[atom]:.2g} eV/Å, the limit "
            f"is {limits[atom]:.2g}; learn on with `mode: aofl`, or raise `uncertain_above`"
        )
        if on_uncertain == "raise":
            raise ModelError(message)
        if not self.has_warned:
            self.has_warned = True
            warnings.warn(message, UncertainForcesWarning, stacklevel=2)
