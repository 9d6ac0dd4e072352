"""Hydrogen bonds of a water dimer, of hydroxide in water, through boundaries, and none."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from aofl.analysis.hydrogen_bonds import HydrogenBond, hydrogen_bonds

WATER = frozenset({(0, 1), (0, 2), (3, 4), (3, 5)})


def bonds(atoms: Atoms, covalent: frozenset[tuple[int, int]] = WATER) -> list[HydrogenBond]:
    return hydrogen_bonds(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, covalent)


def dimer(distance: float, tilt: float = 0.0) -> Atoms:
    """The first water donates along x; the O-H bond is `tilt` degrees off the O...O line."""
    first = Atoms("OHH", [[0, 0, 0], [0.97, 0, 0], [-0.24, 0.94, 0]])
    first.rotate(tilt, "z")
    second = Atoms("OHH", [[0, 0, 0], [0.59, 0.76, 0], [0.59, -0.76, 0]])
    second.translate([distance, 0, 0])
    return first + second


def test_the_water_dimer_has_one_bond_with_its_distance_and_angle():
    (bond,) = bonds(dimer(2.95, tilt=8.0))
    assert (bond.donor, bond.hydrogen, bond.acceptor) == (0, 1, 3)
    assert bond.distance == pytest.approx(2.95)
    assert bond.angle == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("distance", "tilt", "n"), [(3.49, 0, 1), (3.51, 0, 0), (2.9, 29, 1), (2.9, 31, 0)]
)
def test_both_limits(distance: float, tilt: float, n: int):
    assert len(bonds(dimer(distance, tilt))) == n


@pytest.mark.parametrize("pbc", [(1, 1, 1), (1, 0, 0)])
def test_through_a_boundary_with_atoms_wrapped_or_not(pbc: tuple[int, int, int]):
    atoms = dimer(2.9)
    atoms.cell, atoms.pbc = np.array([[8.0, 0, 0], [2, 8, 0], [0, 0, 8]]), pbc
    atoms.translate([-1.5, 0, 0])
    before = bonds(atoms)
    atoms.wrap()
    assert len(before) == 1
    assert [(b.donor, b.acceptor) for b in bonds(atoms)] == [(0, 3)]
    assert bonds(atoms)[0].distance == pytest.approx(before[0].distance)


def test_hydroxide_accepts_and_methane_does_not_donate():
    atoms = dimer(2.7)[:5]  # H2O and OH
    assert len(bonds(atoms, frozenset({(0, 1), (0, 2), (3, 4)}))) == 1
    assert bonds(molecule("CH4"), frozenset({(0, 1), (0, 2), (0, 3), (0, 4)})) == []
    assert bonds(Atoms("Na2", [[0, 0, 0], [0, 0, 3]]), frozenset()) == []
