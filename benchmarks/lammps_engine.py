"""Time of a step through LAMMPS over that of the bare kernel: on one rank, then on two.

`mpirun -np N python benchmarks/lammps_engine.py [CUBES]`: copper of 4 CUBES^3 atoms (16: 16,384),
a force field of accuracy "fast" that has learned one small cell. Use free cores: ranks wait for
the slowest.
"""

import sys
from time import perf_counter

import numpy as np
from ase.build import bulk
from ase.calculators.emt import EMT

from aofl.engines.crew import Crew, dismiss, serve
from aofl.engines.mpi import world
from aofl.forcefield.model import ForceField
from aofl.records import Label

STEPS = 10


def learned() -> ForceField:
    force_field, small = ForceField(["Cu"], "fast", on_uncertain="ignore"), copper(2)
    small.calc = EMT()
    force_field.learn(small, Label(energy=small.get_potential_energy(), forces=small.get_forces()))
    return force_field


def copper(cubes: int):
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True) * (cubes, cubes, cubes)
    atoms.rattle(0.05, rng=np.random.default_rng(1))
    return atoms


def seconds(work) -> float:
    work()
    begun = perf_counter()
    for _ in range(STEPS):
        work()
    return (perf_counter() - begun) / STEPS


def main() -> None:
    comm = world()
    if comm.rank:
        serve()
        return
    atoms, force_field = copper(int(sys.argv[1]) if len(sys.argv) > 1 else 16), learned()
    bare = seconds(lambda: force_field.predict(atoms))
    crew = Crew(force_field)
    crew.load(atoms, ["timestep 0.001", "fix motion mobile nve"])
    step = seconds(crew.move)
    dismiss()
    print(
        f"{len(atoms)} atoms, {comm.size} ranks: kernel {1e6 * bare / len(atoms):.2f} us, "
        f"LAMMPS {1e6 * step / len(atoms):.2f} us per atom and step, ratio {step / bare:.2f}"
    )


if __name__ == "__main__":
    main()
