"""What each molecule is: key from its bonds, name and charge from the library.

Most names follow from the graph alone. A few graphs stand for several species, told apart by the
geometry around them: a lone hydrogen or oxygen is an anion where it touches a metal atom; O2 is
molecule, superoxide or peroxide by its length (1.21, 1.33 and 1.50 Å in the gas, in NaO2 and in
Na2O2); a bent CO2 has taken up an electron (134 degrees in the free anion).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from ase import Atoms

from aofl.chemistry.canonical import graph_key, hill_formula
from aofl.chemistry.graph import Bonds, molecules
from aofl.chemistry.library import library
from aofl.chemistry.limits import IONIC, IS_METAL
from aofl.records import FloatArray, IntArray

Pair = tuple[int, int]
Members = tuple[int, ...]

SUPEROXIDE_FROM, PEROXIDE_FROM = 1.27, 1.40  # Å
BENT_BELOW = 155.0  # degrees

LONE_ANIONS = {1: ("H-", -1), 6: ("C4-", -4), 7: ("N3-", -3), 8: ("O2-", -2), 15: ("P3-", -3),
               16: ("S2-", -2), 34: ("Se2-", -2)}  # fmt: skip

# What a species is called where its geometry is not to be trusted: while it is reacting.
GENERIC = {"superoxide": "O2", "O2 2-": "O2", "CO2-": "CO2"} | {
    hill_formula([number]): name for number, (name, _) in LONE_ANIONS.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Species:
    """A kind of molecule.

    Attributes
    ----------
    key
        Formula and digits of the bond graph: isomers differ.
    formula
        Hill's.
    name
        From the library; an unknown one has its formula.
    charge
        By the library, e; None for an unknown species.
    """

    key: str
    formula: str
    name: str
    charge: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What of a frame the bonds do not say and names need.

    Attributes
    ----------
    atoms
        The frame.
    has_metal
        Whether there is any metal atom.
    touching
        Which atoms make an ionic contact, shape (n_atoms,).
    """

    atoms: Atoms
    has_metal: bool
    touching: npt.NDArray[np.bool_]


def surroundings(atoms: Atoms, bonds: Bonds) -> Surroundings:
    """Return the surroundings of a frame; `bonds` are those of `connect`, contacts included."""
    touching = bonds.coordination(IONIC) > 0
    return Surroundings(
        atoms=atoms, has_metal=bool(IS_METAL[bonds.numbers].any()), touching=touching
    )


def identify(members: Members, edges: Iterable[Pair], around: Surroundings) -> Species:
    """Return what a molecule is.

    Parameters
    ----------
    members
        Its atoms, sorted.
    edges
        Its covalent bonds as pairs of atoms.
    """
    numbers = tuple(around.atoms.numbers[list(members)].tolist())
    place = {atom: k for k, atom in enumerate(members)}
    key = _key(numbers, tuple(sorted((place[i], place[j]) for i, j in edges)))
    formula = key.partition(":")[0]
    name, charge = _special(members, numbers, around) or _usual(key, around) or (formula, None)
    return Species(key=key, formula=formula, name=name, charge=charge)


def species_of_frame(atoms: Atoms, bonds: Bonds) -> list[tuple[Members, Species]]:
    """Return atoms and species of every molecule of a frame, in the order of the first atoms.

    Parameters
    ----------
    bonds
        From `connect`: with ionic contacts, which tell the anions.
    """
    around = surroundings(atoms, bonds)
    parts = molecules(bonds)
    edges = edges_by_molecule(parts, bonds.covalent)
    members = [tuple(part.tolist()) for part in parts]
    return [(m, identify(m, edges[m], around)) for m in members]


def edges_by_molecule(parts: list[IntArray], pairs: Iterable[Pair]) -> dict[Members, list[Pair]]:
    """Return the bonds of each molecule by its atoms."""
    owner = {atom: part[0] for part in parts for atom in part.tolist()}
    found: defaultdict[int, list[Pair]] = defaultdict(list)
    for pair in pairs:
        found[owner[pair[0]]].append(pair)
    return {tuple(part.tolist()): found[part[0]] for part in parts}


def has_variants(numbers: tuple[int, ...]) -> bool:
    """Tell whether atoms can be several species that geometry alone tells apart."""
    is_alone = len(numbers) == 1 and numbers[0] in LONE_ANIONS
    return is_alone or sorted(numbers) in ([8, 8], [6, 8, 8])


def generic(species: Species) -> Species:
    """Return the species under the name that does not depend on its geometry."""
    return replace(species, name=GENERIC.get(species.name, species.name))


def count_names(found: Iterable[Species]) -> dict[str, int]:
    """Count species by readable name, in alphabetical order."""
    return dict(sorted(Counter(species.name for species in found).items()))


@lru_cache(maxsize=4096)
def _key(numbers: tuple[int, ...], edges: tuple[Pair, ...]) -> str:
    return graph_key(numbers, edges)


def _usual(key: str, around: Surroundings) -> tuple[str, int] | None:
    """Look a graph up in the library."""
    entry = library().get(key)
    if entry is None:
        return None
    return (entry.name, entry.charge) if around.has_metal else (entry.bare_name, entry.bare_charge)


def _special(
    members: Members, numbers: tuple[int, ...], around: Surroundings
) -> tuple[str, int] | None:
    """Name what the graph alone does not tell; None where it does."""
    elements = sorted(numbers)
    if len(numbers) == 1 and numbers[0] in LONE_ANIONS:
        touches = bool(around.touching[members[0]])
        return LONE_ANIONS[numbers[0]] if touches else (hill_formula(numbers), 0)
    if elements == [8, 8]:
        length = np.linalg.norm(_vector(around.atoms, *members)) if around.has_metal else 0.0
        if length >= PEROXIDE_FROM:
            return "O2 2-", -2
        return ("superoxide", -1) if length >= SUPEROXIDE_FROM else ("O2", 0)
    if elements == [6, 8, 8]:
        carbon = members[numbers.index(6)]
        a, b = (_vector(around.atoms, carbon, other) for other in members if other != carbon)
        cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
        is_bent = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))) < BENT_BELOW
        return ("CO2-", -1) if is_bent and around.has_metal else ("CO2", 0)
    return None


def _vector(atoms: Atoms, i: int, j: int) -> FloatArray:
    """Return the vector between two atoms of a molecule, Å.

    Rounding fractional coordinates is exact below half the smallest periodic height of the cell,
    and the pseudo-inverse of the periodic vectors alone takes any mix of boundaries.
    """
    vector = atoms.positions[j] - atoms.positions[i]
    periodic = atoms.cell.array[atoms.pbc]
    reduced: FloatArray = vector - np.round(vector @ np.linalg.pinv(periodic)) @ periodic
    return reduced
