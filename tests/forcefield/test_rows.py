"""The rows of a label: rows times weights are what the force field would predict."""

import dataclasses

import numpy as np
import pytest
from ase.build import bcc100
from ff_toys import ELEMENTS, TINY, crystal, truth

from aofl.ace.basis import make_basis
from aofl.ace.evaluate import energy_forces, expand, shape_weights
from aofl.ace.neighbors import find_neighbors
from aofl.forcefield.baseline import repulsion
from aofl.forcefield.model import ForceField
from aofl.forcefield.rows import ENERGY, FORCES, VIRIAL, label_rows, widest_gap
from aofl.records import Label
from aofl.structure import Structure

BASIS = make_basis(np.array([13, 29]), TINY)
SHIFT = -2.5


@pytest.fixture(scope="module")
def atoms():
    atoms = crystal(1, aluminium=(1, 5, 6))
    atoms.positions[1] = atoms.positions[0] + [1.6, 0, 0]  # close enough for the repulsion
    return atoms


@pytest.fixture(scope="module")
def expansion(atoms):
    near = find_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, BASIS.cutoff)
    return expand(BASIS, near, BASIS.species_index(atoms.numbers))


def test_rows_times_weights_reproduce_a_label_made_by_these_weights(atoms, expansion):
    n, rng = len(atoms), np.random.default_rng(0)
    flat, composition = rng.normal(size=BASIS.n_columns), np.array([0.7, -1.9])  # Al, Cu
    ace = energy_forces(BASIS, shape_weights(BASIS, flat), expansion.neighbors, expansion.species)
    zbl = repulsion(expansion.neighbors, atoms.numbers)
    assert zbl.energies.sum() > 0.01
    volume = atoms.get_volume()
    label = Label(
        energy=ace.energies.sum() + zbl.energies.sum() + 3 * 0.7 - 5 * 1.9 + SHIFT * n,
        forces=ace.forces + zbl.forces,
        stress=(ace.virial + zbl.virial) / volume,
    )
    rows = label_rows(BASIS, expansion, atoms.numbers, label, SHIFT * n, volume)
    weights = np.concatenate([flat, composition])
    assert rows.matrix.shape == (1 + 3 * n + 6, BASIS.n_columns + 2)
    for kind, size in ((ENERGY, 1), (FORCES, 3 * n), (VIRIAL, 6)):
        targets = rows.targets[rows.kinds == kind]
        assert len(targets) == size
        np.testing.assert_allclose(
            rows.of(kind) @ weights, targets, atol=1e-9 * np.abs(targets).max()
        )


def test_rows_are_in_units_of_their_noise(atoms, expansion):
    label = Label(energy=0.0, forces=np.full((len(atoms), 3), 0.6), stress=None)
    rows = label_rows(BASIS, expansion, atoms.numbers, label, 0.0, 0.0)
    pushed = repulsion(expansion.neighbors, atoms.numbers).forces
    np.testing.assert_allclose(rows.targets[1:], (0.6 - pushed.ravel()) / 0.03)


def test_energy_and_virial_count_per_root_of_the_atoms(atoms):
    """k copies of a cell: rows of the sums grow with k / sqrt(k), rows of forces not at all."""
    double = atoms.repeat((2, 1, 1))
    parts = []
    for structure in (atoms, double):
        near = find_neighbors(
            structure.positions, structure.cell.array, structure.pbc, BASIS.cutoff
        )
        expanded = expand(BASIS, near, BASIS.species_index(structure.numbers))
        label = truth(structure)
        volume = structure.get_volume()
        parts.append(
            label_rows(BASIS, expanded, structure.numbers, label, SHIFT * len(structure), volume)
        )
    one, two = parts
    for kind in (ENERGY, VIRIAL):
        for left, right in (
            (two.of(kind), one.of(kind)),
            (two.targets[two.kinds == kind], one.targets[one.kinds == kind]),
        ):
            expected = np.sqrt(2) * right
            np.testing.assert_allclose(left, expected, atol=1e-9 * np.abs(expected).max())
    np.testing.assert_allclose(
        two.of(FORCES)[: 3 * len(atoms)], one.of(FORCES), atol=1e-7, rtol=1e-9
    )


def test_no_stress_gives_no_virial_rows(atoms, expansion):
    label = truth(atoms)
    without = dataclasses.replace(label, stress=None)
    volume = atoms.get_volume()
    for given, size, expected in ((label, volume, 6), (without, volume, 0), (label, 0.0, 0)):
        rows = label_rows(BASIS, expansion, atoms.numbers, given, SHIFT, size)
        assert len(rows.of(VIRIAL)) == expected


def test_the_widest_gap_is_the_vacuum_along_the_normal():
    slab = bcc100("Na", (2, 2, 4), vacuum=6.0)
    slab.pbc = True
    spacing = float(np.diff(np.unique(np.round(slab.positions[:, 2], 6)))[0])
    assert widest_gap(Structure.of(slab)) == pytest.approx(12.0)
    slab.positions += [1.0, 2.0, 9.0]
    assert widest_gap(Structure.of(slab)) == pytest.approx(12.0)
    full = bcc100("Na", (2, 2, 4), vacuum=spacing / 2)
    assert widest_gap(Structure.of(full)) == pytest.approx(spacing)


def test_a_cell_with_vacuum_teaches_no_stress():
    force_field = ForceField(ELEMENTS, settings=TINY)
    atoms = crystal(1)
    force_field.learn(atoms, truth(atoms))
    n = 1 + 3 * len(atoms)
    assert force_field.data.statistics.count == n + 6
    atoms.cell[2, 2] += 12.0
    force_field.learn(atoms, truth(atoms))
    assert force_field.data.statistics.count == 2 * n + 6


def test_a_cut_out_gives_the_force_rows_of_its_core_alone(atoms, expansion):
    rng, volume = np.random.default_rng(1), atoms.get_volume()
    whole = Label(energy=-7.0, forces=rng.normal(size=(len(atoms), 3)), stress=np.ones(6))
    part = dataclasses.replace(whole, core=np.array([0, 3, 6]))
    rows, of_core = (
        label_rows(BASIS, expansion, atoms.numbers, label, 0.0, volume) for label in (whole, part)
    )
    chosen = (3 * part.core[:, None] + np.arange(3)).ravel()
    assert set(of_core.kinds.tolist()) == {FORCES}
    np.testing.assert_array_equal(of_core.matrix, rows.of(FORCES)[chosen])
    np.testing.assert_array_equal(of_core.targets, rows.only(FORCES).targets[chosen])


def test_what_a_cut_out_taught_can_be_forgotten(atoms):
    part = Label(energy=-7.0, forces=np.ones((len(atoms), 3)), core=np.array([2, 5]))
    known = ForceField(ELEMENTS, settings=TINY)
    known.learn(crystal(3), truth(crystal(3)))
    before = known.predict(atoms).forces
    known.learn(atoms, part)
    known.forget(atoms, part)
    known.renew()
    np.testing.assert_allclose(known.predict(atoms).forces, before, atol=1e-6)
