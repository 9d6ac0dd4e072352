"""What the force field believes before it has seen a label."""

import numpy as np
import pytest
from ff_toys import TINY, crystal, truth

from aofl.ace.basis import ACCURACIES, make_basis
from aofl.ace.evaluate import expand
from aofl.ace.neighbors import find_neighbors
from aofl.forcefield.gathered import Gathered
from aofl.forcefield.prior import COMPOSITION_SCALE, PRIOR_FORCE, prior_scales, prior_shape
from aofl.forcefield.rows import FORCES, NOISES, Rows, label_rows


@pytest.fixture(scope="module")
def basis():
    return make_basis(np.array([13, 29]), TINY)


@pytest.fixture(scope="module")
def rows(basis) -> Rows:
    return label_of(basis, 0)


def label_of(basis, seed: int) -> Rows:
    atoms = crystal(seed)
    near = find_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, basis.cutoff)
    expansion = expand(basis, near, basis.species_index(atoms.numbers))
    return label_rows(basis, expansion, atoms.numbers, truth(atoms), 0.0, 0.0)


def test_one_group_per_body_order_and_one_for_composition(basis):
    shape = prior_shape(basis)
    assert shape.orders == (2, 3, 4)
    assert len(shape.group) == len(shape.unit_std) == basis.n_columns + 2
    assert shape.group[-2:].tolist() == [3, 3]
    assert shape.unit_std[-2:].tolist() == [1.0, 1.0]
    for centre in (0, 1):
        columns = slice(centre * basis.n_functions, (centre + 1) * basis.n_functions)
        np.testing.assert_array_equal(shape.group[columns], basis.order - 2)
        np.testing.assert_array_equal(shape.unit_std[columns], basis.damping)


def test_a_basis_without_four_body_part_has_no_group_for_it():
    shape = prior_shape(make_basis(np.array([11]), ACCURACIES["fast"]))
    assert shape.orders == (2, 3)
    assert set(shape.group.tolist()) == {0, 1, 2}


def test_each_body_order_has_its_share_of_the_force(basis, rows):
    """Root mean square over components and over weights drawn from the prior."""
    shape = prior_shape(basis)
    data = Gathered.nothing(len(shape.group))
    data.add(rows)
    scales = prior_scales(shape, data.force_power)
    forces, std = NOISES[FORCES] * rows.of(FORCES), shape.std(scales)
    for g, order in enumerate(shape.orders):
        mean_square = np.mean(forces**2 @ np.where(shape.group == g, std**2, 0.0))
        assert np.sqrt(mean_square) == pytest.approx(PRIOR_FORCE[order], rel=1e-9)
    assert scales[-1] == COMPOSITION_SCALE


def test_what_is_taken_away_leaves_the_prior_as_it_was(basis, rows):
    shape = prior_shape(basis)
    data = Gathered.nothing(len(shape.group))
    data.add(rows)
    before, more = prior_scales(shape, data.force_power), label_of(basis, 5)
    data.add(more)
    assert np.any(prior_scales(shape, data.force_power) != before)
    data.remove(more)
    np.testing.assert_allclose(prior_scales(shape, data.force_power), before, rtol=1e-12)
