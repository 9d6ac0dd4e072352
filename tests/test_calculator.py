"""A calculator notices every change of its atoms."""

import numpy as np
import pytest
from ase import Atoms

from aofl.calculator import Calculator


class Counting(Calculator):
    """A calculator that counts what it computes."""

    implemented_properties = ("energy",)

    def __init__(self) -> None:
        super().__init__()
        self.n = 0

    def calculate(self, atoms=None, properties=None, system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.n += 1
        self.results = {"energy": float(self.n)}


@pytest.fixture
def atoms() -> Atoms:
    atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.74]], cell=[5, 5, 5], pbc=True)
    atoms.calc = Counting()
    assert atoms.get_potential_energy() == atoms.get_potential_energy() == 1.0
    return atoms


def move(atoms: Atoms) -> None:
    atoms.positions[1, 2] += 1e-12


def make_sodium(atoms: Atoms) -> None:
    atoms.numbers[0] = 11


def stretch_cell(atoms: Atoms) -> None:
    atoms.cell[0, 0] += 1e-9


def open_boundary(atoms: Atoms) -> None:
    atoms.pbc[2] = False


def charge(atoms: Atoms) -> None:
    atoms.set_initial_charges([1.0, 0.0])


def lose(atoms: Atoms) -> None:
    del atoms[1]


def spoil(atoms: Atoms) -> None:
    atoms.positions[0, 0] = np.nan


@pytest.mark.parametrize(
    "change", [move, make_sodium, stretch_cell, open_boundary, charge, lose, spoil]
)
def test_it_computes_anew_after_each_change_and_then_not_again(atoms, change):
    change(atoms)
    assert atoms.get_potential_energy() == 2.0
    if change is not spoil:
        assert atoms.get_potential_energy() == 2.0
