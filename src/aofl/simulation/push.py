"""What a bias does to a structure: energy, forces, virial."""

from __future__ import annotations

from dataclasses import dataclass

from aofl.records import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """What a bias does to a structure.

    Attributes
    ----------
    energy
        eV.
    forces
        eV/Å, shape (n, 3).
    virial
        Sum of pair vectors and derivatives of the energy, eV, shape (3, 3): stress times volume.
    lengths
        Of the restrained pairs, Å, in their order.
    """

    energy: float
    forces: FloatArray
    virial: FloatArray
    lengths: tuple[float, ...] = ()

    def __add__(self, other: Push) -> Push:
        """Return both together, with the lengths of both."""
        return Push(
            energy=self.energy + other.energy,
            forces=self.forces + other.forces,
            virial=self.virial + other.virial,
            lengths=self.lengths + other.lengths,
        )
