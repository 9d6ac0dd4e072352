"""What every force field promises, whatever its accuracy, its structure and what it learned."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from ase import Atoms
from scipy.spatial.transform import Rotation

from aofl.forcefield.model import ForceField
from aofl.records import Label, Prediction
from aofl.system import build_slab, pack

STEP = 3e-5
WAYS = ("exact", "sampled")
STENCIL = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))
VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def sodium_under_water() -> Atoms:
    slab = build_slab(element="Na", surface="bcc100", lattice_constant=4.29, size=(1, 1, 2))
    atoms = pack(slab, {"H2O": 2}, gap=7.0, min_distance=2.0, seed=1)
    atoms.rattle(0.05, rng=np.random.default_rng(0))
    return atoms


def triclinic() -> Atoms:
    """Two elements in a skewed cell narrower than the cutoff, one atom outside it."""
    cell = [[4.1, 0, 0], [0.9, 4.3, 0], [-0.7, 0.8, 4.0]]
    scaled = [[0.05, 0.1, -0.1], [0.5, 0.6, 0.1], [0.0, 1.4, 0.5], [1.55, 0.05, 0.6]]
    return Atoms("AlCuAlCu", scaled_positions=scaled, cell=cell, pbc=True)


def molecule() -> Atoms:
    """Methanol and a hydroxide, bent by hand, in open space."""
    positions = [[0, 0, 0], [1.4, 0.1, 0], [-0.4, 1.0, 0.1], [-0.4, -0.5, 0.9], [-0.3, -0.5, -0.9],
                 [1.7, 0.9, 0.3], [2.9, 2.4, 0.6], [3.7, 2.6, 1.1]]  # fmt: skip
    return Atoms("COHHHHOH", positions=positions)


STRUCTURES: dict[str, Callable[[], Atoms]] = {
    "sodium under water": sodium_under_water,
    "triclinic": triclinic,
    "molecule": molecule,
}


@dataclass(frozen=True)
class Subject:
    """A force field that learned two labels of some structure with random contents."""

    force_field: ForceField
    atoms: Atoms

    def predict(self, atoms: Atoms | None = None) -> Prediction:
        chosen = self.atoms if atoms is None else atoms
        return self.force_field.predict(chosen, forces_std="sampled")

    def sigma(self, way: str, atoms: Atoms | None = None) -> np.ndarray:
        chosen = self.atoms if atoms is None else atoms
        return self.force_field.predict(chosen, forces_std=way).forces_std

    def environments(self, atoms: Atoms | None = None) -> np.ndarray:
        return self.force_field.environments(self.atoms if atoms is None else atoms)


@pytest.fixture(
    scope="module",
    params=[(a, s) for a in ("fast", "standard") for s in STRUCTURES],
    ids=lambda pair: f"{pair[0]}-{pair[1]}",
)
def subject(request) -> Subject:
    """Labels are random: the promises hold for any weights, not for sensible ones only."""
    accuracy, name = request.param
    atoms = STRUCTURES[name]()
    rng = np.random.default_rng(7)
    force_field = ForceField(sorted(set(atoms.get_chemical_symbols())), accuracy)
    for _ in range(2):
        frame = atoms.copy()
        frame.rattle(0.05, rng=rng)
        forces = rng.normal(size=(len(atoms), 3))
        stress = rng.normal(0, 0.01, 6) if all(atoms.pbc) else None
        force_field.learn(frame, Label(energy=-4.0 * len(atoms), forces=forces, stress=stress))
    return Subject(force_field, atoms)


def assert_same(left, right, tolerance=1e-9):
    scale = max(1.0, float(np.abs(right).max()))
    np.testing.assert_allclose(left, right, rtol=0, atol=tolerance * scale)


def deformed(atoms: Atoms, matrix: np.ndarray) -> Atoms:
    copy = atoms.copy()
    copy.set_cell(atoms.cell.array @ matrix.T, scale_atoms=False)
    copy.positions = atoms.positions @ matrix.T
    return copy


def test_forces_are_minus_the_gradient_of_the_energy(subject):
    forces = subject.predict().forces
    assert np.abs(forces).max() > 0.1
    for i in range(0, len(subject.atoms), 2):
        for d in range(3):
            slope = 0.0
            for k, weight in STENCIL:
                moved = subject.atoms.copy()
                moved.positions[i, d] += k * STEP
                slope += weight * subject.predict(moved).energy / STEP
            assert forces[i, d] == pytest.approx(-slope, rel=1e-6, abs=1e-6 * np.abs(forces).max())


def test_stress_is_the_strain_derivative_of_the_energy(subject):
    stress = subject.predict().stress
    if not all(subject.atoms.pbc):
        np.testing.assert_array_equal(stress, 0)
        return
    for k, (a, b) in enumerate(VOIGT):
        slope = 0.0
        for m, weight in STENCIL:
            strain = np.zeros((3, 3))
            strain[a, b] += 0.5 * m * STEP
            strain[b, a] += 0.5 * m * STEP
            strained = deformed(subject.atoms, np.eye(3) + strain)
            slope += weight * subject.predict(strained).energy / STEP
        numeric = slope / subject.atoms.get_volume()
        assert stress[k] == pytest.approx(numeric, rel=1e-6, abs=1e-6 * np.abs(stress).max())


def test_atomic_energies_add_up_and_forces_balance(subject):
    said = subject.predict()
    assert said.energy == pytest.approx(said.energies.sum(), rel=1e-12)
    assert_same(said.forces.sum(axis=0), np.zeros(3))


def test_rotation_turns_vectors_and_nothing_else(subject):
    matrix = Rotation.from_euler("xyz", [0.4, -1.1, 2.0]).as_matrix()
    before, after = subject.predict(), subject.predict(deformed(subject.atoms, matrix))
    assert_same(after.energies, before.energies)
    assert_same(after.forces, before.forces @ matrix.T)
    turned = deformed(subject.atoms, matrix)
    assert_same(subject.environments(turned), subject.environments())
    for way in WAYS:
        lengths = [np.linalg.norm(subject.sigma(way, a), axis=1) for a in (turned, subject.atoms)]
        assert_same(*lengths)


def test_translation_and_wrapping_change_nothing(subject):
    for change in ("translate", "wrap"):
        other = subject.atoms.copy()
        if change == "translate":
            other.translate([13.3, -7.1, 0.9])
        else:
            other.wrap()
        before, after = subject.predict(), subject.predict(other)
        for name in ("energies", "forces", "stress"):
            assert_same(getattr(after, name), getattr(before, name))
        assert_same(subject.environments(other), subject.environments())


def test_permutation_permutes(subject):
    order = np.random.default_rng(0).permutation(len(subject.atoms))
    before, after = subject.predict(), subject.predict(subject.atoms[order])
    for name in ("energies", "forces"):
        assert_same(getattr(after, name), getattr(before, name)[order])
    assert_same(subject.environments(subject.atoms[order]), subject.environments()[order])
    assert_same(after.stress, before.stress)
    for way in WAYS:
        assert_same(subject.sigma(way, subject.atoms[order]), subject.sigma(way)[order])


def test_energy_is_extensive(subject):
    """Two copies: side by side in a longer cell, or far apart in open space."""
    atoms = subject.atoms
    if any(atoms.pbc):
        double = atoms.repeat((2, 1, 1))
    else:
        far = atoms.copy()
        far.translate([100, 0, 0])
        double = atoms + far
    before, after = subject.predict(), subject.predict(double)
    assert after.energy == pytest.approx(2 * before.energy, rel=1e-10)
    assert_same(after.forces, np.tile(before.forces, (2, 1)))
    assert_same(after.stress, before.stress)
    for way in WAYS:
        assert_same(subject.sigma(way, double), np.tile(subject.sigma(way), (2, 1)))


def test_sigma_is_finite_and_never_negative(subject):
    compressed = subject.atoms.copy()
    compressed.set_cell(0.8 * subject.atoms.cell.array)
    compressed.positions *= 0.8
    for atoms in (subject.atoms, compressed):
        for sigma in (subject.sigma(way, atoms) for way in WAYS):
            assert np.all(np.isfinite(sigma))
            assert np.all(sigma >= 0)
    assert subject.force_field.force_noise > 0


def test_saved_and_loaded_it_is_the_same(subject, tmp_path):
    subject.force_field.save(tmp_path / "model.h5")
    loaded = Subject(ForceField.load(tmp_path / "model.h5"), subject.atoms)
    before, after = subject.predict(), loaded.predict()
    assert after.energy == before.energy
    for name in ("energies", "forces", "stress"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    np.testing.assert_array_equal(loaded.environments(), subject.environments())
    for way in WAYS:
        np.testing.assert_array_equal(loaded.sigma(way), subject.sigma(way))
