"""Oxidation of the metal, gas, and which atom is part of what."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc100, molecule
from crystal_cases import CRYSTALS

from aofl.analysis.sei import Inventory, anchors, inventory
from aofl.chemistry.graph import connect
from aofl.chemistry.species import species_of_frame


def take(atoms: Atoms) -> Inventory:
    bonds = connect(atoms)
    return inventory(bonds, species_of_frame(atoms, bonds))


def sodium_slab() -> Atoms:
    return bcc100("Na", (4, 4, 5), a=4.29, vacuum=8.0, periodic=True)


def test_a_slab_in_vacuum_is_all_metal():
    found = take(sodium_slab())
    assert found.metal == {"metal": 80, "partly oxidised": 0, "in solid": 0, "dissolved": 0}
    assert found.electrons == 0.0


def test_an_oxide_sunk_in_the_metal_takes_two_electrons_from_its_neighbours():
    slab = sodium_slab()
    middle = slab.positions[np.argsort(slab.positions[:, 2])[40]]
    slab += Atoms("O", [middle + np.array([4.29 / 2, 4.29 / 2, 0.0])])
    found = take(slab)
    assert found.electrons == pytest.approx(2.0)
    assert found.metal["partly oxidised"] > 0
    assert found.metal["dissolved"] == 0
    assert found.solids == {}
    assert found.single == 1
    assert found.kinds[-1] == "O2-"


def test_a_crystal_on_the_metal_is_told_from_it():
    """Four layers of NaF above the slab, out of its reach: both keep what they are alone."""
    slab = sodium_slab()
    salt = CRYSTALS["NaF"].build() * (3, 3, 1)
    salt.pbc = False
    salt.cell = None
    salt.translate([0, 0, slab.positions[:, 2].max() + 4.5])
    both = slab + salt
    both.cell[2, 2] += 14.0
    both.cell[0, 0] = both.cell[1, 1] = 17.16
    found = take(both)
    assert found.metal["metal"] == 80
    assert found.metal["in solid"] == 36
    assert found.solids == {"NaF": 36}
    assert {found.kinds[k] for k in range(80)} == {"metal"}
    assert {found.kinds[k] for k in range(80, len(both))} == {"in solid", "NaF"}


def test_gas_is_counted_where_it_is_free_of_the_metal():
    slab = sodium_slab()
    top = slab.positions[:, 2].max()
    hydrogen, ethylene, adsorbed = molecule("H2"), molecule("C2H4"), molecule("CO")
    hydrogen.translate([4, 4, top + 5])
    ethylene.translate([10, 10, top + 6])
    adsorbed.translate([13, 4, top + 2.0])
    found = take(slab + hydrogen + ethylene + adsorbed)
    assert {name: found.gas.get(name) for name in ("H2", "C2H4")} == {"H2": 1, "C2H4": 1}


def test_each_molecule_and_metal_atom_has_one_anchor():
    water = molecule("H2O")
    atoms = Atoms("Na", [[5, 0, 0]]) + water
    bonds = connect(atoms)
    found = anchors(species_of_frame(atoms, bonds), bonds)
    assert [atoms.symbols[k] for k in found] == ["Na", "O"]
