"""The repulsion: its formula near the nuclei, its end, its derivatives."""

import itertools

import numpy as np
import pytest
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii

from aofl.ace.neighbors import find_neighbors
from aofl.forcefield.baseline import INNER, OUTER, repulsion

STEP = 1e-4
PAIRS = list(itertools.combinations(["H", "C", "O", "F", "P"], 2))


def evaluate(atoms: Atoms):
    near = find_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, 5.0)
    found = repulsion(near, atoms.numbers.astype(np.int64))
    return found.energies.sum(), found.forces, found.virial


def pair(first: str, second: str, distance: float) -> Atoms:
    return Atoms([first, second], [[0, 0, 0], distance * np.array([2.0, 3.0, 6.0]) / 7])


def pair_energy(first: str, second: str, distance: float) -> float:
    return evaluate(pair(first, second, distance))[0]


def reach(first: str, second: str) -> float:
    return covalent_radii[[atomic_numbers[first], atomic_numbers[second]]].sum()


@pytest.fixture
def crowd() -> Atoms:
    """Six atoms in a cell, many of them too close, some through the walls."""
    cell = [[2.6, 0, 0], [0.4, 2.8, 0], [0.3, -0.2, 2.7]]
    positions = np.random.default_rng(2).uniform(0, 2.7, (6, 3))
    return Atoms("NaOHCNaO", positions=positions, cell=cell, pbc=True)


def zbl(z1: int, z2: int, r: float) -> float:
    x = r * (z1**0.23 + z2**0.23) / 0.4685
    phi = 0.18175 * np.exp(-3.1998 * x) + 0.50986 * np.exp(-0.94229 * x)
    phi += 0.28022 * np.exp(-0.4029 * x) + 0.02817 * np.exp(-0.20162 * x)
    return 14.399645 * z1 * z2 / r * phi


@pytest.mark.parametrize(("first", "second"), [("H", "H"), ("Na", "O"), ("C", "F")])
def test_energy_is_the_published_one_below_the_fade(first, second):
    r = 0.99 * INNER * reach(first, second)
    expected = zbl(atomic_numbers[first], atomic_numbers[second], r)
    assert pair_energy(first, second, r) == pytest.approx(expected, rel=1e-9)


def test_forces_are_minus_the_gradient(crowd):
    energy, forces, _ = evaluate(crowd)
    assert energy > 1
    numeric = np.empty_like(forces)
    for i, d in np.ndindex(*forces.shape):
        found = []
        for k in (-2, -1, 1, 2):
            moved = crowd.copy()
            moved.positions[i, d] += k * STEP
            found.append(evaluate(moved)[0])
        numeric[i, d] = -(8 * (found[2] - found[1]) - found[3] + found[0]) / (12 * STEP)
    np.testing.assert_allclose(forces, numeric, atol=1e-7 * np.abs(forces).max())


def test_virial_is_the_strain_derivative(crowd):
    _, _, virial = evaluate(crowd)
    for k, (a, b) in enumerate([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]):
        strain = np.zeros((3, 3))
        strain[a, b] = 0.5
        strain = STEP / 10 * (strain + strain.T)
        found = []
        for sign in (-1, 1):
            strained = crowd.copy()
            strained.set_cell(crowd.cell.array @ (np.eye(3) + sign * strain), scale_atoms=True)
            found.append(evaluate(strained)[0])
        numeric = (found[1] - found[0]) / (2 * STEP / 10)
        assert virial[k] == pytest.approx(numeric, abs=1e-6 * np.abs(virial).max())


BONDS = [("H", "H", 0.74), ("O", "H", 0.94), ("C", "H", 1.06), ("C", "C", 1.50), ("C", "O", 1.40),
         ("P", "F", 1.56), ("Na", "O", 2.2), ("Na", "F", 2.2), ("Na", "Na", 3.0), ("Na", "H", 1.85),
         ("Al", "Cu", 2.4)]  # fmt: skip
# Carbonates, ethylene, acetonitrile, sulfonyl imides, phosphates; NaF and NaOH as molecules.
SHORT_BONDS = [("C", "O", 1.20), ("C", "C", 1.33), ("C", "N", 1.16), ("S", "O", 1.43),
               ("P", "O", 1.48), ("Na", "F", 1.93), ("Na", "O", 1.95)]  # fmt: skip


@pytest.mark.parametrize(("first", "second", "length"), BONDS)
def test_bonds_do_not_feel_it(first, second, length):
    energy, forces, _ = evaluate(pair(first, second, length))
    assert energy == 0
    assert np.all(forces == 0)


@pytest.mark.parametrize(("first", "second", "length"), SHORT_BONDS)
def test_short_bonds_do_not_feel_it(first, second, length):
    assert pair_energy(first, second, length) == 0


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_half_an_angstrom_is_pushed_apart(first, second):
    energy, forces, _ = evaluate(pair(first, second, 0.5))
    direction = np.array([2.0, 3.0, 6.0]) / 7
    assert energy > 0.5
    assert forces[1] @ direction > 10
    np.testing.assert_allclose(forces[0], -forces[1], atol=1e-12)


@pytest.mark.parametrize("fraction", [INNER, OUTER])
def test_energy_and_force_are_continuous_at_both_ends_of_the_fade(fraction):
    r = fraction * reach("Na", "O")
    found = [evaluate(pair("Na", "O", r + x)) for x in (-1e-7, 0.0, 1e-7)]
    energies, forces = [f[0] for f in found], np.array([f[1][1] for f in found])
    np.testing.assert_allclose(energies, energies[1], atol=1e-7 * np.abs(forces).max() + 1e-12)
    np.testing.assert_allclose(forces, np.tile(forces[1], (3, 1)), atol=1e-3 * fraction)


def test_it_only_falls_with_the_distance():
    energies = [pair_energy("O", "O", r) for r in np.linspace(0.2, 1.5, 200)]
    assert np.all(np.diff(energies) <= 0)
    assert energies[-1] == 0


def test_the_closest_pair_is_told_in_sums_of_covalent_radii():
    """H-H at 0.9 Å is relatively farther than Na-O at 1.7 Å; through a wall counts."""
    atoms = Atoms(
        "NaOHH", [[0, 0, 0.1], [0, 0, 8.4], [4, 4, 4], [4, 4, 4.9]], cell=[10] * 3, pbc=True
    )
    near = find_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, 3.0)
    first, second, relative = repulsion(near, atoms.numbers.astype(np.int64)).closest
    assert {first, second} == {0, 1}
    assert relative == pytest.approx(1.7 / reach("Na", "O"))
    alone = find_neighbors(np.zeros((1, 3)), np.zeros((3, 3)), np.zeros(3, dtype=bool), 5.0)
    assert repulsion(alone, np.array([11])).closest is None
