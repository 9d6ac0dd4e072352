"""What LAMMPS reads beside the potentials: `potential.in`, `run.in` and the structure.

The repulsion of `aofl.forcefield.baseline` is an expression of `pair_style lepton`, whose function
`zbl` has the same constants in metal units, times the same fade: exact, and differentiated exactly.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable

import numpy as np
from ase import Atoms
from ase.calculators.lammps import Prism
from ase.data import atomic_masses, atomic_numbers, covalent_radii
from ase.io.lammpsdata import write_lammps_data

from aofl.errors import StructureError
from aofl.forcefield.baseline import INNER, OUTER

PAIR, MANY_BODY, POTENTIAL, RUN, STRUCTURE = (
    "pair.yace", "many_body.yace", "potential.in", "run.in", "structure.data",
)  # fmt: skip
VACUUM = 10.0  # Å
# As the guards of a run are by default: K, times the target, and eV/Å on an atom.
HOTTEST_K, HOTTEST, STRONGEST = 2000, 5, 60


def potential_commands(elements: list[str], masses: list[float], title: str) -> str:
    """Return `potential.in`: masses and interactions of the atom types 1, 2, ... = `elements`."""
    symbols = " ".join(elements)
    lines = [f"# {title}", "# Atom types: " + ", ".join(f"{k} {e}" for k, e in _types(elements))]
    lines += [
        *(f"mass {k} {mass:.6g}  # {elements[k - 1]}" for k, mass in enumerate(masses, start=1)),
        f"pair_style hybrid/overlay pace pace {' '.join(repulsion_style(elements))}",
        f"pair_coeff * * pace 1 {PAIR} {symbols}",
        f"pair_coeff * * pace 2 {MANY_BODY} {symbols}",
        *(f"pair_coeff {i} {j} lepton {rest}" for i, j, rest in repulsion_coefficients(elements)),
    ]
    return "\n".join(lines) + "\n"


def masses_of(elements: list[str], atoms: Atoms | None = None) -> list[float]:
    """Return the mass of each element, u: that of its atoms in a structure, or the usual one.

    Raises
    ------
    StructureError
        If atoms of one element have several masses.
    """
    masses = [float(atomic_masses[atomic_numbers[element]]) for element in elements]
    for k, element in enumerate(elements):
        of_atoms = [] if atoms is None else atoms.get_masses()[atoms.symbols == element]
        if len(of_atoms) and np.ptp(of_atoms) > 0.0:
            raise StructureError(
                f"atoms of {element} have masses from {min(of_atoms):g} to {max(of_atoms):g} u; "
                "give a structure with one mass for each element, which is what the input has"
            )
        masses[k] = float(of_atoms[0]) if len(of_atoms) else masses[k]
    return masses


def repulsion_style(elements: list[str]) -> tuple[str, str]:
    """Return the words after `pair_style` that name the repulsion."""
    largest = max(covalent_radii[atomic_numbers[element]] for element in elements)
    return "lepton", f"{2 * OUTER * largest:.16g}"


def repulsion_coefficients(elements: list[str]) -> list[tuple[int, int, str]]:
    """Return two atom types, expression and cutoff, for each two types."""
    found = []
    for (i, one), (j, other) in itertools.combinations_with_replacement(_types(elements), 2):
        z, z_other = atomic_numbers[one], atomic_numbers[other]
        contact = covalent_radii[z] + covalent_radii[z_other]
        inner, outer = INNER * contact, OUTER * contact
        fade = f"1-t^3*(10-15*t+6*t^2); t=max((r-{inner:.16g})/{outer - inner:.16g},0)"
        found.append((i, j, f'"zbl({z},{z_other},r)*f; f={fade}" {outer:.16g}'))
    return found


def run_commands(elements: list[str], pbc: Iterable[bool], title: str) -> str:
    """Return `run.in`: a thermostat, frames for new labels, and a halt where the run is lost."""
    symbols, timestep = " ".join(elements), 0.0005 if "H" in elements else 0.001
    return f"""# {title}
# Another value: lmp -in {RUN} -var temperature 350 -var steps 1000000
variable temperature index 300     # K
variable steps       index 100000  # of {timestep} ps
variable every       index 1000    # steps between frames
variable seed        index 1

units        metal
atom_style   atomic
newton       on
boundary     {boundary(pbc)}
box          tilt large
read_data    {STRUCTURE}
include      {POTENTIAL}
timestep     {timestep}

velocity     all create ${{temperature}} ${{seed}} mom yes rot no dist gaussian
fix          motion all nve
fix          thermostat all langevin ${{temperature}} ${{temperature}} 0.1 ${{seed}} zero yes

thermo       100
thermo_style custom step time temp pe etotal press fmax
dump         frames all custom ${{every}} frames.lammpstrj id type element xu yu zu
dump_modify  frames element {symbols} sort id format float %.10g
restart      10000 run.restart

# Hotter than a thermostat makes it, or forces that no label has: the model is lost.
variable     lost equal &
  "(temp > {HOTTEST_K} && temp > {HOTTEST} * v_temperature) || fmax > {STRONGEST}"
fix          halt all halt 10 v_lost > 0 error soft message yes

run          ${{steps}}
write_dump   all custom last.lammpstrj id type element xu yu zu modify element {symbols} sort id
write_data   last.data
"""


def in_a_box(atoms: Atoms) -> Atoms:
    """Return a structure that LAMMPS can read: where it is not periodic, all atoms are in the cell.

    There a cell that is missing, or that atoms stick out of, is replaced by one with `VACUUM`
    around them.

    Raises
    ------
    StructureError
        If the cell is missing where the structure is periodic.
    """
    boxed: Atoms = atoms.copy()
    for axis in np.flatnonzero(~atoms.pbc):
        has_cell = atoms.cell.rank == 3
        along = boxed.cell.scaled_positions(boxed.positions)[:, axis] if has_cell else [-1.0]
        if np.min(along) < 0.0 or np.max(along) > 1.0:
            boxed.center(vacuum=VACUUM, axis=int(axis))
    if boxed.cell.rank < 3:
        raise StructureError("the structure is periodic and has no cell; give one that has")
    return boxed


def structure_data(atoms: Atoms, elements: list[str]) -> str:
    """Return a structure as a LAMMPS data file, its atom types in the order of `elements`.

    Parameters
    ----------
    atoms
        As `in_a_box` returns them.

    Raises
    ------
    StructureError
        If the structure holds an element that is none of `elements`.
    """
    unknown = sorted(set(atoms.get_chemical_symbols()) - set(elements))
    if unknown:
        raise StructureError(
            f"the structure holds {', '.join(unknown)} but the force field knows "
            f"{', '.join(elements)}; give a structure of these"
        )
    text = io.StringIO()
    # With masses, by which other programs tell the elements; `potential.in` has the last word.
    write_lammps_data(
        text, atoms, specorder=elements, masses=True, units="metal", atom_style="atomic",
        prismobj=prism(atoms),
    )  # fmt: skip
    return text.getvalue()


def prism(atoms: Atoms) -> Prism:
    """Return how LAMMPS turns the cell: its first vector along x, its second in the plane xy."""
    return Prism(atoms.cell.array, pbc=atoms.pbc)


def boundary(pbc: Iterable[bool]) -> str:
    """Return the words of `boundary`; where it is not periodic, the box grows with the atoms."""
    return " ".join("p" if is_periodic else "m" for is_periodic in pbc)


def _types(elements: list[str]) -> list[tuple[int, str]]:
    return list(enumerate(elements, start=1))
