"""Any ASE calculator as a reference: what is taken from it and what becomes of its errors."""

import sys

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms

from aofl.errors import ReferenceFailed
from aofl.reference import AseReference, Reference, check_label
from aofl.reference.quality import LabelLimits


class Smeared(Calculator):
    """A calculator that gives a free energy without declaring it, and charges."""

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results = {
            "energy": -1.0,
            "free_energy": -1.5,
            "forces": np.zeros((len(atoms), 3)),
            "charges": np.full(len(atoms), 0.25),
        }


class Broken(Calculator):
    implemented_properties = ("energy", "forces")

    def calculate(self, *_args, **_kwargs):
        raise ZeroDivisionError("inside the code")


def test_energy_forces_and_stress_are_the_calculators():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=1)
    label = AseReference(EMT()).label(atoms)
    atoms.calc = EMT()
    assert label.energy == atoms.get_potential_energy()
    assert np.array_equal(label.forces, atoms.get_forces())
    assert np.array_equal(label.stress, atoms.get_stress())
    assert label.charges is None
    check_label(label, atoms, limits=LabelLimits())


def test_a_stress_that_is_not_wanted_is_not_asked_for():
    assert AseReference(EMT(), with_stress=False).label(bulk("Cu")).stress is None


def test_a_molecule_has_no_stress():
    assert AseReference(EMT()).label(molecule("H2O")).stress is None


def test_constraints_and_the_callers_atoms_are_left_alone():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=1)
    free = AseReference(EMT()).label(atoms)
    atoms.set_constraint(FixAtoms([0, 1]))
    fixed = AseReference(EMT()).label(atoms)
    assert np.array_equal(fixed.forces, free.forces)
    assert np.abs(fixed.forces[0]).max() > 0.01
    assert len(atoms.constraints) == 1
    assert atoms.calc is None


def test_the_free_energy_and_the_charges_are_taken_where_they_are_given():
    label = AseReference(Smeared()).label(molecule("H2O"))
    assert label.energy == -1.5
    assert label.charges.tolist() == [0.25, 0.25, 0.25]


def test_labels_do_not_share_memory_with_the_calculator():
    calculator = EMT()
    label = AseReference(calculator).label(molecule("H2O"))
    kept = label.forces.copy()
    calculator.results["forces"] += 1.0
    assert np.array_equal(label.forces, kept)


def test_any_error_becomes_one_clear_sentence():
    with pytest.raises(ReferenceFailed, match="Broken gave no label for OH2: inside the code") as e:
        AseReference(Broken()).label(molecule("H2O"))
    assert isinstance(e.value.__cause__, ZeroDivisionError)


def test_the_description_is_json():
    reference: Reference = AseReference(EMT(), elements=frozenset({"Cu"}))
    assert reference.describe()["code"] == "EMT"
    assert reference.elements_supported() == {"Cu"}
    assert not reference.is_semi_empirical
    given = {"code": "mine", "version": "1", "method": "PBE", "settings": {}}
    assert AseReference(EMT(), description=given).describe() == given


class Remembering(Smeared):
    """A calculator that carries something on, until it is reset."""

    carried = 0

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.carried += 1

    def reset(self):
        super().reset()
        self.carried = 0


def test_a_careful_label_resets_the_calculator_and_computes_again():
    calculator = Remembering()
    reference = AseReference(calculator)
    reference.label(molecule("H2O"))
    reference.label(molecule("H2"))
    assert calculator.carried == 2
    reference.label(molecule("H2"), careful=True)
    assert calculator.carried == 1


class Ending(Smeared):
    """A calculator that ends its script."""

    def calculate(self, *args, **kwargs):
        sys.exit(3)


def test_a_calculator_that_ends_python_ends_one_label():
    with pytest.raises(
        ReferenceFailed, match=r"Ending gave no label for OH2: it called sys.exit\(3\)"
    ):
        AseReference(Ending()).label(molecule("H2O"))
