"""Counts and rates against known processes; the network as JSON and GraphML."""

import json
from collections import Counter

import networkx as nx
import numpy as np
import pytest

from aofl.analysis.network import graphml, reaction_network, turnovers
from aofl.analysis.rates import exposures, poisson_rate
from aofl.chemistry.canonical import graph_key
from aofl.chemistry.reaction_event import Event, mark_seen, reaction
from aofl.chemistry.reactions import Reactions, composition
from aofl.chemistry.species import Species


def species(name: str, formula: str, charge: int | None = 0, key: str = "") -> Species:
    return Species(key=key or f"{formula}:{name}", formula=formula, name=name, charge=charge)


WATER, HYDROXIDE = species("H2O", "H2O"), species("OH-", "HO", -1)
HYDRIDE, HYDROGEN = species("H-", "H", -1), species("H2", "H2")


def event(time: float, left: list[Species], right: list[Species], frame: int = 0) -> Event:
    return Event(
        reactants=tuple(left), products=tuple(right), broken=((0, 1),), formed=(),
        frame_before=frame, frame=frame + 1, time_fs=time, began_fs=time, height=3.0,
    )  # fmt: skip


SPLIT = ([WATER], [HYDRIDE, HYDROXIDE])
MERGE = ([HYDRIDE, HYDROXIDE], [WATER])
GAS = ([HYDRIDE, WATER], [HYDROGEN, HYDROXIDE])


def found(*events: Event, end: float = 1000.0) -> Reactions:
    initial = {"H2O": 4}
    raw = Counter(reaction(e.reactants, e.products) for e in events)
    raw["H2O -> H- + OH-"] += 3
    return Reactions(
        initial=initial, final=composition(initial, events), events=tuple(events), raw=raw,
        n_unsettled=0, start_fs=0.0, end_fs=end,
    )  # fmt: skip


RUN = found(event(100.0, *SPLIT), event(200.0, *GAS), event(400.0, *SPLIT), event(500.0, *MERGE))


def test_a_reaction_and_its_reverse_are_one_entry():
    network = reaction_network(RUN)
    split, gas = network.reactions
    assert split.reaction == "H2O -> H- + OH-"
    assert (split.forward.n, split.backward.n, split.first_fs) == (2, 1, 100.0)
    assert (split.forward.n_raw, split.backward.n_raw) == (5, 1)
    assert (gas.forward.n, gas.backward.n) == (1, 0)
    assert (split.electrons, gas.electrons) == (2, 0)
    assert split.heights == (3.0, 3.0, 3.0)
    assert split.n_seen is None


def test_species_know_their_numbers_and_when_they_were_first_there():
    nodes = {node.id: node for node in reaction_network(RUN).species}
    assert (nodes["H2O"].initial, nodes["H2O"].final) == (4, 2)
    assert (nodes["H2O"].n_formed, nodes["H2O"].n_consumed) == (1, 3)
    firsts = {name: node.first_fs for name, node in nodes.items()}
    assert firsts == {"H2O": 0.0, "H-": 100.0, "OH-": 100.0, "H2": 200.0}
    assert {name: node.final for name, node in nodes.items()} == {
        "H2O": 2, "H-": 0, "OH-": 2, "H2": 1
    }  # fmt: skip


def test_exposures_are_the_time_and_the_ways_in_which_molecules_could_meet():
    sides = [("H2O",), ("H-", "OH-"), ("H-", "H2O"), ("H2O", "H2O"), ("CO2",)]
    got = exposures(RUN.initial, turnovers(RUN.events), sides, RUN.start_fs, RUN.end_fs)
    # 0-100: 4 water; -200: 3 water, H-, OH-; -400: 2 water, 2 OH-, H2; -500: 1 water, 3 OH-, H-;
    # -1000: 2 water, 2 OH-
    expected = [
        0.1 * 4 + 0.1 * 3 + 0.2 * 2 + 0.1 * 1 + 0.5 * 2,
        0.1 * 1 + 0.1 * 3,
        0.1 * 3 + 0.1 * 1,
        0.1 * 6 + 0.1 * 3 + 0.2 * 1 + 0.0 + 0.5 * 1,
        0.0,
    ]
    assert got == pytest.approx(expected)
    assert poisson_rate(0, got[-1]) is None


@pytest.mark.parametrize(
    ("n", "low", "high"),
    [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (5, 1.6235, 11.6683), (10, 4.7954, 18.3904)],
)
def test_poisson_intervals_are_the_tabulated_ones(n, low, high):
    rate = poisson_rate(n, 2.0)
    assert rate.value == n / 2.0
    assert (2 * rate.low, 2 * rate.high) == pytest.approx((low, high), abs=1e-4)


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(2)
    for mean in (0.8, 3.0, 12.0):
        counts = Counter(rng.poisson(mean, 4000).tolist())
        held = sum(
            times
            for n, times in counts.items()
            if poisson_rate(n, 1.0).low <= mean <= poisson_rate(n, 1.0).high
        )
        assert held / 4000 >= 0.945


def test_the_rate_constant_of_a_simulated_decay_is_found():
    rng = np.random.default_rng(7)
    constant, n, time, events = 0.8, 500, 0.0, []  # 1/ps
    while n and (time := time + rng.exponential(1.0 / (constant * n))) < 1.0:
        events.append(event(1000.0 * time, *SPLIT))
        n -= 1
    initial = {"H2O": 500}
    run = Reactions(
        initial=initial, final=composition(initial, events), events=tuple(events), raw={},
        n_unsettled=0, start_fs=0.0, end_fs=1000.0,
    )  # fmt: skip
    rate = reaction_network(run).reactions[0].forward.rate_constant
    assert rate.low < constant < rate.high
    assert rate.high - rate.low < 0.25 * constant


def test_isomers_without_a_name_are_told_apart():
    first = species("C2H6S", "C2H6S", None, graph_key([6, 6, 16], [(0, 1), (1, 2)]))
    second = species("C2H6S", "C2H6S", None, graph_key([6, 6, 16], [(0, 2), (1, 2)]))
    network = reaction_network(found(event(10.0, [first], [second])))
    (node,) = network.reactions
    assert node.reactants != node.products
    assert all(name.startswith("C2H6S [") for name in (*node.reactants, *node.products))
    assert node.electrons is None
    assert "[" in node.reaction


def test_labels_within_reactions_are_counted():
    events = [event(10.0 * k, *SPLIT, frame=10 * k) for k in range(1, 4)]
    marked = mark_seen(events, [11, 30], window=3)
    assert reaction_network(found(*marked)).reactions[0].n_seen == 2


def test_the_network_is_json_and_graphml():
    network = reaction_network(RUN)
    plain = json.loads(json.dumps(network.to_json()))
    assert [node["reaction"] for node in plain["reactions"]] == [
        "H2O -> H- + OH-",
        "H- + H2O -> H2 + OH-",
    ]
    graph = nx.parse_graphml(graphml(network))
    assert set(graph.predecessors("reaction 2")) == {"H-", "H2O"}
    assert set(graph.successors("reaction 2")) == {"H2", "OH-"}
    assert graph.nodes["reaction 1"]["n_backward"] == 1
    assert graph.nodes["H2O"]["initial"] == 4
    double = reaction_network(found(event(5.0, [WATER, WATER], [HYDROGEN])))
    assert nx.parse_graphml(graphml(double)).edges["H2O", "reaction 1"]["multiplicity"] == 2


def test_nothing_that_reacts_is_an_empty_network():
    network = reaction_network(found())
    assert (network.species, network.reactions) == ((), ())
    assert nx.parse_graphml(graphml(network)).number_of_nodes() == 0


def test_atoms_and_charges_are_checked():
    good, bad = event(0.0, *GAS), event(0.0, [WATER], [HYDROXIDE])
    assert good.is_atom_balanced
    assert not bad.is_atom_balanced
    assert event(0.0, [WATER], [species("X", "H2O", None)]).electrons is None
