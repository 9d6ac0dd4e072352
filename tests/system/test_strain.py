"""Start structures that tell of a fault: squeezed contacts and large forces."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc110, molecule
from ase.collections import g2

from aofl.system.strain import LARGE_FORCE, large_force, squeezed_contacts


@pytest.mark.parametrize("name", g2.names)
def test_molecules_as_they_are_have_no_squeezed_contact(name):
    assert squeezed_contacts(molecule(name)) == []


def test_a_metal_has_none():
    slab = bcc110("Na", (3, 3, 4), vacuum=8.0)
    slab.pbc = True
    assert squeezed_contacts(slab) == []


def test_the_closest_contact_of_each_two_elements_is_named():
    atoms = molecule("CH4")
    atoms.positions[1] *= 0.70
    atoms.positions[2] *= 0.72
    (said,) = squeezed_contacts(atoms)
    assert said == "C-H: atoms 0 and 1 are 0.76 Å apart, 0.71 of the sum of their covalent radii"


def test_contacts_through_a_wall_count():
    atoms = Atoms("NaO", [[0.1, 0, 0], [9.0, 0, 0]], cell=[10, 10, 10], pbc=True)
    (said,) = squeezed_contacts(atoms)
    assert said.startswith("Na-O: atoms 0 and 1 are 1.10 Å apart")


def test_the_largest_force_is_named_with_its_atom():
    forces = np.zeros((3, 3))
    forces[2] = [0.0, -34.0, 0.0]
    said = large_force(molecule("H2O"), forces)
    assert said is not None
    assert "force on atom 2 (H) is 34.0 eV/Å" in said
    assert large_force(molecule("H2O"), forces / 34.0 * LARGE_FORCE) is None
