"""Keys tell every graph apart and no order; names are right for known molecules and ions."""

import itertools
import random

import networkx as nx
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.collections import g2

from aofl.chemistry.canonical import graph_key, hill_formula
from aofl.chemistry.graph import connect, molecules
from aofl.chemistry.library import TABLE, library, parse_graph
from aofl.chemistry.limits import IS_METAL
from aofl.chemistry.species import count_names, species_of_frame


def names(atoms: Atoms) -> dict[str, int]:
    return count_names(species for _, species in species_of_frame(atoms, connect(atoms)))


def beside_sodium(atoms: Atoms, distance: float = 2.3) -> Atoms:
    """Put a sodium atom over the first atom."""
    return atoms + Atoms("Na", [atoms.positions[0] + [0, 0, distance]])


def test_every_connected_graph_up_to_seven_atoms_has_its_own_key():
    graphs = [g for g in nx.graph_atlas_g() if len(g) and nx.is_connected(g)]
    keys = {graph_key([6] * len(g), list(g.edges)) for g in graphs}
    assert len(keys) == len(graphs) == 996


def test_decalin_and_bicyclopentyl_differ_though_plain_refinement_confuses_them():
    decalin = nx.Graph([(k, (k + 1) % 10) for k in range(10)] + [(0, 5)])
    pentagons = nx.Graph([(k, (k + 1) % 5) for k in range(5)])
    bicyclopentyl = nx.disjoint_union(pentagons, pentagons)
    bicyclopentyl.add_edge(0, 5)
    plain = []
    for graph in (decalin, bicyclopentyl):
        nx.set_node_attributes(graph, "C", "element")
        plain.append(nx.weisfeiler_lehman_graph_hash(graph, node_attr="element", iterations=9))
    assert plain[0] == plain[1]
    keys = [graph_key([6] * 10, list(g.edges)) for g in (decalin, bicyclopentyl)]
    assert keys[0] != keys[1]


def test_a_key_does_not_depend_on_the_order_of_the_atoms():
    shuffle = random.Random(3)
    for line in TABLE.strip().splitlines():
        if not line:
            continue
        numbers, edges = parse_graph(line.split("|")[2].strip())
        order = list(range(len(numbers)))
        shuffle.shuffle(order)
        place = {old: new for new, old in enumerate(order)}
        mixed = graph_key([numbers[k] for k in order], [(place[j], place[i]) for i, j in edges])
        assert mixed == graph_key(numbers, edges)


def test_library_names_and_graphs_are_unique_and_hold_what_was_promised():
    entries = library()
    assert len(entries) == len([line for line in TABLE.splitlines() if line])
    listed = [entry.name for entry in entries.values()]
    assert len(set(listed)) == len(listed)
    promised = (
        "H2O,OH-,H2,CO,CO3 2-,C2H4,EC,PC,DMC,DEC,EMC,FEC,VC,DOL,DME,diglyme,PF6-,PF5,POF3,FSI-,"
        "TFSI-,ClO4-,BF4-,F-,CH3O-,C2H5O-"
    )
    assert set(promised.split(",")) <= set(listed)


@pytest.mark.parametrize("text", ["C(O", "C)O", "C%1OC", "Xe", "(C)", "CH3-OH"])
def test_a_graph_that_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError, match=r"cannot be read|leaves"):
        parse_graph(text)


@pytest.mark.parametrize("name", [n for n in g2.names if not IS_METAL[molecule(n).numbers].any()])
def test_every_molecule_of_the_g2_set_is_one_molecule(name):
    atoms = molecule(name)
    assert len(molecules(connect(atoms))) == 1


def ring(graph: str) -> tuple[str, str]:
    key = graph_key(*parse_graph(graph))
    return key.partition(":")[0], library()[key].name


def test_isomers_have_their_own_names():
    for graphs in (
        ("C%1(O)OCH2CH2O%1", "CH2CH2OC(O)O", "OCH2CH2OCO"),
        ("CH3OCH3", "CH3CH2OH"),
        ("O%1CH2OCH2CH2%1", "CH2OCH2CH2O", "OCH2OCH2CH2"),
        ("CH3OC(O)OCH2CH3",),
    ):
        found = [ring(graph) for graph in graphs]
        assert len({formula for formula, _ in found}) == 1
        assert len({name for _, name in found}) == len(graphs)


def octahedral(centre: str, ligand: str, length: float) -> Atoms:
    axes = np.vstack([np.eye(3), -np.eye(3)]) * length
    return Atoms(centre + ligand * 6, [[0, 0, 0], *axes])


def test_hexafluorophosphate_is_itself_with_and_without_sodium_near():
    anion = octahedral("P", "F", 1.62)
    assert names(anion) == {"PF6-": 1}
    assert names(anion + Atoms("Na", [[1.5, 1.5, 1.5]])) == {"PF6-": 1}
    hot = anion.copy()
    hot.positions[1] *= 1.95 / 1.62  # a bond far out in a swing
    assert names(hot) == {"PF6-": 1}


def test_carbonate_touching_many_sodiums_stays_one_anion():
    angles = np.radians([90, 210, 330])
    oxygens = 1.29 * np.column_stack([np.cos(angles), np.sin(angles), 0 * angles])
    sodiums = 3.2 * np.column_stack([np.cos(angles), np.sin(angles), 0 * angles])
    assert names(Atoms("CO3Na3", [[0, 0, 0], *oxygens, *sodiums])) == {"CO3 2-": 1}


@pytest.mark.parametrize(("length", "name"), [(1.21, "O2"), (1.33, "superoxide"), (1.49, "O2 2-")])
def test_two_oxygens_are_named_by_their_length(length, name):
    pair = Atoms("O2", [[0, 0, 0], [length, 0, 0]])
    assert names(beside_sodium(pair)) == {name: 1}
    assert names(pair) == {"O2": 1}, "without metal nothing gives electrons"


def test_carbon_dioxide_is_an_anion_when_bent_beside_a_metal():
    def bent(degrees: float) -> Atoms:
        half = np.radians(degrees / 2)
        arm = 1.22 * np.array([np.sin(half), np.cos(half)])
        return Atoms("OCO", [[-arm[0], arm[1], 0], [0, 0, 0], [arm[0], arm[1], 0]])

    assert names(beside_sodium(bent(178))) == {"CO2": 1}
    assert names(beside_sodium(bent(134))) == {"CO2-": 1}
    assert names(bent(134)) == {"CO2": 1}


@pytest.mark.parametrize(
    ("symbol", "touching", "apart"),
    [("H", "H-", "H"), ("O", "O2-", "O"), ("F", "F-", "F-"), ("S", "S2-", "S")],
)
def test_lone_atoms_are_anions_where_they_touch_a_metal(symbol, touching, apart):
    assert names(beside_sodium(Atoms(symbol))) == {touching: 1}
    assert names(beside_sodium(Atoms(symbol), 9.0)) == {apart: 1}


def test_hydroxyl_is_an_ion_beside_a_metal_and_a_radical_in_a_gas():
    hydroxyl = Atoms("OH", [[0, 0, 0], [0.97, 0, 0]])
    assert names(beside_sodium(hydroxyl)) == {"OH-": 1}
    assert names(hydroxyl) == {"OH": 1}


def test_salts_are_made_of_their_anions():
    for salt, a, anion in (("NaF", 4.63, "F-"), ("NaCl", 5.64, "Cl-"), ("NaH", 4.89, "H-")):
        assert names(bulk(salt, "rocksalt", a=a, cubic=True)) == {anion: 4}


def test_unknown_molecules_have_their_formula_and_an_unknown_charge():
    silane = molecule("SiH4")
    ((_, species),) = species_of_frame(silane, connect(silane))
    assert (species.name, species.formula, species.charge) == ("H4Si", "H4Si", None)
    assert species.key.startswith("H4Si:")


def test_a_molecule_across_the_boundary_of_a_triclinic_cell_is_whole():
    ethanol = molecule("CH3CH2OH")
    ethanol.set_cell([[7, 0, 0], [3, 6, 0], [-2, 2.5, 6.5]])
    ethanol.pbc = True
    for shift in itertools.product((0.0, 0.37, 0.81), repeat=3):
        moved = ethanol.copy()
        moved.set_scaled_positions(moved.get_scaled_positions(wrap=False) + shift)
        moved.wrap()
        assert names(moved) == {"C2H5OH": 1}


def test_formula_is_hills():
    assert hill_formula([8, 1, 6, 1, 11]) == "CH2NaO"
    assert hill_formula([9, 15, 9]) == "F2P"
