"""Run on any number of ranks: a structure through LAMMPS, what came out as one file of arrays.

`mpirun -np N python engine_cases.py CASE MODEL OUT`.
"""

import sys
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.build import bulk, fcc111
from ase.constraints import FixAtoms

from aofl.engines.crew import Crew, dismiss, serve
from aofl.engines.mpi import world
from aofl.forcefield.model import ForceField


def moving(atoms: Atoms) -> Atoms:
    """Return the atoms rattled, a sixth of them aluminium, with velocities of some 600 K."""
    rng = np.random.default_rng(7)
    atoms.numbers[::6] = 13
    atoms.set_masses(None)
    atoms.positions += rng.normal(0, 0.05, atoms.positions.shape)
    spread = np.sqrt(600 * units.kB * atoms.get_masses())[:, None]
    atoms.set_momenta(rng.normal(size=(len(atoms), 3)) * spread)
    return atoms


def slab() -> Atoms:
    """Return a slab under vacuum, atoms out of the cell, its lowest layer fixed."""
    atoms = fcc111("Cu", (3, 4, 4), a=3.75, vacuum=6.0, orthogonal=True)
    atoms.positions[:5] += atoms.cell.array[0]
    atoms = moving(atoms)
    lowest = atoms.positions[:, 2] < atoms.positions[:, 2].min() + 1.0
    atoms.set_constraint(FixAtoms(np.flatnonzero(lowest)))
    atoms.set_momenta(atoms.get_momenta())  # the fixed ones have none
    return atoms


def triclinic() -> Atoms:
    """Return a skewed and turned cell, smaller than two cutoffs, periodic all around."""
    atoms = bulk("Cu", "fcc", a=3.75) * (3, 3, 4)
    atoms.set_cell(
        atoms.cell.array @ np.array([[1.02, 0.03, -0.02], [0, 0.98, 0.04], [0.01, 0, 1.01]]),
        scale_atoms=True,
    )
    return moving(atoms)


CASES = {"slab": slab, "triclinic": triclinic}
STEPS, TIMESTEP_FS = 100, 2.0


def main(case: str, model: Path, out: Path) -> None:
    """Write what LAMMPS says of a structure, and its path without a thermostat."""
    comm = world()
    if comm.rank:
        serve()
        return
    atoms, crew = CASES[case](), Crew(ForceField.load(model, on_uncertain="ignore"))
    first = {}

    def decide() -> None:
        if not first:
            first["said"] = crew.predict(forces_std=True, energies_std=True)
        Crew.decide(crew)

    crew.rank.decide = decide
    crew.load(atoms, [f"timestep {TIMESTEP_FS / 1000!r}", "fix motion mobile nve"])
    said, path = first["said"], []
    for _ in range(STEPS):
        crew.move()
        path.append(atoms.positions.copy())
    dismiss()
    np.savez(
        out, energy=said.energy, forces=said.forces, stress=said.stress, energies=said.energies,
        energies_std=said.energies_std, forces_std=said.forces_std,
        closest=np.array([*said.closest]), path=np.array(path), momenta=atoms.get_momenta(),
        ranks=comm.size,
    )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
