"""Crystals of the interphase, at rest and warm, and what must not be taken for one."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc100, bulk, molecule
from crystal_cases import CRYSTALS, Crystal, potassium_bicarbonate

from aofl.analysis.sei import Inventory, inventory
from aofl.chemistry.graph import connect, molecules
from aofl.chemistry.species import species_of_frame

METALS = {"Na": 0.28, "Li": 0.25, "K": 0.32}  # root-mean-square along an axis at 300 K, Å
ION, BOND = 0.12, 0.04


def take(atoms: Atoms) -> Inventory:
    bonds = connect(atoms)
    return inventory(bonds, species_of_frame(atoms, bonds))


def warm(crystal: Crystal, cells: int, seed: int) -> Atoms:
    """Displace as at 300 K: ions by 0.12 Å along each axis, atoms of an anion by 0.04 in it."""
    atoms = crystal.build() * cells
    rng = np.random.default_rng(seed)
    amplitude = ION if crystal.motif else METALS[str(atoms.symbols[0])]
    moves = rng.normal(0.0, amplitude, (len(atoms), 3))
    for members in molecules(connect(atoms)):
        if len(members) > 1:
            moves[members] = rng.normal(0.0, ION, 3) + rng.normal(0.0, BOND, (len(members), 3))
    atoms.positions += moves
    return atoms


@pytest.mark.parametrize("name", CRYSTALS)
def test_a_crystal_is_recognised_and_nothing_else_in_it(name: str):
    crystal = CRYSTALS[name]
    found = take(crystal.build())
    assert found.solids == ({crystal.motif: crystal.n_units} if crystal.motif else {})
    n_metal = sum(found.metal.values())
    if crystal.motif is None:
        assert found.metal["metal"] == n_metal
        assert found.electrons == 0.0
    else:
        assert found.metal["in solid"] == n_metal
        assert found.electrons == pytest.approx(n_metal)
        sizes = found.sizes(crystal.motif)
        assert sum(sizes) == crystal.n_units
        assert len(sizes) == (2 if name == "NaOH" else 1)  # NaOH is made of two sheets
    assert found.gas == {}


@pytest.mark.parametrize("name", CRYSTALS)
def test_a_warm_crystal_is_recognised_and_nothing_else_in_it(name: str):
    crystal = CRYSTALS[name]
    for seed in range(3):
        atoms = warm(crystal, 2, seed)
        atoms.wrap()
        found = take(atoms)
        assert found.solids == ({crystal.motif: 8 * crystal.n_units} if crystal.motif else {})
        part = "metal" if crystal.motif is None else "in solid"
        assert found.metal[part] == sum(found.metal.values())


@pytest.mark.parametrize("name", CRYSTALS)
def test_atoms_that_move_on_their_own_by_a_tenth_of_an_angstrom(name: str):
    """What `Atoms.rattle` does: harder on O-H and O-O bonds than any crystal is at 300 K."""
    crystal = CRYSTALS[name]
    atoms = crystal.build() * 2
    atoms.rattle(0.1, rng=np.random.default_rng(11))
    found = take(atoms)
    assert found.solids == ({crystal.motif: 8 * crystal.n_units} if crystal.motif else {})


def test_a_primitive_cell_of_one_unit_is_a_solid():
    """The anion shares every ion with its own images, and is still counted once."""
    salt = bulk("NaF", "rocksalt", a=4.6342)
    oxide = bulk("ONa2", "fluorite", a=5.55)
    assert take(salt).solids == {"NaF": 1}
    assert sorted(oxide.symbols) == ["Na", "Na", "O"]
    assert take(oxide).solids == {"Na2O": 1}
    assert take(oxide).metal["in solid"] == 2


@pytest.mark.parametrize("name", ["NaOH", "Na2CO3", "Na2O2", "Na3PO4"])
def test_molecules_across_every_boundary(name: str):
    crystal = CRYSTALS[name]
    atoms = crystal.build()
    units = {u.cations for c in take(atoms).clusters for u in c.units}
    atoms.positions += 0.37 * atoms.cell.array.sum(axis=0)
    atoms.wrap()
    found = take(atoms)
    assert found.solids == {name: crystal.n_units}
    sizes = sorted(len(u.cations) for c in found.clusters for u in c.units)
    assert sizes == sorted(len(cations) for cations in units)


def water_box(n: int, spacing: float = 3.1) -> Atoms:
    box = Atoms(cell=np.eye(3) * n * spacing, pbc=True)
    for index in np.ndindex(n, n, n):
        water = molecule("H2O")
        water.rotate(37 * (index[0] + 2 * index[1] + 3 * index[2]), (1, 2, 3))
        water.translate(np.array(index) * spacing + 0.8 - water.positions[0])
        box += water
    return box


def test_a_lone_hydroxide_in_water_is_no_solid():
    box = water_box(4)
    oxygen = int(np.flatnonzero(box.numbers == 8)[21])
    del box[oxygen + 1]
    far = int(np.flatnonzero(box.numbers == 8)[60])
    sodium = box.copy()
    sodium.numbers[far] = 11  # a sodium ion in place of a water, and its hydrogens away
    del sodium[[far + 1, far + 2]]
    for atoms in (box, sodium):
        found = take(atoms)
        assert found.solids == {}
    assert found.metal["dissolved"] == 1


def on_sodium(anions: list[tuple[str, tuple[float, float]]]) -> Atoms:
    """Put anions into hollows of Na(100), given by the column and row of the hollow."""
    a = 4.29
    slab = bcc100("Na", (4, 4, 4), a=a, vacuum=7.0, periodic=True)
    top = slab.positions[:, 2].max()
    for symbols, (column, row) in anions:
        anion = Atoms(symbols, [[0, 0, 0.97 * k] for k in range(len(Atoms(symbols)))])
        anion.translate([(column + 0.5) * a, (row + 0.5) * a, top + 0.2])
        slab += anion
    return slab


def test_one_hydroxide_on_sodium_is_no_solid_and_two_neighbours_are():
    alone = take(on_sodium([("OH", (0, 0))]))
    assert alone.solids == {}
    assert alone.single == 1
    assert alone.metal["in solid"] == 0
    assert alone.electrons == pytest.approx(1.0)
    pair = take(on_sodium([("OH", (0, 0)), ("OH", (1, 0))]))
    assert pair.solids == {"NaOH": 2}
    assert pair.sizes("NaOH") == [2]
    far = take(on_sodium([("OH", (0, 0)), ("OH", (2, 2))]))
    assert far.solids == {}
    assert far.single == 2


def test_neighbours_of_another_kind_do_not_make_a_solid_of_one():
    found = take(on_sodium([("OH", (0, 0)), ("OH", (0, 1)), ("F", (1, 0))]))
    assert found.solids == {"NaOH": 2}
    assert found.single == 1


def test_a_small_cluster_in_vacuum_keeps_its_anions_and_counts_them_once():
    """A cube of rock salt, four ions of each kind: three contacts each."""
    a = 4.6342
    cube = Atoms("Na4F4", positions=np.array(
        [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 1], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
    ) * a / 2)  # fmt: skip
    found = take(cube)
    assert found.solids == {"NaF": 4}
    assert found.sizes("NaF") == [4]
    pair = Atoms("NaF", [[0, 0, 0], [0, 0, 2.0]])
    assert take(pair).solids == {}
    assert take(pair).metal["dissolved"] == 1


def test_superoxide_is_told_from_peroxide_by_the_mean_length():
    peroxide = CRYSTALS["Na2O2"].build()
    for length, motif in ((1.49, "Na2O2"), (1.33, "NaO2")):
        atoms = peroxide.copy()
        for first, second in molecules(connect(peroxide)):
            vector = atoms.get_distance(first, second, mic=True, vector=True)
            middle = atoms.positions[first] + 0.5 * vector
            unit = vector / np.linalg.norm(vector)
            atoms.positions[first], atoms.positions[second] = (
                middle - 0.5 * length * unit,
                middle + 0.5 * length * unit,
            )
        assert take(atoms).solids == {motif: 3}


def test_potassium_in_sodium_salt_does_not_change_its_name():
    atoms = CRYSTALS["NaF"].build() * 2
    atoms.numbers[np.flatnonzero(atoms.numbers == 11)[5]] = 19
    assert take(atoms).solids == {"NaF": 32}


def test_bicarbonate_and_solvent_are_no_carbonate():
    """The anion of a motif is the whole molecule: HCO3- beside sodium is not CO3 2-."""
    atoms = CRYSTALS["Na2CO3"].build()
    for carbon in np.flatnonzero(atoms.numbers == 6):
        oxygens = np.flatnonzero(atoms.numbers == 8)
        near = oxygens[np.argmin(atoms.get_distances(carbon, oxygens, mic=True))]
        outward = atoms.get_distance(carbon, near, mic=True, vector=True)
        place = atoms.positions[near] + 0.97 * outward / np.linalg.norm(outward)
        atoms += Atoms("H", [place])
    assert "Na2CO3" not in take(atoms).solids
    salt = potassium_bicarbonate()
    bonds = connect(salt)
    assert {species.name for _, species in species_of_frame(salt, bonds)} == {"HCO3-"}
    assert take(salt).solids == {}


def test_a_stretched_bond_is_a_bond_only_where_nothing_is_known_of_the_past():
    """O-H at 1.40 Å: below the breaking limit (1.45), above the mean of both (1.325)."""
    near, far = (Atoms("OH", [[0, 0, 0], [0, 0, d]]) for d in (1.40, 2.0))
    assert len(molecules(connect(near))) == 1
    assert len(molecules(connect(near, previous=connect(far)))) == 2
    chlorine = Atoms("Cl2", [[0, 0, 0], [0, 0, 2.95]])
    assert len(molecules(connect(chlorine))) == 2  # two chlorides may be as close in warm salt
    water_and_proton = molecule("H2O") + Atoms("H", [[0.0, 0.0, 1.50]])
    assert len(molecules(connect(water_and_proton))) == 2  # the oxygen is not alone
