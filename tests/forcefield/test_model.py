"""The force field learns a known potential and knows what it does not know."""

import dataclasses

import numpy as np
import pytest
from ase import Atoms
from ff_toys import ELEMENTS, TINY, crystal, force_error, trained, truth

from aofl.ace.evaluate import expand, force_rows
from aofl.ace.neighbors import find_neighbors
from aofl.errors import ModelError
from aofl.forcefield.deviation import UNTRAINED_STD
from aofl.forcefield.model import ForceField
from aofl.forcefield.rows import FORCES, NOISES
from aofl.records import Label

WAYS = ("exact", "sampled")
TRAIN = [crystal(seed) for seed in range(16)]
HELD_OUT = [crystal(seed) for seed in range(30, 37)]


@pytest.fixture(scope="module")
def force_field() -> ForceField:
    """One that learned twelve frames; tests only ask it."""
    return trained(TRAIN[:12])


@pytest.fixture
def young() -> ForceField:
    """One that learned two frames; tests may teach it."""
    return trained(TRAIN[:2])


def test_error_falls_with_the_labels():
    learner = ForceField(ELEMENTS, settings=TINY)
    errors = [force_error(learner, HELD_OUT)]
    for n, atoms in enumerate(TRAIN, 1):
        learner.learn(atoms, truth(atoms))
        if n in (1, 4, 16):
            errors.append(force_error(learner, HELD_OUT))
    typical = np.sqrt(np.mean([truth(atoms).forces ** 2 for atoms in HELD_OUT]))
    assert errors[0] == pytest.approx(typical)
    assert errors[1] < 0.3 * errors[0]
    assert errors[2] < 0.5 * errors[1]
    assert errors[3] < 0.7 * errors[2]
    assert errors[3] < 0.02


def test_energies_and_stresses_are_learned_too(force_field):
    found, known = [force_field.predict(a) for a in HELD_OUT], [truth(a) for a in HELD_OUT]
    energy = np.array([p.energy - k.energy for p, k in zip(found, known, strict=True)]) / 8
    assert np.std([k.energy / 8 for k in known]) > 0.01
    assert np.sqrt(np.mean(energy**2)) < 1e-3
    stress = np.array([p.stress - k.stress for p, k in zip(found, known, strict=True)])
    spread = np.std([k.stress for k in known])
    assert np.sqrt(np.mean(stress**2)) < 0.2 * spread


def test_weights_of_a_teacher_with_the_same_basis_are_found():
    """Labels without any noise from within the model: only the noise floor limits the fit."""
    teacher = trained(TRAIN[:6])
    student = ForceField(ELEMENTS, settings=TINY)
    for atoms in TRAIN:
        said = teacher.predict(atoms)
        student.learn(atoms, Label(energy=said.energy, forces=said.forces, stress=said.stress))
    errors = [student.predict(a).forces - teacher.predict(a).forces for a in HELD_OUT]
    assert np.sqrt(np.mean(np.square(errors))) < 0.25 * NOISES[FORCES]


def test_a_compressed_contact_can_be_learned():
    atoms = crystal(29)  # Cu-Cu at 2.15 Å, where the repulsion pushes with 1.7 eV/Å
    learner = trained([*TRAIN[:12], atoms])
    assert force_error(learner, [atoms]) < 0.05


def test_without_labels_it_repels_and_admits_to_know_nothing():
    untrained = ForceField(ELEMENTS, settings=TINY)
    for way in WAYS:
        said = untrained.predict(TRAIN[0], forces_std=way)
        assert said.forces_std.shape == (8, 3)
        assert np.all(said.forces_std == UNTRAINED_STD)
    assert np.all(said.forces == 0)
    close = untrained.predict(Atoms("CuAl", [[0, 0, 0], [1.0, 0, 0]]))
    assert close.energy > 1
    assert close.forces[1, 0] > 10
    assert untrained.force_noise == 0
    with pytest.raises(ModelError, match="no labels"):
        untrained.refit()


def test_sigma_of_a_structure_shrinks_when_it_is_learned(young):
    new = TRAIN[7]
    before = [young.predict(new, forces_std=way).forces_std for way in WAYS]
    young.learn(new, truth(new))
    after = [young.predict(new, forces_std=way).forces_std for way in WAYS]
    for now, then in zip(after, before, strict=True):
        assert now.mean() < 0.7 * then.mean()
    assert np.all(after[0] < before[0])
    # What was learned is known better than the noise of the labels.
    assert np.all(after[0] < young.force_noise)


@pytest.mark.parametrize("way", WAYS)
def test_sigma_is_larger_for_an_atom_out_of_its_place(force_field, way):
    for atoms in HELD_OUT:
        strange = atoms.copy()
        strange.positions[0] += [0.5, 0.3, 0]
        near, far = (force_field.predict(a, forces_std=way) for a in (atoms, strange))
        assert far.forces_std[0].mean() > 2 * near.forces_std[0].mean()


def test_exact_sigma_is_the_posterior_of_the_design_rows(force_field):
    """Against a dense covariance: t sqrt(x^T D A^-1 D x) of every force component."""
    force_field.refit()
    posterior, basis = force_field.learned.posterior, force_field.basis
    inverse = np.linalg.inv(posterior.factor.T @ posterior.factor)
    noise = force_field.learned.noise
    covariance = noise**2 * posterior.std[:, None] * inverse * posterior.std
    atoms = HELD_OUT[0]
    near = find_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, basis.cutoff)
    expansion = expand(basis, near, basis.species_index(atoms.numbers))
    rows = force_rows(basis, expansion, np.arange(8)).reshape(24, -1)
    n = basis.n_columns
    expected = np.sqrt(np.einsum("mp,pq,mq->m", rows, covariance[:n, :n], rows))
    found = force_field.predict(atoms, forces_std="exact").forces_std.ravel()
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_sampled_sigma_is_the_exact_one_to_the_scatter_of_its_samples(force_field):
    """Sixteen samples of three components give the deviation of an atom to about 10 %."""
    for atoms in (*HELD_OUT[:3], *TRAIN[:2]):
        exact, sampled = (
            np.sqrt(np.mean(force_field.predict(atoms, forces_std=way).forces_std ** 2, axis=1))
            for way in WAYS
        )
        np.testing.assert_allclose(sampled, exact, rtol=0.6)
        assert abs(np.mean(np.log(sampled / exact))) < 0.2


def test_learning_one_by_one_is_a_fit_of_all_at_once(force_field):
    force_field.refit()
    at_once = ForceField(ELEMENTS, settings=TINY)
    for atoms in TRAIN[:12]:
        at_once.absorb(atoms, truth(atoms))
    at_once.scales = force_field.scales
    at_once.refit()
    for atoms in HELD_OUT[:2]:
        left, right = (f.predict(atoms, forces_std="exact") for f in (at_once, force_field))
        assert left.energy == right.energy
        np.testing.assert_array_equal(left.forces, right.forces)
        np.testing.assert_array_equal(left.forces_std, right.forces_std)


def test_order_of_the_labels_does_not_matter(force_field):
    backwards = ForceField(ELEMENTS, settings=TINY)
    backwards.reference_energies = force_field.reference_energies  # it is that of the first label
    for atoms in reversed(TRAIN[:12]):
        backwards.absorb(atoms, truth(atoms))
    backwards.scales = force_field.scales
    backwards.refit()
    left, right = (f.predict(HELD_OUT[0]) for f in (backwards, force_field))
    np.testing.assert_allclose(left.forces, right.forces, rtol=0, atol=1e-9)
    assert left.energy == pytest.approx(right.energy, abs=1e-9)


def test_the_prior_is_set_by_the_first_labels_and_with_every_factorisation():
    learner, renewed = ForceField(ELEMENTS, settings=TINY), []
    for atoms in TRAIN[:12]:
        before = learner.scales
        learner.learn(atoms, truth(atoms))
        if learner.n_labels_at_refit == learner.n_labels:
            renewed.append(learner.n_labels)
        else:
            assert learner.scales is before
    assert renewed[:5] == [1, 2, 3, 4, 5]
    assert 5 < len(renewed) < 12


def test_the_noise_follows_the_labels_at_each_of_them():
    """Labels off by 0.3 eV/Å at random, after eight that are exact."""
    learner, rng = trained(TRAIN[:8]), np.random.default_rng(0)
    assert learner.force_noise == NOISES[FORCES]
    for atoms in TRAIN[8:12]:
        label, before = truth(atoms), learner.force_noise
        wrong = label.forces + rng.normal(0, 0.3, label.forces.shape)
        learner.learn(atoms, dataclasses.replace(label, forces=wrong))
        assert learner.force_noise > before


def test_a_constant_per_atom_changes_no_force(force_field):
    shifted = trained(TRAIN[:12], shift=1000.0)
    for atoms in HELD_OUT[:2]:
        left, right = (f.predict(atoms, forces_std="exact") for f in (shifted, force_field))
        np.testing.assert_allclose(left.forces, right.forces, rtol=0, atol=1e-8)
        np.testing.assert_allclose(left.forces_std, right.forces_std, rtol=1e-8)
        assert left.energy == pytest.approx(right.energy + 8 * 1000, abs=1e-7)


def test_energies_of_the_elements_are_told_apart_when_the_composition_varies():
    """Each Al atom costs 3 eV more than EMT says: forces are as good, energies follow."""
    frames = [crystal(s, aluminium=tuple(range(s % 4))) for s in range(12)]
    learner = ForceField(ELEMENTS, settings=TINY)
    for atoms in frames:
        label, n = truth(atoms), int(np.sum(atoms.numbers == 13))
        learner.learn(atoms, dataclasses.replace(label, energy=label.energy + 3.0 * n))
    for atoms in (crystal(30, (4,)), crystal(31, (2, 7, 5))):
        n = int(np.sum(atoms.numbers == 13))
        said, known = learner.predict(atoms), truth(atoms)
        assert said.energy == pytest.approx(known.energy + 3.0 * n, abs=0.25)
        assert np.abs(said.forces - known.forces).max() < 0.15


def test_elements_may_be_numbers_and_come_in_any_order():
    assert ForceField([29, 13, 29], settings=TINY).elements == ["Al", "Cu"]
    assert ForceField(["Al", "Cu"], settings=TINY).elements == ["Al", "Cu"]


@pytest.mark.parametrize("pbc", [[True, True, False], [False, False, False]], ids=str)
def test_stress_has_a_meaning_in_full_periodicity_only(force_field, young, pbc):
    atoms = TRAIN[9].copy()
    atoms.pbc = pbc
    assert np.all(force_field.predict(atoms).stress == 0)
    assert np.any(force_field.predict(TRAIN[9]).stress != 0)
    before = young.data.statistics.count
    label = truth(atoms)
    young.learn(atoms, dataclasses.replace(label, stress=np.ones(6)))
    assert young.data.statistics.count == before + 1 + 24
    assert young.data.n_forces == 3 * 24


def test_labels_may_lack_a_stress(young):
    before = young.data.statistics.count
    young.learn(TRAIN[5], dataclasses.replace(truth(TRAIN[5]), stress=None))
    assert young.data.statistics.count == before + 1 + 24
    assert young.n_labels == 3


def test_positions_need_not_be_wrapped(force_field):
    atoms = HELD_OUT[1]
    far = atoms.copy()
    far.positions += np.random.default_rng(0).integers(-3, 4, (8, 3)) @ atoms.cell.array
    left, right = (force_field.predict(a, forces_std="exact") for a in (atoms, far))
    assert left.energy == pytest.approx(right.energy, abs=1e-9)
    for name in ("forces", "stress", "forces_std"):
        np.testing.assert_allclose(getattr(left, name), getattr(right, name), rtol=0, atol=1e-9)


def test_environments_are_unit_vectors_that_compare_atoms(force_field):
    seen = force_field.environments(HELD_OUT[0])
    np.testing.assert_allclose(np.linalg.norm(seen, axis=1), 1, rtol=1e-12)
    turned = HELD_OUT[0].copy()
    turned.rotate(40, (1, 2, 3), rotate_cell=True)
    np.testing.assert_allclose(np.sum(seen * force_field.environments(turned), axis=1), 1)
    nudged = HELD_OUT[0].copy()
    nudged.positions[0, 0] += 0.2
    overlap = np.sum(seen * force_field.environments(nudged), axis=1)
    assert overlap[0] < 1 - 1e-3


def test_prediction_leaves_the_structure_and_itself_as_they_were(force_field):
    atoms = HELD_OUT[2]
    before = atoms.copy()
    first, second = (force_field.predict(atoms, forces_std="exact") for _ in range(2))
    assert atoms == before
    np.testing.assert_array_equal(first.forces, second.forces)
    np.testing.assert_array_equal(first.forces_std, second.forces_std)
    assert force_field.predict(atoms).forces_std is None
    assert first.energy == pytest.approx(first.energies.sum(), abs=1e-12)
