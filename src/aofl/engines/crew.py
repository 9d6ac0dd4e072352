"""All ranks as rank 0 sees them: what it says, all do, and what they found comes back as one.

Rank 0 is the run: files, learner, chemistry, reference. The others do nothing but obey.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from ase import Atoms

from aofl.engines.box import Box, box_of
from aofl.engines.rank import Share, this_rank
from aofl.forcefield.learned import Learned
from aofl.forcefield.model import ForceField
from aofl.records import FloatArray, Prediction


def serve() -> None:
    """Obey rank 0 until it lets this rank leave: what every other rank does."""
    rank = this_rank()
    rank.obey("leave")
    rank.close()


def dismiss() -> None:
    """Let the other ranks leave; LAMMPS ends on all."""
    rank = this_rank()
    rank.comm.bcast(("leave", {}))
    rank.close()


class Crew:
    """The ranks, one LAMMPS on all of them, and one force field.

    Parameters
    ----------
    force_field
        Of rank 0, which this process is; the others `serve`, and follow what it learns.
    threads
        Of the kernels, on each rank.

    `atoms` are those that LAMMPS moves. Where it asks for forces, `rank.decide` is called, which
    must end with `apply`; `prediction` is the last one that all ranks made.
    """

    def __init__(self, force_field: ForceField, threads: int = 1) -> None:
        self.force_field = force_field
        self.rank = this_rank()
        self.rank.force_field = force_field
        self.rank.decide = self.decide
        self.atoms: Atoms | None = None
        self._box: Box | None = None
        self.prediction: Prediction | None = None
        self._told: Learned | None = None
        elements, settings = force_field.elements, force_field.basis.settings
        self.do("open", elements=elements, settings=settings, threads=threads)

    def do(self, name: str, **arguments: Any) -> Any:
        """Let all ranks do something, and return what rank 0 got."""
        self.rank.comm.bcast((name, arguments))
        return getattr(self.rank, name)(**arguments)

    def load(self, atoms: Atoms, commands: list[str]) -> None:
        """Start LAMMPS with a structure, its velocities, and an integrator of the group `mobile`.

        Raises
        ------
        StructureError, ConfigError, RunStopped
            If LAMMPS cannot hold the structure or cannot be started.
        """
        self.atoms, self._box = atoms, box_of(atoms)
        self.do(
            "load",
            box=self._box,
            positions=atoms.positions,
            velocities=atoms.get_velocities(),
            commands=commands,
        )

    def decide(self) -> None:
        """Answer LAMMPS with the prediction."""
        said = self.predict()
        self.apply(said.energy, said.stress)

    def apply(self, energy: float, stress: FloatArray, forces: FloatArray | None = None) -> None:
        """Let LAMMPS go on with forces, eV/Å, (n, 3); None: those of the last prediction."""
        virial = stress * self._volume
        self.do("apply", forces=forces, energy=energy, virial=virial)

    def predict(self, *, forces_std: bool = False, energies_std: bool = False) -> Prediction:
        """Return the prediction for where the atoms are, as `ForceField.predict` does.

        Raises
        ------
        StructureError
            If a position is not a number, or two atoms are in the same place.
        """
        self._tell_learned()
        shares = self.do("predict", forces_std=forces_std, energies_std=energies_std)
        self.prediction = _joined(shares, self._volume)
        return self.prediction

    def move(self, steps: int = 1) -> None:
        """Let LAMMPS make steps; positions and momenta of `atoms` follow."""
        self.do("run", steps=steps)
        self.follow()

    def follow(self) -> None:
        """Put the atoms where LAMMPS has them."""
        if self.atoms is None:
            raise ValueError("no structure was loaded")
        self.atoms.positions, velocities = self.do("state")
        momenta = velocities * self.atoms.get_masses()[:, None]
        self.atoms.set_momenta(momenta, apply_constraint=False)

    def _tell_learned(self) -> None:
        """Give the ranks what was learned since they were told."""
        learned = self.force_field.learned
        if learned is self._told:
            return
        bare = None if learned is None else replace(learned, posterior=None)
        self.do("learned", learned=bare, reference_energies=self.force_field.reference_energies)
        self._told = learned

    @property
    def _volume(self) -> float:
        """Å^3, 0 where the stress has no meaning."""
        if self.atoms is None or not self.atoms.pbc.all():
            return 0.0
        return float(self.atoms.get_volume())


def _joined(shares: list[Share], volume: float) -> Prediction:
    """Return the shares of all ranks as one prediction, atoms in their order."""
    order = np.argsort(np.concatenate([share.tags for share in shares]))

    def of_all(name: str) -> Any:
        parts = [getattr(share, name) for share in shares]
        return None if any(part is None for part in parts) else np.concatenate(parts)[order]

    energies, virial = of_all("energies"), sum(share.virial for share in shares)
    seen = [share.closest for share in shares if share.closest is not None]
    return Prediction(
        energy=float(energies.sum()),
        forces=of_all("forces"),
        stress=np.asarray(virial) / volume if volume else np.zeros(6),
        energies=energies,
        energies_std=of_all("energies_std"),
        forces_std=of_all("forces_std"),
        closest=min(seen, key=lambda pair: pair.relative) if seen else None,
    )
