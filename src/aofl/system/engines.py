"""What building may ask of a reference code, handed in as plain functions.

Nothing here knows a reference: the composition root passes functions, so that a structure is built
from a configuration alone and costs a reference call only where the configuration asks for one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_changes

from aofl.calculator import Calculator
from aofl.errors import StructureError
from aofl.records import FloatArray

EnergyAndForces: TypeAlias = Callable[[Atoms], tuple[float, FloatArray]]


def _no_reference(*_: object) -> EnergyAndForces:
    raise StructureError(
        "this part of `system` needs a reference code; build it by `aofl.workflows.build`"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """The reference codes at hand, made only when they are used.

    Attributes
    ----------
    reference
        Returns energies, eV, and forces, eV/Å, of the reference of the run.
    embedded
        The same of the embedded semi-empirical reference, for a molecule of a total charge, e.
    """

    reference: Callable[[], EnergyAndForces] = _no_reference
    embedded: Callable[[int], EnergyAndForces] = _no_reference


class SumCalculator(Calculator):
    """ASE calculator of a sum of functions that return energy and forces."""

    implemented_properties = ["energy", "free_energy", "forces"]  # noqa: RUF012 - ASE's name

    def __init__(self, *terms: EnergyAndForces) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._terms = terms

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = ("energy",),
        system_changes: Any = all_changes,
    ) -> None:
        """Fill `results` with the sums of the terms."""
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        given: Any = self.atoms
        energy, forces = 0.0, np.zeros((len(given), 3))
        for term in self._terms:
            more_energy, more_forces = term(given)
            energy, forces = energy + more_energy, forces + more_forces
        self.results = {"energy": energy, "free_energy": energy, "forces": forces}
