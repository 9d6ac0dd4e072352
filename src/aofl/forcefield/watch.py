"""A force field in plain ASE has no rules around it, so it watches itself.

Where the deviation of some atom's energy has grown since the last look, and every few calls, the
deviations of the forces are looked at (`aofl.bayes.growth`); where the calibrated one of some atom
is above a limit, the forces are not to be believed.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from ase.data import chemical_symbols

from aofl.bayes.growth import CHECK_EVERY, has_grown
from aofl.errors import ModelError
from aofl.records import FloatArray, IntArray

OnUncertain = Literal["warn", "raise", "ignore"]


class UncertainForcesWarning(UserWarning):
    """The forces of a force field are too uncertain to be believed."""


@dataclass(slots=True)
class Watch:
    """What a calculator remembers between two calls.

    Attributes
    ----------
    seen
        Deviations of the atomic energies at the last look, eV.
    calls
        Since the last look.
    has_warned
        A warning is given once.
    """

    seen: tuple[float, ...] = ()
    calls: int = 0
    has_warned: bool = False

    def is_due(self, energies_std: FloatArray | None) -> bool:
        """Return whether to look at the forces now."""
        self.calls += 1
        return self.calls >= CHECK_EVERY or has_grown(energies_std, self.seen)

    def looked(
        self,
        energies_std: FloatArray | None,
        sigma: FloatArray,
        numbers: IntArray,
        limit: float,
        on_uncertain: OnUncertain,
    ) -> None:
        """Take note of a look.

        Parameters
        ----------
        sigma
            Calibrated deviation of the force error of each atom, rms over x, y, z, eV/Å, (n,).
        limit
            Above it, eV/Å, the forces are not to be believed.

        Raises
        ------
        ModelError
            If they are not, and `on_uncertain` is "raise".
        """
        self.seen = () if energies_std is None else tuple(energies_std.tolist())
        self.calls = 0
        if (sigma <= limit).all():
            return
        atom = int(np.argmax(sigma))
        message = (
            f"the force field does not know this structure: the force on atom {atom} "
            f"({chemical_symbols[numbers[atom]]}) may be off by {sigma[atom]:.2g} eV/Å, the limit "
            f"is {limit:g}; learn on with `mode: aofl`, or raise `uncertain_above`"
        )
        if on_uncertain == "raise":
            raise ModelError(message)
        if not self.has_warned:
            self.has_warned = True
            warnings.warn(message, UncertainForcesWarning, stacklevel=2)
