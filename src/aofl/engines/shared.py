"""A force field that all ranks evaluate where LAMMPS asks, and rank 0 alone anywhere else."""

from __future__ import annotations

from typing import Any

import numpy as np

from aofl.engines.crew import Crew
from aofl.forcefield.deviation import Way
from aofl.forcefield.model import ForceField
from aofl.records import Prediction
from aofl.structure import AnyStructure, Structure


class SharedForceField(ForceField):
    """A `ForceField` of rank 0 whose predictions all ranks share.

    They do for the structure that LAMMPS holds and while it asks (`is_asked`): only then are all
    ranks there. Any other structure, a label to learn or a frame to go back to, is rank 0's.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.is_asked = False
        self._crew: Crew | None = None

    def share(self, threads: int) -> None:
        """Share with all ranks from now on."""
        self._crew = Crew(self, threads)

    @property
    def crew(self) -> Crew:
        """The ranks.

        Raises
        ------
        ValueError
            If nobody shares: a slip of the caller.
        """
        if self._crew is None:
            raise ValueError("the force field is shared with nobody; call `share` first")
        return self._crew

    def predict(
        self,
        atoms: AnyStructure,
        *,
        forces_std: Way | None = None,
        energies_std: bool = False,
    ) -> Prediction:
        """Return what `ForceField.predict` returns, made by all ranks where it can be."""
        structure = Structure.of(atoms)
        if forces_std == "exact" or not self._is_there(structure):
            return super().predict(structure, forces_std=forces_std, energies_std=energies_std)
        return self.crew.predict(forces_std=forces_std is not None, energies_std=energies_std)

    def _is_there(self, structure: Structure) -> bool:
        """Return whether LAMMPS asks, and for this structure."""
        held = self.crew.atoms if self.is_asked else None
        return held is not None and np.array_equal(structure.positions, held.positions)
