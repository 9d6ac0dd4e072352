"""The reaction network: which species turned into which, how often, how fast.

A reaction and its reverse are one entry, in the direction that was seen first. Two kinds of rates
are given for each direction: events per time, and events per time and per way of meeting (a rate
constant in the sense of mass action, for the cell that was simulated), both with Poisson intervals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import networkx as nx

from aofl.analysis.rates import Rate, Turnover, exposures, poisson_rate
from aofl.chemistry.reaction_event import Event, reaction
from aofl.chemistry.reactions import Reactions
from aofl.chemistry.species import Species, generic

Side = tuple[Species, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeciesNode:
    """A species that was there or was formed.

    Attributes
    ----------
    id
        Its name; isomers without a name of their own carry four digits of their key.
    initial, final
        Molecules in the first and in the last frame.
    n_formed, n_consumed
        Over all events.
    first_fs
        When it was there for the first time (first passage), fs.
    """

    id: str
    key: str
    formula: str
    charge: int | None
    initial: int
    final: int
    n_formed: int
    n_consumed: int
    first_fs: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """One direction of a reaction.

    Attributes
    ----------
    n, n_raw
        Events, and how often it happened before short-lived molecules were filtered out.
    rate
        1/ps.
    rate_constant
        1/ps for each molecule, pair, ... that could react; None if there never was one.
    """

    n: int
    n_raw: int
    rate: Rate | None
    rate_constant: Rate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionNode:
    """A reaction with its reverse.

    Attributes
    ----------
    reactants, products
        Ids of species, one entry for each molecule.
    electrons
        Taken up by the forward direction; None if a charge is not known.
    first_fs
        Of the first event, fs.
    n_seen
        Events, both directions, within which a label was made; None where that is not known.
    heights
        Where the events happened along the surface normal, Å.
    """

    reaction: str
    reactants: tuple[str, ...]
    products: tuple[str, ...]
    electrons: int | None
    first_fs: float
    n_seen: int | None
    heights: tuple[float, ...]
    forward: Direction
    backward: Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Species and reactions, in the order in which they appeared."""

    duration_ps: float
    species: tuple[SpeciesNode, ...]
    reactions: tuple[ReactionNode, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the network as plain data."""
        return asdict(self)


def reaction_network(found: Reactions) -> Network:
    """Return the network of the reactions of a trajectory."""
    ids = _ids(found.events)
    groups: dict[tuple[Side, Side], list[Event]] = {}
    for event in sorted(found.events, key=_when):
        sides = (event.reactants, event.products)
        known = sides[::-1] if sides[::-1] in groups else sides
        groups.setdefault(known, []).append(event)
    return Network(
        duration_ps=1e-3 * (found.end_fs - found.start_fs),
        species=tuple(_species_nodes(found, ids)),
        reactions=tuple(_reaction_nodes(found, groups, ids)),
    )


def graphml(network: Network) -> str:
    """Return the network as GraphML: species and reactions are nodes, edges carry multiplicities.

    A reaction points to what it makes, and what it uses points to it.
    """
    graph = nx.DiGraph()
    for species in network.species:
        graph.add_node(species.id, kind="species", **_plain(asdict(species), ("id",)))
    for k, node in enumerate(network.reactions):
        name = f"reaction {k + 1}"
        graph.add_node(
            name, kind="reaction", label=node.reaction, n_forward=node.forward.n,
            n_backward=node.backward.n, first_fs=node.first_fs,
        )  # fmt: skip
        for species_id, n in Counter(node.reactants).items():
            graph.add_edge(species_id, name, multiplicity=n)
        for species_id, n in Counter(node.products).items():
            graph.add_edge(name, species_id, multiplicity=n)
    return "\n".join(nx.generate_graphml(graph)) + "\n"


def _ids(events: Iterable[Event]) -> dict[Species, str]:
    """Return a name for each species that no other has."""
    found = {species for event in events for species in (*event.reactants, *event.products)}
    names = Counter(species.name for species in found)
    return {
        species: species.name
        if names[species.name] == 1
        else f"{species.name} [{species.key.partition(':')[2][:4]}]"
        for species in sorted(found, key=_by_name)
    }


def _species_nodes(found: Reactions, ids: dict[Species, str]) -> list[SpeciesNode]:
    formed, consumed, first = Counter[str](), Counter[str](), dict[str, float]()
    for event in sorted(found.events, key=_when):
        consumed.update(ids[species] for species in event.reactants)
        formed.update(ids[species] for species in event.products)
        for species in event.products:
            first.setdefault(ids[species], event.time_fs)
    nodes = []
    for species, own in ids.items():
        initial = found.initial.get(own, 0)
        nodes.append(
            SpeciesNode(
                id=own,
                key=species.key,
                formula=species.formula,
                charge=species.charge,
                initial=initial,
                final=found.final.get(own, 0)
                if own == species.name
                else formed[own] - consumed[own],
                n_formed=formed[own],
                n_consumed=consumed[own],
                first_fs=found.start_fs if initial else first.get(own, found.start_fs),
            )
        )
    return sorted(nodes, key=_by_first)


def _reaction_nodes(
    found: Reactions, groups: dict[tuple[Side, Side], list[Event]], ids: dict[Species, str]
) -> list[ReactionNode]:
    sides = [tuple(s.name for s in side) for pair in groups for side in pair]
    ways = exposures(found.initial, turnovers(found.events), sides, found.start_fs, found.end_fs)
    span = 1e-3 * (found.end_fs - found.start_fs)
    nodes = []
    for k, ((left, right), events) in enumerate(groups.items()):
        n = sum(event.reactants == left for event in events)
        seen = [event.seen_by_reference for event in events]
        nodes.append(
            ReactionNode(
                reaction=events[0].reaction,
                reactants=tuple(ids[species] for species in left),
                products=tuple(ids[species] for species in right),
                electrons=events[0].electrons,
                first_fs=events[0].time_fs,
                n_seen=None if None in seen else sum(bool(flag) for flag in seen),
                heights=tuple(e.height for e in events if e.height is not None),
                forward=_direction(n, found.raw, (left, right), span, ways[2 * k]),
                backward=_direction(
                    len(events) - n, found.raw, (right, left), span, ways[2 * k + 1]
                ),
            )
        )
    return nodes


def turnovers(events: Iterable[Event]) -> list[Turnover]:
    """Return reactions by the names of their molecules."""
    return [
        Turnover(
            time_fs=event.time_fs,
            reaction=event.reaction,
            used=tuple(species.name for species in event.reactants),
            made=tuple(species.name for species in event.products),
        )
        for event in events
    ]


def _direction(
    n: int, raw: Mapping[str, int], sides: tuple[Side, Side], span: float, ways: float
) -> Direction:
    return Direction(
        n=n,
        n_raw=raw.get(_generic(sides), 0) or raw.get(reaction(*sides), 0),
        rate=poisson_rate(n, span),
        rate_constant=poisson_rate(n, ways),
    )


def _generic(sides: tuple[Side, Side]) -> str:
    """Write a reaction as the raw counts do where there is a metal."""
    left, right = ([generic(species) for species in side] for side in sides)
    return reaction(left, right)


def _plain(values: dict[str, Any], without: tuple[str, ...]) -> dict[str, Any]:
    """Leave out what GraphML has no word for."""
    return {k: v for k, v in values.items() if v is not None and k not in without}


def _when(event: Event) -> float:
    return event.time_fs


def _by_name(species: Species) -> tuple[str, str]:
    return species.name, species.key


def _by_first(node: SpeciesNode) -> tuple[float, str]:
    return node.first_fs, node.id
