"""Forces against energies: right ones pass, wrong ones do not."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import molecule
from ase.constraints import FixAtoms

from aofl.errors import ReferenceFailed
from aofl.reference.spot_check import numerical_force, spot_check


def test_the_numerical_force_is_the_force(emt, copper):
    label = emt.label(copper)
    for atom, axis in ((0, 0), (1, 1), (6, 2)):
        found = numerical_force(emt.label, copper, atom, axis)
        assert found == pytest.approx(label.forces[atom, axis], abs=1e-4)


def test_frozen_atoms_are_displaced_like_all_others(emt, copper):
    free = numerical_force(emt.label, copper, 0, 0)
    copper.set_constraint(FixAtoms([0]))
    assert numerical_force(emt.label, copper, 0, 0) == free


def test_the_error_falls_with_the_square_of_the_step(emt):
    water = molecule("H2O")
    exact = emt.label(water).forces[1, 1]
    errors = [numerical_force(emt.label, water, 1, 1, step) - exact for step in (0.02, 0.01)]
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_a_right_label_passes_and_a_wrong_one_does_not(emt, copper, seed):
    label = emt.label(copper)
    rng = np.random.default_rng
    assert abs(spot_check(emt.label, copper, label, tolerance=1e-3, rng=rng(seed))) < 1e-3
    wrong = replace(label, forces=label.forces + 0.05)
    with pytest.raises(ReferenceFailed, match=r"off the slope of the energy, more than 0\.01"):
        spot_check(emt.label, copper, wrong, tolerance=0.01, rng=rng(seed))


def test_a_number_that_is_none_fails(emt, copper):
    label = emt.label(copper)
    broken = replace(label, forces=np.full_like(label.forces, np.nan))
    with pytest.raises(ReferenceFailed):
        spot_check(emt.label, copper, broken, tolerance=1.0, rng=np.random.default_rng(0))
