"""Connected parts of a graph that is given as a set of pairs, found from a few of its atoms.

The search is our own although scipy has `connected_components`, which `aofl.chemistry.graph` uses
on the arrays of whole frames: here a scipy call with its conversions took 0.5 ms for the smallest
graph, where this search took 0.01 ms for the atoms of a changed bond among 10 water molecules and
0.05 ms among 50. For all molecules of a frame it was three times as fast among 50 water molecules
(0.25 against 0.8 ms) and as fast among 200.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from aofl.chemistry.species import Members, Pair
from aofl.chemistry.tracker_state import Pairs


def within(members: Iterable[int], pairs: Iterable[Pair]) -> list[Pair]:
    """Return the pairs inside a set of atoms, sorted. No bond leaves a molecule or a region."""
    atoms = set(members)
    return sorted(pair for pair in pairs if pair[0] in atoms)


def regions(changed: Iterable[Pair], pairs: Pairs) -> list[Members]:
    """Return the components of the graph `pairs` that hold a changed pair."""
    return components({atom for pair in changed for atom in pair}, pairs)


def components(atoms: Iterable[int], pairs: Pairs) -> list[Members]:
    """Return the components that hold some atoms, each sorted, in order of their first atom."""
    near: defaultdict[int, list[int]] = defaultdict(list)
    for i, j in pairs:
        near[i].append(j)
        near[j].append(i)
    found, seen = [], set[int]()
    for atom in atoms:
        if atom in seen:
            continue
        component, edge = {atom}, [atom]
        while edge:
            edge = sorted({j for i in edge for j in near[i]} - component)
            component.update(edge)
        seen |= component
        found.append(tuple(sorted(component)))
    return sorted(found)
