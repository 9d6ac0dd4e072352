"""Training and evaluating on labels at hand, and the force field as a plain ASE calculator."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from aofl.errors import ModelError
from aofl.forcefield.evaluation import evaluate
from aofl.forcefield.model import ForceField
from aofl.forcefield.train import reference_energies, train
from aofl.records import Label, LabelledStructure


def labelled(seed: int, n_aluminium: int = 2, al_energy: float = 0.0) -> LabelledStructure:
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True) * (2, 1, 1)
    rng = np.random.default_rng(seed)
    atoms.numbers[rng.permutation(8)[:n_aluminium]] = 13
    atoms.positions += rng.normal(scale=0.08, size=(8, 3))
    atoms.calc = EMT()
    label = Label(
        energy=atoms.get_potential_energy() + al_energy * n_aluminium,
        forces=atoms.get_forces(),
        stress=atoms.get_stress(),
    )
    return LabelledStructure(
        numbers=atoms.numbers.astype(np.int64),
        positions=atoms.positions,
        cell=atoms.cell.array,
        pbc=atoms.pbc,
        label=label,
    )


@pytest.fixture(scope="module")
def trained() -> ForceField:
    return train([labelled(k) for k in range(80)], "fast")


def test_a_trained_force_field_is_right_and_knows_how_right(trained: ForceField) -> None:
    found = evaluate(trained, [labelled(k) for k in range(100, 130)])
    assert found.forces_rmse < 0.1
    assert found.energy_rmse_per_atom < 0.01
    for errors in found.by_element.values():
        assert 0.78 <= errors.coverage_90 <= 0.98
    assert set(found.to_json()) >= {
        "forces_rmse", "energy_rmse_per_atom", "energy_shift_per_atom", "coverage_90", "by_element"
    }  # fmt: skip


def test_training_does_not_depend_on_the_scale_of_the_energies() -> None:
    """Elements far apart in energy, as in all-electron codes, are told apart beforehand."""
    near = train([labelled(k, k % 4) for k in range(16)], "fast")
    far = train([labelled(k, k % 4, al_energy=-2000.0) for k in range(16)], "fast")
    test = labelled(99, 3)
    atoms = Atoms(test.numbers, test.positions, cell=test.cell, pbc=True)
    one, two = near.predict(atoms), far.predict(atoms)
    np.testing.assert_allclose(one.forces, two.forces, atol=1e-6)
    assert two.energy == pytest.approx(one.energy - 6000.0, abs=1e-5)


def test_reference_energies_of_one_composition_share_the_mean() -> None:
    labels = [labelled(k) for k in range(4)]
    found = reference_energies(labels, np.array([13, 29]))
    mean = np.mean([e.label.energy for e in labels])
    assert 2 * found[0] + 6 * found[1] == pytest.approx(mean)


def test_no_labels_is_an_error() -> None:
    with pytest.raises(ModelError, match="no labels"):
        train([])


def test_it_is_a_plain_ase_calculator(trained: ForceField, tmp_path) -> None:
    trained.save(tmp_path / "model.h5")
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True)
    atoms.numbers[0] = 13
    atoms.rattle(0.05, rng=np.random.default_rng(0))
    atoms.calc = ForceField.load(tmp_path / "model.h5")
    assert atoms.get_forces().shape == (4, 3)
    assert atoms.get_potential_energy() == pytest.approx(atoms.get_potential_energies().sum())
    assert atoms.get_stress().shape == (6,)
    sigma = atoms.calc.get_property("forces_uncertainty", atoms)
    assert sigma.shape == (4, 3)
    assert np.all(sigma > 0)
    atomic = atoms.calc.get_property("atomic_uncertainty", atoms)
    np.testing.assert_allclose(atomic, np.sqrt(np.mean(sigma**2, axis=1)))
    step = 1e-4
    before = atoms.get_forces()[2, 1]
    atoms.positions[2, 1] += step
    up = atoms.get_potential_energy()
    atoms.positions[2, 1] -= 2 * step
    down = atoms.get_potential_energy()
    assert before == pytest.approx(-(up - down) / (2 * step), abs=1e-6)


def test_results_of_before_a_label_are_forgotten() -> None:
    force_field = ForceField(["Cu", "Al"], "fast")
    entry = labelled(0)
    atoms = Atoms(entry.numbers, entry.positions, cell=entry.cell, pbc=True, calculator=force_field)
    untrained = atoms.get_forces()
    force_field.learn(atoms, dataclasses.replace(entry.label))
    assert not np.allclose(untrained, atoms.get_forces())
