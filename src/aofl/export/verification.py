"""The same structure through LAMMPS and through the force field.

LAMMPS runs as a program, in a directory of its own, and writes forces and virial with all digits.
Its cell is turned (`aofl.export.lammps.prism`); forces and stress are turned back.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms

from aofl.errors import ModelError
from aofl.export.lammps import POTENTIAL, STRUCTURE, boundary, prism, structure_data
from aofl.records import FloatArray, Prediction

PROGRAMS = ("lmp", "lmp_mpi", "lmp_serial", "lammps")
BAR = 1.6021765e6  # in an eV/Å^3, as LAMMPS has it in metal units
# What the tables of the radial functions leave, ours and those of ML-PACE, is a hundredth of this.
SAME_ENERGY = 1e-6  # eV per atom
SAME_FORCE = 1e-7  # eV/Å; of the largest force where that is above 1 eV/Å
LONGEST_S = 600.0

_INPUT = f"""units metal
atom_style atomic
newton on
boundary {{boundary}}
box tilt large
read_data {STRUCTURE}
include {POTENTIAL}
compute virial all pressure NULL virial
thermo_style custom step pe c_virial[1] c_virial[2] c_virial[3] c_virial[4] c_virial[5] c_virial[6]
dump forces all custom 1 forces.txt id fx fy fz
dump_modify forces sort id format float %.17g
run 0
print "$(pe:%.17g) $(c_virial[1]:%.17g) $(c_virial[2]:%.17g) $(c_virial[3]:%.17g) &
$(c_virial[6]:%.17g) $(c_virial[5]:%.17g) $(c_virial[4]:%.17g)" file numbers.txt screen no
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Energy in eV, forces (n, 3) in eV/Å, stress (6,) in eV/Å^3, Voigt."""

    energy: float
    forces: FloatArray
    stress: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Largest differences, and the largest values that they are to be seen against.

    Energy in eV per atom, forces in eV/Å, stress in eV/Å^3; None where not all directions are
    periodic.
    """

    energy: float
    forces: float
    largest_force: float
    stress: float | None
    largest_stress: float | None

    @property
    def is_exact(self) -> bool:
        """Whether energy and forces are the same."""
        same_force = SAME_FORCE * max(1.0, self.largest_force)
        return self.energy <= SAME_ENERGY and self.forces <= same_force


def find_lammps(program: str | None = None) -> str:
    """Return the LAMMPS program that has ML-PACE and LEPTON: the one named, or one on the path.

    Raises
    ------
    ModelError
        If there is none.
    """
    candidates = PROGRAMS if program is None else (program,)
    found = [str(Path(path).absolute()) for name in candidates if (path := shutil.which(name))]
    for path in found:
        if {"pace", "lepton"} <= styles(path):
            return path
    looked = f"none of {', '.join(candidates)} is there"
    raise ModelError(
        f"{', '.join(found) + ' has not both pair styles' if found else looked}; build LAMMPS with "
        "-D PKG_ML-PACE=yes -D PKG_LEPTON=yes, or give its path with --lammps"
    )


def styles(path: str) -> set[str]:
    """Return the words of the help of a LAMMPS program, the names of its styles among them."""
    try:
        told = subprocess.run(  # noqa: S603 - the program that the user named
            [path, "-h"], capture_output=True, text=True, timeout=60.0, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return set()
    return set(told.stdout.split())


def run_lammps(program: str, folder: Path, atoms: Atoms, elements: list[str]) -> Said:
    """Return what LAMMPS says of a structure with the `potential.in` of a directory.

    Writes its input, log and results there.

    Raises
    ------
    ModelError
        If LAMMPS fails.
    StructureError
        If LAMMPS cannot take the structure.
    """
    (folder / STRUCTURE).write_text(structure_data(atoms, elements), encoding="utf-8")
    commands = _INPUT.format(boundary=boundary(atoms.pbc))
    (folder / "verify.in").write_text(commands, encoding="utf-8")
    _run([program, "-in", "verify.in", "-log", "verify.log", "-screen", "none"], folder)
    numbers = np.loadtxt(folder / "numbers.txt")
    table = np.loadtxt(folder / "forces.txt", skiprows=9, ndmin=2)
    turned = prism(atoms)
    xx, yy, zz, yz, xz, xy = -numbers[1:] / BAR
    stress = turned.tensor2_to_ase(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]))
    return Said(
        energy=float(numbers[0]),
        forces=turned.vector_to_ase(table[:, 1:]),
        stress=stress[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]],
    )


def compare(said: Said, predicted: Prediction, *, is_periodic: bool) -> Agreement:
    """Return how far what LAMMPS said is from the prediction of the force field."""
    return Agreement(
        energy=abs(said.energy - predicted.energy) / len(predicted.forces),
        forces=_largest(said.forces - predicted.forces),
        largest_force=_largest(predicted.forces),
        stress=_largest(said.stress - predicted.stress) if is_periodic else None,
        largest_stress=_largest(predicted.stress) if is_periodic else None,
    )


def _largest(values: FloatArray) -> float:
    return float(np.abs(values).max())


def _run(command: list[str], folder: Path) -> None:
    try:
        ended = subprocess.run(  # noqa: S603 - as above
            command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"LAMMPS took longer than {LONGEST_S:.0f} s for one structure; give a smaller one"
        ) from error
    if ended.returncode != 0:
        log = folder / "verify.log"
        said = log.read_text(errors="replace") if log.exists() else ended.stderr + ended.stdout
        errors = [line for line in said.splitlines() if "ERROR" in line] or said.splitlines()[-1:]
        raise ModelError(f"LAMMPS failed: {(errors or ['it said nothing'])[0].strip()}")
