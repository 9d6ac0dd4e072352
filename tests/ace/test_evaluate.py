"""Energy, forces, virial and design rows: against each other, differences and symmetries."""

import numba
import numpy as np
import pytest
from ace_cases import BASES, NO_FOUR, SMALL, STRUCTURES, make_case, moved, strained
from ase import Atoms
from scipy.spatial.transform import Rotation

from aofl.ace.evaluate import VOIGT, force_rows

# Small enough that no pair crosses a cutoff or many table intervals on the way.
STEP = 3e-5
STENCIL = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))


def difference(function, atoms, change, *where):
    """Return the derivative at x = 0 of function(change(atoms, *where, x))."""
    return sum(weight * function(change(atoms, *where, k * STEP)) for k, weight in STENCIL) / STEP


@pytest.fixture(
    scope="module",
    params=[(b, s) for b in BASES for s in STRUCTURES],
    ids=lambda pair: f"{pair[0]}-{pair[1]}",
)
def case_and_atoms(request):
    basis, structure = request.param
    atoms = STRUCTURES[structure]()
    return make_case(BASES[basis], atoms.numbers), atoms


def assert_same(left, right, tolerance=1e-10):
    scale = max(1.0, float(np.abs(right).max()))
    np.testing.assert_allclose(left, right, rtol=0, atol=tolerance * scale)


def test_adjoint_pass_is_rows_times_weights(case_and_atoms):
    case, atoms = case_and_atoms
    result = case.evaluate(atoms)
    assert_same(result.energy, case.row(atoms) @ case.flat)
    assert_same(result.forces, case.force_rows(atoms) @ case.flat)
    assert_same(result.virial, case.virial_rows(atoms) @ case.flat)
    functions = case.expand(atoms).functions
    species = case.basis.species_index(atoms.numbers)
    weights = case.flat.reshape(len(case.basis.species), -1)
    assert_same(result.energies, np.einsum("af,af->a", functions, weights[species]))


def test_forces_are_minus_the_gradient_of_the_energy(case_and_atoms):
    case, atoms = case_and_atoms
    forces = case.evaluate(atoms).forces
    numeric = [
        [-difference(case.energy, atoms, moved, i, d) for d in range(3)] for i in range(len(atoms))
    ]
    np.testing.assert_allclose(forces, numeric, rtol=1e-6, atol=1e-6 * np.abs(forces).max())


def test_every_column_of_the_force_rows_is_a_gradient(case_and_atoms):
    case, atoms = case_and_atoms
    rows = case.force_rows(atoms)
    for i in (0, len(atoms) - 1):
        for d in range(3):
            numeric = -difference(case.row, atoms, moved, i, d)
            np.testing.assert_allclose(rows[i, d], numeric, atol=1e-6 * np.abs(rows).max())


def test_virial_and_its_rows_are_the_strain_derivative(case_and_atoms):
    case, atoms = case_and_atoms
    virial, rows = case.evaluate(atoms).virial, case.virial_rows(atoms)
    for k, (a, b) in enumerate(VOIGT):
        numeric = difference(case.row, atoms, strained, a, b)
        np.testing.assert_allclose(rows[k], numeric, atol=1e-6 * np.abs(rows).max())
        assert virial[k] == pytest.approx(numeric @ case.flat, abs=1e-6 * np.abs(virial).max())


def test_rows_of_some_atoms_are_those_of_all(case_and_atoms):
    case, atoms = case_and_atoms
    some = force_rows(case.basis, case.expand(atoms), np.array([2, 0]))
    np.testing.assert_array_equal(some, case.force_rows(atoms)[[2, 0]])
    np.testing.assert_allclose(
        case.virial_rows(atoms, block=3), case.virial_rows(atoms), atol=1e-10
    )


def test_rotation_turns_forces_and_nothing_else(case_and_atoms):
    case, atoms = case_and_atoms
    turn = Rotation.from_euler("xyz", [0.4, -1.1, 2.0]).as_matrix()
    for matrix in (turn, -turn):  # the invariants are even under inversion too
        turned = atoms.copy()
        turned.set_cell(atoms.cell.array @ matrix.T)
        turned.positions = atoms.positions @ matrix.T
        before, after = case.evaluate(atoms), case.evaluate(turned)
        assert_same(after.energies, before.energies)
        assert_same(after.forces, before.forces @ matrix.T)
        assert_same(tensor(after.virial), matrix @ tensor(before.virial) @ matrix.T)


def tensor(voigt):
    xx, yy, zz, yz, xz, xy = voigt
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


def test_translation_changes_nothing(case_and_atoms):
    case, atoms = case_and_atoms
    moved_all = atoms.copy()
    moved_all.translate([3.3, -7.1, 0.9])
    before, after = case.evaluate(atoms), case.evaluate(moved_all)
    assert_same(after.energies, before.energies)
    assert_same(after.forces, before.forces)
    assert_same(before.forces.sum(axis=0), np.zeros(3))


def test_permutation_permutes(case_and_atoms):
    case, atoms = case_and_atoms
    order = np.random.default_rng(0).permutation(len(atoms))
    before, after = case.evaluate(atoms), case.evaluate(atoms[order])
    assert_same(after.energies, before.energies[order])
    assert_same(after.forces, before.forces[order])
    assert_same(case.row(atoms[order]), case.row(atoms))


def test_wrapping_changes_nothing(case_and_atoms):
    case, atoms = case_and_atoms
    wrapped = atoms.copy()
    wrapped.wrap()
    before, after = case.evaluate(atoms), case.evaluate(wrapped)
    assert_same(after.energies, before.energies)
    assert_same(after.forces, before.forces)
    assert_same(after.virial, before.virial)


def test_supercell_is_copies_of_the_cell(case_and_atoms):
    case, atoms = case_and_atoms
    repeats = [2 if periodic else 1 for periodic in atoms.pbc]
    copies = int(np.prod(repeats))
    before, after = case.evaluate(atoms), case.evaluate(atoms.repeat(repeats))
    assert after.energy == pytest.approx(copies * before.energy, rel=1e-10)
    assert_same(after.forces, np.tile(before.forces, (copies, 1)))
    assert_same(after.virial, copies * before.virial)


def test_distant_fragments_add_up():
    atoms = STRUCTURES["molecule"]()
    case = make_case(SMALL, atoms.numbers)
    other = atoms[:3]
    other.translate([50, 0, 0])
    both = case.evaluate(atoms + other)
    alone = [case.evaluate(atoms), case.evaluate(other)]
    assert both.energy == pytest.approx(sum(part.energy for part in alone), rel=1e-10)
    assert_same(both.forces, np.concatenate([part.forces for part in alone]))


def test_an_atom_without_neighbours_has_no_energy_and_no_force():
    case = make_case(SMALL, np.array([1, 8]))
    alone = case.evaluate(Atoms("O"))
    assert alone.energies.tolist() == [0.0]
    np.testing.assert_array_equal(alone.forces, np.zeros((1, 3)))
    np.testing.assert_array_equal(alone.virial, np.zeros(6))
    np.testing.assert_array_equal(case.force_rows(Atoms("O")), np.zeros((1, 3, len(case.flat))))
    beside = case.evaluate(Atoms("OHO", [[0, 0, 0], [1, 0, 0], [30, 0, 0]]))
    assert beside.energies[0] != 0
    assert beside.energies[2] == 0
    assert np.all(beside.forces[2] == 0)


def test_four_body_functions_count_only_where_they_are_asked_for():
    atoms = STRUCTURES["molecule"]()
    case = make_case(SMALL, atoms.numbers)
    four = np.tile(case.basis.order == 4, len(case.basis.species))
    assert np.any(four)
    assert abs(case.row(atoms)[four] @ case.flat[four]) > 1e-6
    assert not np.any(make_case(NO_FOUR, atoms.numbers).basis.order == 4)


@pytest.mark.parametrize("name", ["four-body", "short pair"])
@pytest.mark.parametrize("which", ["cutoff", "pair_cutoff"])
def test_energy_and_force_are_smooth_through_both_cutoffs(name, which):
    """An atom leaves step by step: no jump of energy or force on the way."""
    case = make_case(BASES[name], np.array([1, 8, 11]))
    atoms = Atoms("OHNa", [[0, 0, 0], [-0.9, 0.3, 0.2], [0, 0, 0]])
    step = 1e-4
    energies, forces = [], []
    for k in range(-40, 41):
        atoms.positions[2, 0] = getattr(case.basis.settings, which) + k * step
        result = case.evaluate(atoms)
        energies.append(result.energy)
        forces.append(result.forces.ravel())
    energies, forces = np.array(energies), np.array(forces)
    # A jump of the force by J would show as a stiffness of J / step at one place.
    stiffness = np.abs(np.diff(forces, axis=0)).max(axis=1) / step
    assert stiffness.max() < 3 * np.median(stiffness[:30])
    slope = (energies[2:] - energies[:-2]) / (2 * step)
    np.testing.assert_allclose(slope, -forces[1:-1, 6], atol=1e-5 * np.abs(forces).max())


@pytest.mark.parametrize("name", ["four-body", "short pair"])
def test_nothing_is_felt_beyond_the_longer_cutoff(name):
    case = make_case(BASES[name], np.array([1, 8, 11]))
    pair = case.evaluate(Atoms("OH", [[0, 0, 0], [-0.9, 0.3, 0.2]]))
    x = case.basis.cutoff + 1e-9
    result = case.evaluate(Atoms("OHNa", [[0, 0, 0], [-0.9, 0.3, 0.2], [x, 0, 0]]))
    assert result.energy == pytest.approx(pair.energy, abs=1e-14)
    assert np.all(result.forces[2] == 0)


def test_any_number_of_threads_gives_the_same_bits():
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("one core only")
    atoms = STRUCTURES["triclinic"]().repeat((2, 2, 1))
    case = make_case(SMALL, atoms.numbers)
    before = numba.get_num_threads()
    results = []
    try:
        for n_threads in (1, 2):
            numba.set_num_threads(n_threads)
            result = case.evaluate(atoms)
            results.append((result.energies, result.forces, result.virial, case.row(atoms),
                            case.force_rows(atoms), case.virial_rows(atoms)))  # fmt: skip
    finally:
        numba.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
