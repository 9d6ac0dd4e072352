"""Every molecule that is built or known keeps its own name and charge: at rest, hot, by a metal.

`tests/data/library.extxyz` has a geometry of each graph of the library: minima of GFN1-xTB at the
charge of the entry; PF5, NSO2, NH 2- and NSO2CF3 2-, which it does not hold, have textbook lengths.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms, units
from ase.md.langevin import Langevin

from aofl.chemistry.graph import connect
from aofl.chemistry.library import Entry, library
from aofl.chemistry.limits import SECOND_NEIGHBOURS, ChemistrySettings, limit_table
from aofl.chemistry.reactions import follow_trajectory
from aofl.chemistry.snapshot import chemistry_snapshot
from aofl.chemistry.species import Species, species_of_frame
from aofl.chemistry.tracker import TrackerSettings
from aofl.config import InterfaceSystem
from aofl.system import build_system
from aofl.system.species import species_names, unit

SHAPES = {
    str(frame.info["name"]): Atoms(frame.numbers, positions=frame.positions)
    for frame in ase.io.read(Path(__file__).parents[1] / "data" / "library.extxyz", ":")
}
ENTRIES = {entry.name: entry for entry in library().values()}
OFFERED = [name for name in species_names() if not name.endswith("+")]
SALTS = ["NaPF6", "NaBF4", "NaClO4", "NaFSI", "NaTFSI", "NaOTf", "LiTFSI", "KFSI", "Mg(TFSI)2"]
# Each atom by this much in every direction: distances within a molecule then differ by 0.07 Å,
# as those of second neighbours do at 400 K.
SHAKE = 0.05  # Å


def found(atoms: Atoms) -> list[Species]:
    return [species for _, species in species_of_frame(atoms, connect(atoms))]


def names(atoms: Atoms) -> Counter[tuple[str, int | None]]:
    return Counter((species.name, species.charge) for species in found(atoms))


def shaken(atoms: Atoms, seed: int) -> Atoms:
    moved = atoms.copy()
    moved.positions += np.random.default_rng(seed).normal(0.0, SHAKE, atoms.positions.shape)
    return moved


def beside_sodium(atoms: Atoms) -> Atoms:
    """Put sodium on six sides of a molecule, 2.4 Å from its outermost atoms."""
    low, high = atoms.positions.min(axis=0), atoms.positions.max(axis=0)
    middle = (low + high) / 2
    around = [
        np.where(np.arange(3) == axis, end[axis] + sign * 2.4, middle)
        for axis in range(3)
        for end, sign in ((low, -1), (high, 1))
    ]
    return atoms + Atoms("Na6", around)


def test_every_graph_of_the_library_has_a_shape() -> None:
    assert SHAPES.keys() == ENTRIES.keys()


@pytest.mark.parametrize("name", OFFERED)
def test_what_the_builder_offers_is_named_as_itself(name: str) -> None:
    (one,) = unit(name).parts
    for seed in range(20):
        hot = shaken(one.atoms, seed)
        assert names(beside_sodium(hot)) == {(name, one.charge): 1}
        (alone,) = found(hot)
        assert alone.name == ENTRIES[name].bare_name


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_what_the_library_knows_is_named_as_itself(entry: Entry) -> None:
    shape = SHAPES[entry.name]
    for seed in range(8):
        hot = shaken(shape, seed)
        assert names(beside_sodium(hot)) == {(entry.name, entry.charge): 1}
        assert names(hot) == {(entry.bare_name, entry.bare_charge): 1}


@pytest.mark.parametrize("salt", SALTS)
def test_salts_on_a_metal_are_their_ions(salt: str) -> None:
    config = InterfaceSystem.model_validate(
        {
            "electrode": {"element": "Na", "surface": "bcc100", "size": [3, 3, 3]},
            "electrolyte": {"molecules": {salt: 2, "DME": 2}, "gap_A": 14.0},
        }
    )
    expected = Counter({("DME", 0): 2})
    for part in unit(salt).parts:
        if not part.name.endswith("+"):
            expected[part.name, part.charge] += 2
    atoms = build_system(config, 1).atoms
    for seed in range(5):
        assert names(shaken(atoms, seed)) == expected


@pytest.mark.parametrize("name", ["FSI-", "TFSI-", "BOB-", "trimethyl phosphate"])
def test_a_hot_molecule_does_not_react(name: str) -> None:
    atoms = beside_sodium(SHAPES[name])
    frames = [(step, 10.0 * step, shaken(atoms, step)) for step in range(300)]
    followed = follow_trajectory(iter(frames), TrackerSettings(min_lifetime_fs=20.0))
    assert followed.events == ()
    assert followed.raw == {}
    bonded = None
    for _, _, atoms in frames:
        seen = chemistry_snapshot(atoms, bonded, since=bonded, with_species=False)
        assert seen.changes == ()
        bonded = seen.bonded


def test_electrons_of_a_reaction_of_tfsi_are_counted() -> None:
    whole = SHAPES["TFSI-"]
    nitrogen, (left, right) = whole.symbols.search("N")[0], whole.symbols.search("S")
    distances = whole.get_all_distances()
    half = (distances[right] < distances[left]) & (np.arange(len(whole)) != nitrogen)
    away = whole.positions[right] - whole.positions[nitrogen]
    apart = whole.copy()
    apart.positions[half] += 2.0 * away / np.linalg.norm(away)
    ions = beside_sodium(apart)[len(whole) :]
    states = [whole + ions] * 20 + [apart + ions] * 20
    frames = ((k, 10.0 * k, atoms) for k, atoms in enumerate(states))
    (event,) = follow_trajectory(frames, TrackerSettings(min_lifetime_fs=50.0)).events
    assert event.reaction == "TFSI- -> CF3SO2- + NSO2CF3 2-"
    assert event.electrons == 2


@pytest.mark.parametrize(
    ("bond", "length"),
    [
        ("SS", 2.05), ("PP", 2.21), ("SiSi", 2.35), ("PS", 2.10), ("PSi", 2.25), ("SSi", 2.15),
        ("BB", 1.70), ("BC", 1.60), ("BP", 1.90), ("BS", 1.80), ("BSi", 2.00), ("CP", 1.85),
        ("CS", 1.82), ("CSi", 1.87), ("ClCl", 1.99), ("ClP", 2.04), ("ClS", 2.05), ("ClSi", 2.05),
        ("BrBr", 2.28), ("II", 2.67), ("BrCl", 2.14), ("ClI", 2.32), ("BrI", 2.47), ("CC", 1.54),
    ],
)  # fmt: skip
def test_bonds_of_atoms_that_are_often_second_neighbours_are_still_bonds(
    bond: str, length: float
) -> None:
    pair = Atoms(bond, [[0, 0, 0], [0, 0, length]])
    assert connect(pair).covalent == {(0, 1)}
    apart = pair.copy()
    apart.positions[1, 2] = 6.0
    near = pair.copy()
    near.positions[1, 2] = 1.07 * length  # a bond that forms anew is stretched
    assert connect(near, previous=connect(apart)).covalent == {(0, 1)}
    near.positions[1, 2] = 1.18 * length  # far out in a swing
    assert connect(near, previous=connect(pair)).covalent == {(0, 1)}


@pytest.mark.parametrize(("first", "second", "distance"), SECOND_NEIGHBOURS)
def test_second_neighbours_at_400_k_are_never_bonded(
    first: str, second: str, distance: float
) -> None:
    pair = Atoms([first, second], [[0, 0, 0], [0, 0, distance]])
    assert connect(pair).covalent == set()
    table, (i, j) = limit_table(ChemistrySettings()), pair.numbers
    assert table.form[i, j] < distance - 4 * np.sqrt(2) * SHAKE
    assert 0.5 * (table.form[i, j] + table.break_[i, j]) < distance - 3 * np.sqrt(2) * SHAKE
    assert table.form[i, j] < table.break_[i, j] < distance


def test_carbons_across_a_small_ring_are_not_bonded() -> None:
    across = SHAPES["VC"]
    distance = min(
        across.get_distance(i, j)
        for i, j in combinations(across.symbols.search("C"), 2)
        if (i, j) not in connect(across).covalent
    )
    assert distance == pytest.approx(2.20, abs=0.02)
    assert connect(Atoms("CC", [[0, 0, 0], [0, 0, distance - 0.19]])).covalent == set()


def test_triiodide_and_tribromide_are_one_molecule() -> None:
    for element, length in (("I", 2.92), ("Br", 2.55)):
        line = Atoms(f"{element}3", [[0, 0, k * length] for k in range(3)])
        assert connect(line).covalent == {(0, 1), (1, 2)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["FSI-", "TFSI-", "OTf-", "PF6-", "BOB-", "DFOB-", "EC", "VC", "DME", "vinyl alcoholate-",
     "glycolaldehyde", "PF4", "trimethyl phosphate"],
)  # fmt: skip
def test_a_molecule_that_runs_keeps_its_name(name: str) -> None:
    tblite = pytest.importorskip("tblite.ase")
    entry, atoms = ENTRIES[name], SHAPES[name].copy()
    electrons = int(atoms.numbers.sum()) - entry.charge
    atoms.calc = tblite.TBLite(
        method="GFN1-xTB", charge=entry.charge, multiplicity=1 + electrons % 2, verbosity=0
    )
    rng = np.random.default_rng(1)
    thermal = np.sqrt(atoms.get_masses() * 400 * units.kB)
    atoms.set_momenta(thermal[:, None] * rng.normal(size=(len(atoms), 3)))
    run = Langevin(
        atoms, 0.5 * units.fs, temperature_K=400, friction=0.02 / units.fs, rng=rng, fixcm=False
    )
    for _ in range(50):
        run.run(10)
        ion = Atoms("Na", [atoms.positions.max(axis=0) + 3.0])
        assert names(atoms + ion) == {(name, entry.charge): 1}
