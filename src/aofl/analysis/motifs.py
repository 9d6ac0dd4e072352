"""Solid motifs of the interphase: formula units of Na2O, NaOH, NaF, ... and their clusters.

A formula unit is an anion that is coordinated as in the solid: at least `fewest` alkali ions touch
it (the crystals have 4 to 9), each image counted once, whichever of its atoms it touches. Units of
one compound that share an ion are one cluster. A unit alone, such as a hydroxide on the metal or
in water, is no solid: solids are clusters of two and more, and units that share ions with their
own images, as those of a crystal in a small cell do.

A bond between two oxygens scatters by as much as peroxide (1.49 Å) and superoxide (1.33 Å)
differ, so those two are told apart by its mean over the cluster.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols

from aofl.chemistry.bonds import Bonds
from aofl.chemistry.limits import COVALENT, IONIC
from aofl.chemistry.regions import components
from aofl.chemistry.species import PEROXIDE_FROM, SUPEROXIDE_FROM, Members, Species
from aofl.records import IntArray

ALKALI = frozenset({3, 11, 19, 37, 55})
Image = tuple[int, int, int, int]  # atom and image of the cell it sits in


@dataclass(frozen=True, slots=True, kw_only=True)
class Anion:
    """An anion that makes solids: how its formula ends, its charge (-e), its fewest contacts."""

    ending: str
    charge: int
    fewest: int


# by the readable name of the species
ANIONS: Mapping[str, Anion] = {
    "O2-": Anion(ending="O", charge=2, fewest=4),
    "O2 2-": Anion(ending="O2", charge=2, fewest=4),
    "superoxide": Anion(ending="O2", charge=1, fewest=4),
    "OH-": Anion(ending="OH", charge=1, fewest=3),
    "F-": Anion(ending="F", charge=1, fewest=3),
    "Cl-": Anion(ending="Cl", charge=1, fewest=3),
    "Br-": Anion(ending="Br", charge=1, fewest=3),
    "I-": Anion(ending="I", charge=1, fewest=3),
    "H-": Anion(ending="H", charge=1, fewest=3),
    "S2-": Anion(ending="S", charge=2, fewest=4),
    "N3-": Anion(ending="N", charge=3, fewest=4),
    "CO3 2-": Anion(ending="CO3", charge=2, fewest=4),
    "PO4 3-": Anion(ending="PO4", charge=3, fewest=4),
}
# by formula, where a strained bond graph must not matter
BY_FORMULA = {"O2": "O2 2-", "CO3": "CO3 2-", "O4P": "PO4 3-"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One formula unit.

    Attributes
    ----------
    motif
        Its compound, such as "Na2O".
    members
        Atoms of the anion.
    cations
        The metal ions that touch it, each image once.
    repeats
        Whether it shares an ion with its own image.
    """

    motif: str
    members: Members
    cations: frozenset[Image]
    repeats: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Units of one compound that hang together by shared ions."""

    motif: str
    units: tuple[Unit, ...]

    @property
    def is_solid(self) -> bool:
        """Whether it is more than one coordinated anion."""
        return len(self.units) > 1 or self.units[0].repeats


def solid_clusters(
    bonds: Bonds,
    species: Sequence[tuple[Members, Species]],
    contacts: Mapping[Members, frozenset[Image]],
) -> list[Cluster]:
    """Find the formula units of one frame and gather them to clusters, largest first.

    Parameters
    ----------
    bonds, species
        Of the same frame, from `connect` and `species_of_frame`.
    contacts
        What touches each molecule, from `anion_contacts`.
    """
    units: defaultdict[str, list[Unit]] = defaultdict(list)
    for members, kind in species:
        anion = _anion(kind)
        touching = frozenset(c for c in contacts[members] if int(bonds.numbers[c[0]]) in ALKALI)
        if anion is None or len(touching) < anion.fewest:
            continue
        # peroxide and superoxide share a list until the mean length of a cluster is known
        name = "O2" if kind.formula == "O2" else formula(anion, touching, bonds.numbers)
        metal_atoms = [c[0] for c in touching]
        units[name].append(
            Unit(
                motif=name,
                members=members,
                cations=touching,
                repeats=len(set(metal_atoms)) < len(metal_atoms),
            )
        )
    found = [Cluster(motif=m, units=part) for m, all_ in units.items() for part in _gather(all_)]
    named = [_named(c, bonds) if c.motif == "O2" else c for c in found]
    return sorted(
        (c for c in named if c is not None),
        key=lambda c: (-len(c.units), c.motif, c.units[0].members),
    )


def anion_contacts(
    bonds: Bonds, species: Sequence[tuple[Members, Species]]
) -> dict[Members, frozenset[Image]]:
    """Return the metal ions that touch each molecule, each image once."""
    owner = {atom: members for members, _ in species for atom in members}
    place = _places(bonds)
    found: dict[Members, set[Image]] = {members: set() for members, _ in species}
    ionic = bonds.of_kind(IONIC)
    for (i, j), shift in zip(ionic.pairs.tolist(), ionic.shifts, strict=True):
        # the ion sits at +shift as seen from i, at -shift as seen from j
        atom, metal, sign = (i, j, 1) if i in owner else (j, i, -1)
        image = sign * shift + place[atom]
        found[owner[atom]].add((metal, int(image[0]), int(image[1]), int(image[2])))
    return {members: frozenset(images) for members, images in found.items()}


def formula(anion: Anion, cations: Iterable[Image], numbers: IntArray) -> str:
    """Return the formula of the compound with the metal that touches the anion most."""
    counts = Counter(int(numbers[image[0]]) for image in cations)
    metal = chemical_symbols[max(counts, key=lambda z: (counts[z], -z))]
    return f"{metal}{anion.charge if anion.charge > 1 else ''}{anion.ending}"


def _anion(kind: Species) -> Anion | None:
    return ANIONS.get(BY_FORMULA.get(kind.formula, kind.name))


def _places(bonds: Bonds) -> IntArray:
    """Return the image of the cell each atom is in when its molecule is put together.

    Molecules may cross a boundary: with the first atom of each where it is given, atom k is whole
    with its molecule at `positions[k] + places[k] @ cell`. Shape (n_atoms, 3).
    """
    covalent = bonds.of_kind(COVALENT)
    near: defaultdict[int, list[tuple[int, IntArray]]] = defaultdict(list)
    for (i, j), shift in zip(covalent.pairs.tolist(), covalent.shifts, strict=True):
        near[i].append((j, shift))
        near[j].append((i, -shift))
    place = np.zeros((len(bonds.numbers), 3), dtype=np.int64)
    seen: set[int] = set()
    for first in sorted(near):
        stack = [] if first in seen else [first]
        seen.add(first)
        while stack:
            atom = stack.pop()
            for other, shift in near[atom]:
                if other not in seen:
                    seen.add(other)
                    place[other] = place[atom] + shift
                    stack.append(other)
    return place


def _gather(units: list[Unit]) -> list[tuple[Unit, ...]]:
    """Join units that share an ion; images are not told apart here."""
    first_with: dict[int, int] = {}
    shared = frozenset(
        (first_with.setdefault(image[0], k), k)
        for k, unit in enumerate(units)
        for image in unit.cations
    )
    return [tuple(units[k] for k in part) for part in components(range(len(units)), shared)]


def _named(cluster: Cluster, bonds: Bonds) -> Cluster | None:
    """Name a cluster of dioxygen by the mean length of its O-O bonds; None for O2 itself."""
    atoms = {atom for unit in cluster.units for atom in unit.members}
    own = np.array([i in atoms and j in atoms for i, j in bonds.pairs.tolist()])
    length = float(bonds.distances[own & (bonds.kinds == COVALENT)].mean())
    if length < SUPEROXIDE_FROM:
        return None
    anion = ANIONS["O2 2-" if length >= PEROXIDE_FROM else "superoxide"]
    cations = [image for unit in cluster.units for image in unit.cations]
    motif = formula(anion, cations, bonds.numbers)
    units = tuple(
        Unit(motif=motif, members=u.members, cations=u.cations, repeats=u.repeats)
        for u in cluster.units
    )
    return Cluster(motif=motif, units=units)
