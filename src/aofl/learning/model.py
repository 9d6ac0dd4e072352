"""What the learner needs of a force field."""

from __future__ import annotations

from typing import Literal, Protocol

from aofl.records import FloatArray, Label, Prediction
from aofl.structure import Structure


class Model(Protocol):
    """A force field that learns; `aofl.forcefield.model.ForceField` is one.

    `learned` is None until there is something to predict from. `level` is the level of theory of
    the labels, `calibration` what they have shown of its uncertainty (n_species, 2),
    `force_noise` the deviation of a force component around the best fit, eV/Å.
    """

    level: str | None
    calibration: FloatArray

    @property
    def learned(self) -> object | None:
        """What was learned so far."""

    @property
    def elements(self) -> list[str]:
        """Chemical symbols of the elements that it knows."""

    @property
    def force_noise(self) -> float:
        """Deviation of a force component around the best fit, eV/Å."""

    def predict(
        self,
        atoms: Structure,
        *,
        forces_std: Literal["exact", "sampled"] | None = None,
        energies_std: bool = False,
    ) -> Prediction:
        """Return energy, forces, stress and uncertainty of a structure."""

    def environments(self, atoms: Structure) -> FloatArray:
        """Return what it sees around each atom, unit vectors, shape (n, m)."""

    def learn(self, atoms: Structure, label: Label) -> None:
        """Absorb one label; the model changes."""
