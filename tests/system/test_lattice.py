"""Lattice constants: relaxed with a calculator whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT

from aofl.errors import StructureError
from aofl.records import FloatArray
from aofl.system.engines import SumCalculator
from aofl.system.lattice import bulk_cell, lattice_of, relax_lattice, unit_cell


def emt(atoms: Atoms) -> tuple[float, FloatArray]:
    atoms.calc = EMT()
    return float(atoms.get_potential_energy()), atoms.get_forces()


def test_emt_finds_its_own_lattice_constant_of_aluminium() -> None:
    start = lattice_of("Al", "fcc", 4.2)
    found = relax_lattice(start, emt)
    grid = np.linspace(3.85, 4.15, 61)
    cell = unit_cell(start)
    energies = []
    for a in grid:
        cell.set_cell([a, a, a], scale_atoms=True)
        energies.append(emt(cell)[0])
    assert found.a == pytest.approx(grid[int(np.argmin(energies))], abs=0.02)
    assert (found.element, found.crystal) == ("Al", "fcc")


def test_a_reference_that_wants_another_metal_is_refused() -> None:
    def falling(atoms: Atoms) -> tuple[float, FloatArray]:
        return -float(atoms.get_volume()), np.zeros((len(atoms), 3))

    with pytest.raises(StructureError, match=r"no energy minimum of bcc Na .* towards 4\.8"):
        relax_lattice(lattice_of("Na", "bcc", None), falling)


@pytest.mark.parametrize(("element", "crystal"), [("Na", "bcc"), ("Al", "fcc"), ("Mg", "hcp")])
def test_the_bulk_cell_is_large_and_has_the_bulk_volume(element: str, crystal: str) -> None:
    lattice = lattice_of(element, crystal, None)
    one, many = unit_cell(lattice), bulk_cell(lattice, 9.0)
    assert many.cell.lengths().min() >= 9.0
    assert many.get_volume() / len(many) == pytest.approx(one.get_volume() / len(one))


def test_forces_of_a_sum_are_the_sum_of_forces() -> None:
    atoms = bulk_cell(lattice_of("Al", "fcc", None), 4.0)
    atoms.rattle(0.1, seed=2)
    energy, forces = emt(atoms.copy())
    atoms.calc = SumCalculator(emt_copy, emt_copy)
    assert atoms.get_potential_energy() == pytest.approx(2 * energy)
    np.testing.assert_allclose(atoms.get_forces(), 2 * forces)


def emt_copy(atoms: Atoms) -> tuple[float, FloatArray]:
    return emt(atoms.copy())
