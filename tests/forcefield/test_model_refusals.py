"""What the force field refuses, in words, and that it is none the worse afterwards."""

import dataclasses

import numpy as np
import pytest
from ase import Atoms
from ff_toys import ELEMENTS, TINY, crystal, trained, truth

from aofl.errors import AoflError, ModelError
from aofl.forcefield.model import ForceField
from aofl.records import Label

FRAMES = [crystal(seed) for seed in range(5)]
OTHER = crystal(30)


@pytest.fixture
def young() -> ForceField:
    """One that learned two frames."""
    return trained(FRAMES[:2])


def test_an_unknown_element_is_named(young):
    with pytest.raises(ModelError, match=r"knows Al, Cu but the structure holds O"):
        young.predict(Atoms("CuO", [[0, 0, 0], [1.8, 0, 0]]))
    with pytest.raises(ModelError, match="holds Au"):
        young.absorb(Atoms("Au"), Label(energy=0.0, forces=np.zeros((1, 3))))


def test_an_unknown_accuracy_is_named():
    with pytest.raises(ModelError, match="'best' is not one of fast, standard, high"):
        ForceField(ELEMENTS, accuracy="best")


def test_a_symbol_that_is_no_element_is_named():
    with pytest.raises(ModelError, match="Qq"):
        ForceField(["Cu", "Qq"])


@pytest.mark.parametrize("elements", [[0], [500], [-1], ["X"], [29, 119], [1.5], [None]], ids=str)
def test_numbers_that_are_no_element_are_named(elements):
    with pytest.raises(ModelError, match=rf"{elements[-1]!r} is not an element.*'Na'.*1 to 118"):
        ForceField(elements, settings=TINY)


def test_a_force_field_of_nothing_is_refused():
    with pytest.raises(ModelError, match="at least one element"):
        ForceField([], settings=TINY)


def bad_labels() -> dict[str, Label]:
    good = truth(FRAMES[3])
    forces = good.forces.copy()
    forces[2, 1] = np.nan
    return {
        "energy": dataclasses.replace(good, energy=np.nan),
        "forces": dataclasses.replace(good, forces=forces),
        "stress": dataclasses.replace(good, stress=np.full(6, np.inf)),
    }


@pytest.mark.parametrize("kind", bad_labels())
def test_a_label_with_nan_is_refused_and_the_old_fit_stays(young, kind):
    before = young.predict(OTHER).forces
    with pytest.raises(ModelError, match="last label"):
        young.learn(FRAMES[3], bad_labels()[kind])
    np.testing.assert_array_equal(young.predict(OTHER).forces, before)


@pytest.mark.parametrize("kind", bad_labels())
def test_after_a_refused_label_it_goes_on_learning(young, kind):
    with pytest.raises(ModelError):
        young.learn(FRAMES[3], bad_labels()[kind])
    young.learn(FRAMES[4], truth(FRAMES[4]))
    assert young.n_labels == 3


def test_forces_of_the_wrong_shape_are_refused_without_a_trace(young):
    label = dataclasses.replace(truth(FRAMES[3]), forces=np.zeros((7, 3)))
    with pytest.raises(ModelError, match=r"shape \(7, 3\); expected \(8, 3\)"):
        young.learn(FRAMES[3], label)
    assert (young.data.statistics.count, young.data.n_forces) == (62, 48)
    assert young.n_labels == 2


def test_a_first_structure_with_an_unknown_element_sets_no_reference():
    learner = ForceField(ELEMENTS, settings=TINY)
    with pytest.raises(ModelError, match="Au"):
        learner.learn(Atoms("Au"), Label(energy=-9.0, forces=np.zeros((1, 3))))
    assert learner.reference_energies is None


def test_a_stress_of_the_wrong_shape_is_refused(young):
    label = dataclasses.replace(truth(FRAMES[3]), stress=np.zeros((3, 3)))
    with pytest.raises(ModelError, match="stress"):
        young.learn(FRAMES[3], label)


def test_positions_that_are_no_numbers_are_refused(young):
    atoms = OTHER.copy()
    atoms.positions[3, 1] = np.nan
    with pytest.raises(AoflError):
        young.predict(atoms)


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_two_atoms_in_one_place_are_refused(young):
    atoms = OTHER.copy()
    atoms.positions[0] = atoms.positions[1]
    with pytest.raises(AoflError):
        young.predict(atoms)
