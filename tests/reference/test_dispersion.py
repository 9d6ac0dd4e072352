"""D3(BJ): the published form, in energy, forces and stress."""

import sys

import numpy as np
import pytest
from ase import Atoms
from ase.units import Bohr, Hartree

from aofl.errors import ConfigError
from aofl.records import Label
from aofl.reference.dispersion import D3


def zero(n, stress=None):
    return Label(energy=1.0, forces=np.zeros((n, 3)), stress=stress, seconds=0.5)


def test_a_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "dftd3.ase", None)
    with pytest.raises(ConfigError, match=r"pip install dftd3.*dispersion: null"):
        D3("PBE")


def argon(distance):
    return Atoms("Ar2", [(0, 0, 0), (distance, 0, 0)])


def test_far_apart_it_is_the_published_formula():
    pytest.importorskip("dftd3")
    # E = -C6 / r^6 there, with C6 = 64.65 a.u. of two argon atoms (the table of D3).
    d3 = D3("PBE")
    r = 16.0
    energy = d3.added_to(zero(2), argon(r)).energy - 1.0
    assert -energy / Hartree * (r / Bohr) ** 6 == pytest.approx(64.65, rel=0.05)


def test_forces_are_minus_the_gradient_and_the_rest_of_the_label_stays():
    pytest.importorskip("dftd3")
    d3 = D3("PBE")
    label = d3.added_to(zero(2), argon(4.0))
    up, down = (d3.added_to(zero(2), argon(4.0 + s * 1e-3)).energy for s in (1, -1))
    assert label.forces[1, 0] == pytest.approx(-(up - down) / 2e-3, abs=1e-6)
    assert label.forces[0, 0] == -label.forces[1, 0]
    assert label.stress is None
    assert label.seconds > 0.5


def test_the_stress_is_added_where_there_is_one():
    pytest.importorskip("dftd3")
    atoms = Atoms("Ar", cell=[5.3, 5.3, 5.3], pbc=True)
    d3 = D3("PBE")
    label = d3.added_to(zero(1, np.zeros(6)), atoms)
    energies = []
    for strain in (1e-4, -1e-4):
        strained = atoms.copy()
        strained.set_cell(atoms.cell * [[1 + strain], [1], [1]], scale_atoms=True)
        energies.append(d3.added_to(zero(1), strained).energy)
    slope = (energies[0] - energies[1]) / 2e-4 / atoms.get_volume()
    assert label.stress[0] == pytest.approx(slope, rel=1e-3)
