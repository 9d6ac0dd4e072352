"""The model without electrons: forces are gradients, shapes are kept, nothing attracts."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms

from aofl.system import molecule
from aofl.system.engines import EnergyAndForces
from aofl.system.restraints import SoftContacts, bond_walls, contact_distances, shape_springs


def crowd() -> tuple[Atoms, np.ndarray]:
    """Two waters and a DME, too close, in a small periodic cell with two sodium atoms."""
    parts = [molecule("H2O"), molecule("H2O"), molecule("DME")]
    slab = Atoms("Na2", positions=[[0, 0, 0], [3, 3, 0]])
    places = [(0.5, 0.5, 2.2), (2.0, 0.5, 3.0), (3.0, 3.0, 4.0)]
    atoms = slab
    for part, place in zip(parts, places, strict=True):
        part.translate(place)
        atoms = atoms + part
    atoms.set_cell([7.0, 7.5, 8.0])
    atoms.pbc = True
    numbers = np.repeat([-1, 0, 1, 2], [2, 3, 3, 16])
    return atoms, numbers


def templates() -> list[Atoms]:
    return [molecule("H2O"), molecule("H2O"), molecule("DME")]


@pytest.mark.parametrize("kind", ["springs", "walls", "contacts"])
def test_forces_are_the_gradient_of_the_energy(kind: str) -> None:
    atoms, numbers = crowd()
    atoms.rattle(0.15, seed=3)
    terms: dict[str, EnergyAndForces] = {
        "springs": shape_springs(templates(), 2),
        "walls": bond_walls(templates(), 2),
        "contacts": SoftContacts(molecule_of=numbers),
    }
    term = terms[kind]
    energy, forces = term(atoms)
    assert energy > 0
    np.testing.assert_allclose(forces.sum(axis=0), 0, atol=1e-10)
    for atom in range(len(atoms)):
        for axis in range(3):
            found = []
            for sign in (1, -1):
                moved = atoms.copy()
                moved.positions[atom, axis] += sign * 1e-5
                found.append(term(moved)[0])
            slope = -(found[0] - found[1]) / 2e-5
            assert forces[atom, axis] == pytest.approx(slope, abs=1e-5)


def test_molecules_at_rest_feel_no_springs_and_no_walls() -> None:
    atoms, _ = crowd()
    for term in (shape_springs(templates(), 2), bond_walls(templates(), 2)):
        energy, forces = term(atoms)
        assert energy == pytest.approx(0, abs=1e-20)
        np.testing.assert_allclose(forces, 0, atol=1e-10)


def test_walls_let_a_bond_vibrate() -> None:
    atoms = molecule("H2O")
    walls = bond_walls([molecule("H2O")], 0)
    bond = atoms.positions[1] - atoms.positions[0]
    for stretch, is_free in ((1.05, True), (0.95, True), (1.2, False), (0.8, False)):
        atoms.positions[1] = atoms.positions[0] + stretch * bond
        assert (walls(atoms)[0] == 0) is is_free


def test_contacts_end_at_their_distance_and_never_attract() -> None:
    reach = contact_distances(np.array([8, 11]))[0, 1]
    assert 2.4 < reach < 2.7  # Na...O of hydrated sodium is 2.4 Å
    pair = Atoms("ONa", positions=[[0, 0, 0], [reach + 1e-6, 0, 0]])
    contacts = SoftContacts(molecule_of=np.array([0, -1]))
    assert contacts(pair)[0] == 0
    pair.positions[1, 0] = reach - 0.2
    energy, forces = contacts(pair)
    assert energy == pytest.approx(0.5 * 6.0 * 0.2**2)
    assert forces[1, 0] > 0 > forces[0, 0]
