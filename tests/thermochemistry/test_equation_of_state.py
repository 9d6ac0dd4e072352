"""The equation of state on curves and crystals whose minimum is known."""

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.morse import MorsePotential

from aofl.thermochemistry.equation_of_state import equilibrium


def birch_murnaghan(v: np.ndarray, v0: float, b: float, derivative: float) -> np.ndarray:
    x = (v0 / v) ** (2 / 3)
    return 9 / 16 * v0 * b * ((x - 1) ** 3 * derivative + (x - 1) ** 2 * (6 - 4 * x))


def test_a_birch_murnaghan_curve_comes_back_exactly() -> None:
    v = 37.9 * np.linspace(0.85, 1.15, 7)
    found = equilibrium(v, birch_murnaghan(v, 38.4, 0.042, 4.3) - 7.25)
    assert found is not None
    assert found.volume == pytest.approx(38.4, rel=1e-7)
    assert found.bulk_modulus == pytest.approx(0.042, rel=1e-5)
    assert found.energy == pytest.approx(-7.25, abs=1e-8)
    assert found.residual < 1e-8


def test_one_energy_of_another_state_is_seen_in_the_residual() -> None:
    v = 37.9 * np.linspace(0.85, 1.15, 7)
    energies = birch_murnaghan(v, 38.4, 0.042, 4.3)
    energies[1] -= 0.5
    found = equilibrium(v, energies)
    assert found is None or found.residual > 0.05


def test_a_morse_crystal_has_its_lattice_constant_and_modulus() -> None:
    # Nearest neighbours only: the minimum of an fcc crystal is where the bond has its length, and
    # B = V E''(V) with 6 bonds an atom is (6 * 2 D alpha^2) r0^2 / (9 V).
    depth, alpha, r0 = 0.5, 1.5, 2.8
    calculator = MorsePotential(epsilon=depth, rho0=alpha * r0, r0=r0, rcut1=1.15, rcut2=1.3)
    scales = 1 + 0.01 * np.arange(-3, 4)
    volumes, energies = [], []
    for scale in scales:
        atoms = bulk("Cu", "fcc", a=scale * r0 * np.sqrt(2))
        atoms.calc = calculator
        volumes.append(atoms.get_volume())
        energies.append(atoms.get_potential_energy())
    found = equilibrium(np.array(volumes), np.array(energies))
    assert found is not None
    assert (4 * found.volume) ** (1 / 3) == pytest.approx(r0 * np.sqrt(2), rel=1e-4)
    expected = 12 * depth * alpha**2 * r0**2 / (9 * found.volume)
    assert found.bulk_modulus == pytest.approx(expected, rel=0.01)
    assert found.bulk_modulus / units.GPa > 1


@pytest.mark.parametrize("v0", [28.0, 42.0])
def test_a_curve_that_only_falls_or_rises_has_no_minimum(v0: float) -> None:
    v = np.linspace(30.0, 40.0, 7)
    assert equilibrium(v, birch_murnaghan(v, v0, 0.04, 4.0)) is None
