"""The inventory of an interphase in one frame: solids, oxidised metal, gas, and what lies where.

How far a metal atom is oxidised is read off its anions: an anion of charge -z that N metal ions
touch takes z / N of an electron from each (Pauling's electrostatic bond strength, J. Am. Chem.
Soc. 51, 1010 (1929), doi:10.1021/ja01379a006, read from the anion's side). In crystals the sum
is the ion's charge; an oxide sunk in the metal oxidises each of its neighbours a little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aofl.analysis.metal import MetalState, metal_states
from aofl.analysis.motifs import Cluster, anion_contacts, solid_clusters
from aofl.chemistry.bonds import Bonds
from aofl.chemistry.limits import IONIC, IS_METAL
from aofl.chemistry.species import Members, Species
from aofl.records import FloatArray

GASES = frozenset({
    "H2", "O2", "N2", "F2", "Cl2", "CO", "CO2", "CH4", "C2H2", "C2H4", "C2H6", "C3H6", "C3H8",
    "C4H10", "HF", "HCl", "SO2", "NH3", "H2S", "PF3", "PF5", "POF3", "BF3", "CH3OCH3", "CH2O",
    "NO", "N2O",
})  # fmt: skip
METAL_CLASSES = ("metal", "partly oxidised", "in solid", "dissolved")
PARTLY_FROM, ION_FROM = 0.25, 0.7  # electrons


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What one frame holds.

    Attributes
    ----------
    clusters
        All coordinated anions, single ones too, largest cluster first.
    metal
        Class of `METAL_CLASSES` to number of metal atoms: "metal" and "partly oxidised" are part
        of the metal, the second having lost a quarter of an electron or more to anions; "in solid"
        are ions of a solid, "dissolved" all other ions. What has lost `ION_FROM` electrons is an
        ion however many metal atoms are near: in Li3N the ions are as close as in the metal.
    electrons
        That anions in contact with metal ions hold, those of a salt included.
    gas
        Name to number of molecules that touch no metal.
    kinds
        What each atom is part of: a class of metal, a motif, or the name of its molecule.
    """

    clusters: tuple[Cluster, ...]
    metal: Mapping[str, int]
    electrons: float
    gas: Mapping[str, int]
    kinds: tuple[str, ...]

    @property
    def solids(self) -> dict[str, int]:
        """Motif to number of formula units in solids, in alphabetical order."""
        counts: Counter[str] = Counter()
        for cluster in self.clusters:
            if cluster.is_solid:
                counts[cluster.motif] += len(cluster.units)
        return dict(sorted(counts.items()))

    def sizes(self, motif: str) -> list[int]:
        """Sizes of the solid clusters of a motif, in units, largest first."""
        return [len(c.units) for c in self.clusters if c.motif == motif and c.is_solid]

    @property
    def single(self) -> int:
        """Number of coordinated anions that are alone and so no solid."""
        return sum(not cluster.is_solid for cluster in self.clusters)


def inventory(bonds: Bonds, species: Sequence[tuple[Members, Species]]) -> Inventory:
    """Take the inventory of one frame.

    Parameters
    ----------
    bonds, species
        Of the same frame, from `connect` and `species_of_frame`.
    """
    contacts = anion_contacts(bonds, species)
    clusters = solid_clusters(bonds, species, contacts)
    given = np.zeros(len(bonds.numbers))
    for members, kind in species:
        if kind.charge is not None and kind.charge < 0 and contacts[members]:
            for atom, *_ in contacts[members]:
                given[atom] -= kind.charge / len(contacts[members])
    kinds = _metal_kinds(_without_neutral(bonds, species), given, clusters)
    counts = Counter(kinds[k] for k in np.flatnonzero(IS_METAL[bonds.numbers]))
    for members, kind in species:
        for atom in members:
            kinds[atom] = kind.name
    for cluster in clusters:
        if cluster.is_solid:
            for unit in cluster.units:
                for atom in unit.members:
                    kinds[atom] = cluster.motif
    gas = Counter(
        kind.name for members, kind in species if kind.name in GASES and not contacts[members]
    )
    return Inventory(
        clusters=tuple(clusters),
        metal={name: counts[name] for name in METAL_CLASSES},
        electrons=float(given.sum()),
        gas=dict(sorted(gas.items())),
        kinds=tuple(kinds),
    )


def anchors(species: Sequence[tuple[Members, Species]], bonds: Bonds) -> list[int]:
    """Return one atom to stand for each metal atom and each molecule: the heaviest of it."""
    metal = np.flatnonzero(IS_METAL[bonds.numbers]).tolist()
    return metal + [max(members, key=lambda k: (bonds.numbers[k], -k)) for members, _ in species]


def _without_neutral(bonds: Bonds, species: Sequence[tuple[Members, Species]]) -> Bonds:
    """Leave out contacts of metal to neutral molecules: water on the metal oxidises nothing."""
    is_neutral = np.zeros(len(bonds.numbers), dtype=bool)
    for members, kind in species:
        is_neutral[list(members)] = kind.charge == 0
    return bonds.where((bonds.kinds != IONIC) | ~is_neutral[bonds.pairs].any(axis=1))


def _metal_kinds(bonds: Bonds, given: FloatArray, clusters: Sequence[Cluster]) -> list[str]:
    """Class of each metal atom, and "" for the others."""
    states = metal_states(bonds)
    in_solid = {image[0] for c in clusters if c.is_solid for u in c.units for image in u.cations}
    kinds = []
    for atom, state in enumerate(states.tolist()):
        if state == MetalState.NOT_METAL:
            kinds.append("")
        elif state == MetalState.DISSOLVED or given[atom] >= ION_FROM:
            kinds.append("in solid" if atom in in_solid else "dissolved")
        else:
            kinds.append("partly oxidised" if given[atom] >= PARTLY_FROM else "metal")
    return kinds
