"""GFN-xTB labels: right, reproducible bit for bit, and honest about failure."""

import builtins
import json
import re

import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc100, bulk, molecule
from ase.constraints import FixAtoms

from aofl.config.references import TbliteConfig
from aofl.errors import ConfigError, ReferenceFailed, StructureError
from aofl.reference import LabelLimits, Reference, TbliteReference, TbliteSettings
from aofl.reference.codes.tblite import ATTEMPTS, has_bulk_na
from aofl.workflows.assemble import make_reference


def interface():
    """Na(100) with one water above it, rattled."""
    slab = bcc100("Na", (2, 2, 4), a=4.2, vacuum=5.0)
    water = molecule("H2O")
    water.translate(slab.positions.max(axis=0) - water.positions[0] + np.array([0.0, 0.0, 2.6]))
    atoms = slab + water
    atoms.pbc = True
    atoms.rattle(0.1, seed=0)
    return atoms


@pytest.fixture(scope="module")
def reference() -> Reference:
    return TbliteReference()


def assert_identical(one, two):
    assert one.energy == two.energy
    assert one.forces.tobytes() == two.forces.tobytes()
    assert one.charges.tobytes() == two.charges.tobytes()


def finite_difference(reference, atoms, atom, axis, h=0.005):
    """Minus the derivative of the energy, from four points: two are 5e-4 eV/Å off for O-H."""
    energies = {}
    for steps in (-2, -1, 1, 2):
        moved = atoms.copy()
        moved.positions[atom, axis] += steps * h
        energies[steps] = reference.label(moved).energy
    return -(8 * (energies[1] - energies[-1]) - (energies[2] - energies[-2])) / (12 * h)


def test_water_in_vacuum(reference):
    label = reference.label(molecule("H2O"))
    assert label.energy == pytest.approx(-156.9675, abs=1e-3)  # the value of tblite's own docs
    assert label.stress is None
    assert label.charges[0] == pytest.approx(-0.666, abs=1e-2)
    assert label.attempts == 1
    assert label.seconds > 0


def test_water_in_a_box_is_water_in_vacuum_with_a_stress(reference):
    label = reference.label(molecule("H2O", vacuum=10.0, pbc=True))
    assert label.energy == pytest.approx(reference.label(molecule("H2O")).energy, abs=0.02)
    assert label.stress.shape == (6,)


@pytest.mark.parametrize(("atom", "axis"), [(15, 2), (16, 2), (17, 1)])
def test_forces_are_minus_the_gradient(reference, atom, axis):
    atoms = interface()
    force = reference.label(atoms).forces[atom, axis]
    assert abs(force) > 0.01
    assert force == pytest.approx(finite_difference(reference, atoms, atom, axis), abs=1e-4)


def test_labels_do_not_depend_on_what_was_labelled_before(reference):
    atoms = interface()
    first = reference.label(atoms)
    for seed in range(3):
        other = atoms.copy()
        other.rattle(0.1, seed=seed)
        reference.label(other[: 19 - seed])
    assert_identical(reference.label(atoms), first)
    assert_identical(TbliteReference().label(atoms), first)


def test_constraints_charges_and_moments_of_the_atoms_do_not_change_labels(reference):
    atoms = interface()
    free = reference.label(atoms)
    atoms.set_constraint(FixAtoms(range(8)))
    atoms.set_initial_charges(np.ones(19))
    atoms.set_initial_magnetic_moments(np.ones(19))
    assert_identical(reference.label(atoms), free)
    assert np.abs(free.forces[:8]).max() > 0.01


@pytest.mark.parametrize("attempt", ATTEMPTS[1:])
def test_no_attempt_changes_the_answer(reference, attempt, monkeypatch):
    atoms = interface()
    plain = reference.label(atoms)
    monkeypatch.setattr("aofl.reference.codes.tblite.ATTEMPTS", (attempt,))
    other = reference.label(atoms)
    assert other.energy == pytest.approx(plain.energy, abs=1e-7)
    assert other.forces == pytest.approx(plain.forces, abs=1e-3)


def test_a_failed_attempt_is_followed_by_the_next_and_counted(reference, monkeypatch):
    hopeless = {"annealing": (0.02, 10, 1000)}  # never back at the temperature asked for
    monkeypatch.setattr("aofl.reference.codes.tblite.ATTEMPTS", (hopeless, {}))
    label = reference.label(molecule("H2O"))
    assert label.attempts == 2
    monkeypatch.undo()
    assert_identical(label, reference.label(molecule("H2O")))


def test_an_scf_that_never_converges_is_one_clear_sentence(capfd):
    reference = TbliteReference(TbliteSettings(max_iterations=1))
    with pytest.raises(ReferenceFailed, match=r"GFN1-xTB gave no label for OH2 in 4 attempts"):
        reference.label(molecule("H2O"))
    assert capfd.readouterr() == ("", "")


def test_labels_that_break_the_limits_are_refused():
    with pytest.raises(ReferenceFailed, match=r"more than 1e-05 eV/Å"):
        TbliteReference(limits=LabelLimits(force=1e-5)).label(molecule("H2O"))


def test_atoms_on_top_of_each_other_fail_cleanly(reference):
    with pytest.raises(ReferenceFailed):
        reference.label(Atoms("H2", [(0, 0, 0), (0, 0, 0)]))


@pytest.mark.parametrize("symbol", ["U", "X"])
def test_unknown_elements_are_named_before_any_run(reference, symbol):
    with pytest.raises(StructureError, match=f"no parameters for {symbol}; it knows H to Rn"):
        reference.label(Atoms([symbol, "O"], [(0, 0, 0), (0, 0, 2)]))


def test_the_level_of_theory_is_what_changes_the_answer(reference):
    described = reference.describe()
    assert json.loads(json.dumps(described)) == described
    assert described["method"] == "GFN1-xTB"
    assert TbliteReference(TbliteSettings(max_iterations=9, threads=2)).describe() == described
    assert TbliteReference(TbliteSettings(method="GFN2-xTB")).describe() != described
    assert TbliteReference(TbliteSettings(electronic_temperature=3e3)).describe() != described
    assert reference.is_semi_empirical
    assert {"H", "Na", "Rn"} < reference.elements_supported()
    assert "U" not in reference.elements_supported()


WATER = molecule("H2O", vacuum=3.0, pbc=True)


@pytest.mark.parametrize(
    ("atoms", "is_metal"),
    [
        (interface(), True),
        (bulk("Na", "bcc", a=4.23, cubic=True), True),
        (bulk("Na", "bcc", a=4.5, cubic=True), True),
        (bulk("NaCl", "rocksalt", a=5.64, cubic=True), False),
        (WATER, False),
        (WATER + Atoms("Na", [(0.5, 0.5, 0.5)]), False),
        (Atoms("Na2", [(0, 0, 0), (3.1, 0, 0)]), False),
    ],
)
def test_sodium_metal_is_told_from_salt_ion_and_molecule(atoms, is_metal):
    assert has_bulk_na(atoms) is is_metal


def test_a_metal_cell_that_moves_is_warned_of_once_with_numbers(reference, caplog):
    fixed = interface()
    reference = TbliteReference()
    reference.label(fixed)
    reference.label(fixed)
    assert not caplog.records
    for strain in (1.01, 1.02):
        strained = fixed.copy()
        strained.set_cell(fixed.cell * strain, scale_atoms=True)
        reference.label(strained)
    (record,) = caplog.records
    for words in ("Na16OH2", "+3.03 %", "GFN1-xTB", "5.5 Å", "4.23 Å", "9.4 GPa", "fix the cell"):
        assert words in record.getMessage()


def test_another_system_and_a_salt_are_not_warned_of(caplog):
    reference = TbliteReference()
    salt = bulk("NaCl", "rocksalt", a=5.64)
    for scale in (1.0, 1.02):
        moved = salt.copy()
        moved.set_cell(salt.cell * scale, scale_atoms=True)
        reference.label(moved)
    reference.label(interface())
    reference.label(interface()[:18])
    assert not caplog.records


def test_a_careful_label_takes_another_way(reference):
    plain, careful = reference.label(interface()), reference.label(interface(), careful=True)
    assert careful.energy == pytest.approx(plain.energy, abs=1e-7)
    assert careful.energy != plain.energy


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("libgomp.so.1: cannot open shared object file", "apt install libgomp1"),
        ("undefined symbol: tblite_new", "pip install --force-reinstall tblite"),
    ],
)
def test_a_library_that_is_missing_is_named_with_what_to_do(reason, advice, monkeypatch):
    """As in an image of Debian without libgomp1: tblite itself does not say which it is."""
    own = builtins.__import__

    def without_library(name: str, *rest: object) -> object:
        if name == "tblite.ase":
            raise ImportError("C extension unimportable") from ImportError(reason)
        return own(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_library)
    with pytest.raises(ConfigError, match=re.escape(f"({reason}): run `{advice}`")):
        TbliteReference()


def test_the_charge_of_the_configuration_is_that_of_the_label(tmp_path):
    ion = Atoms("OH", [[0, 0, 0], [0, 0, 0.97]], cell=[9, 9, 9], pbc=True)
    label = make_reference(TbliteConfig(charge=-1), tmp_path).label(ion)
    assert label.charges.sum() == pytest.approx(-1.0, abs=1e-3)
    neutral = make_reference(TbliteConfig(), tmp_path).describe()
    assert neutral["settings"]["charge"] == 0.0
    assert make_reference(TbliteConfig(charge=-1), tmp_path).describe() != neutral
