"""A look at the chemistry of one structure: bonds, molecules and contacts, beside those of before.

Covalent bonds come from `aofl.chemistry.graph` with its hysteresis: a pair counts as bonded until
it is longer than its breaking limit, so a vibration is no reaction. Cheap enough for every second
step: metal atoms enter only through the contacts of their element.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from aofl.chemistry.canonical import graph_key
from aofl.chemistry.contacts import new_contacts, pair_kinds
from aofl.chemistry.graph import close_non_metals, connect_covalent
from aofl.chemistry.limits import COVALENT, IS_METAL
from aofl.chemistry.regions import components, within
from aofl.records import FloatArray, IntArray
from aofl.structure import AnyStructure, Structure


@dataclass(frozen=True, slots=True, kw_only=True)
class ChemistrySnapshot:
    """What is seen of the chemistry at one step.

    Attributes
    ----------
    bonded
        Covalent bonds as (i, j), an image each, shape (n_bonds, 2): the past of the next look.
    changes
        Kinds of the bonds that changed since they were last judged, such as "H-O broken".
    atom
        An atom of a bond that changed, or None.
    species
        Keys of the bond graphs of the molecules, such as "H2O:6f2c"; they tell isomers apart.
        Empty where no bond changed and nobody asked.
    contacts
        Which elements touch, such as "H-Na", beyond those that were known.
    longest
        Elements, such as "C-O", to the length of the longest covalent bond between them, Å.
    longest_atoms
        The same elements to an atom of that bond.
    """

    bonded: IntArray
    changes: tuple[str, ...]
    atom: int | None
    species: frozenset[str]
    contacts: frozenset[str]
    longest: dict[str, float] = field(default_factory=dict)
    longest_atoms: dict[str, int] = field(default_factory=dict)


def chemistry_snapshot(
    atoms: AnyStructure,
    bonded: IntArray | None,
    *,
    since: IntArray | None,
    with_species: bool,
    known: Collection[str] = (),
) -> ChemistrySnapshot:
    """Return what is seen of the chemistry of a structure.

    Parameters
    ----------
    bonded
        The bonds at the look before, for the hysteresis; None at the first.
    since
        The bonds that changes are told from; None at the first look, which has none.
    with_species
        Whether to name the molecules although no bond changed.
    known
        Contacts of elements that need not be looked for.
    """
    structure = Structure.of(atoms)
    close = close_non_metals(structure)
    found = connect_covalent(structure, bonded=bonded, close=close)
    is_bond = found.kinds == COVALENT
    now = found.pairs[is_bond]
    is_same = since is not None and np.array_equal(now, since)  # nearly always, and cheap
    pairs = found.covalent if with_species or not is_same else frozenset()
    before = pairs if since is None or is_same else _pairs(since)
    changed = sorted(pairs ^ before)
    symbols = structure.symbols if changed else []
    longest, longest_atoms = _longest(structure.numbers, now, found.distances[is_bond])
    kinds = {
        f"{'-'.join(sorted((symbols[i], symbols[j])))} {'broken' if (i, j) in before else 'formed'}"
        for i, j in changed
    }
    return ChemistrySnapshot(
        bonded=now,
        changes=tuple(sorted(kinds)),
        atom=changed[0][0] if changed else None,
        species=_species(structure.numbers, pairs) if changed or with_species else frozenset(),
        contacts=new_contacts(structure, close, known),
        longest=longest,
        longest_atoms=longest_atoms,
    )


def _longest(
    numbers: IntArray, pairs: IntArray, lengths: FloatArray
) -> tuple[dict[str, float], dict[str, int]]:
    """Return the longest bond of each two elements, and an atom of it."""
    names, kind_of = pair_kinds(*numbers[pairs].T)
    last = np.empty(len(names), dtype=np.int64)
    order = np.argsort(lengths, kind="stable")
    last[kind_of[order]] = order  # the longest of a kind is written last
    atoms = pairs[last, 0].tolist()
    longest = dict(zip(names, lengths[last].tolist(), strict=True))
    return longest, dict(zip(names, atoms, strict=True))


def _species(numbers: IntArray, pairs: frozenset[tuple[int, int]]) -> frozenset[str]:
    """Return the keys of the molecules that the bonds make of the non-metal atoms."""
    keys = set()
    for members in components(np.flatnonzero(~IS_METAL[numbers]).tolist(), pairs):
        place = {atom: k for k, atom in enumerate(members)}
        edges = tuple(sorted((place[i], place[j]) for i, j in within(members, pairs)))
        keys.add(_key(tuple(numbers[list(members)].tolist()), edges))
    return frozenset(keys)


@lru_cache(maxsize=4096)
def _key(numbers: tuple[int, ...], edges: tuple[tuple[int, int], ...]) -> str:
    return graph_key(numbers, edges)


def _pairs(bonded: IntArray) -> frozenset[tuple[int, int]]:
    return frozenset((i, j) for i, j in bonded.tolist() if i != j)
