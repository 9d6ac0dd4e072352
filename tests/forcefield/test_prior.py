"""What the force field believes before it has seen a label."""

import numpy as np
import pytest
from ff_toys import TINY, crystal, truth

from aofl.ace.basis import ACCURACIES, make_basis
from aofl.ace.evaluate import expand
from aofl.ace.neighbors import find_neighbors
from aofl.bayes.posterior import Statistics
from aofl.forcefield.prior import (
    COMPOSITION_SCALE,
    PRIOR_FORCE,
    SCALE_REACH,
    hyperprior,
    prior_shape,
)
from aofl.forcefield.rows import label_rows


@pytest.fixture(scope="module")
def basis():
    return make_basis(np.array([13, 29]), TINY)


@pytest.fixture(scope="module")
def force_matrix(basis):
    atoms = crystal(0)
    near = find_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, basis.cutoff)
    expansion = expand(basis, near, basis.species_index(atoms.numbers))
    return label_rows(basis, expansion, atoms.numbers, truth(atoms), 0.0, 0.0)["forces"].matrix


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


def test_each_body_order_starts_with_its_share_of_the_force(basis, force_matrix):
    """Root mean square over components and over weights drawn from the prior."""
    shape = prior_shape(basis)
    forces = Statistics.empty(len(shape.group))
    forces.add(force_matrix, np.zeros(len(force_matrix)))
    prior = hyperprior(shape, forces)
    std = prior.center.scales[shape.group] * shape.unit_std
    for g, order in enumerate(shape.orders):
        mean_square = np.mean(force_matrix**2 @ np.where(shape.group == g, std**2, 0.0))
        assert np.sqrt(mean_square) == pytest.approx(PRIOR_FORCE[order], rel=1e-9)
    assert prior.center.scales[-1] == COMPOSITION_SCALE


def test_starting_values_lie_within_their_bounds(basis, force_matrix):
    shape = prior_shape(basis)
    forces = Statistics.empty(len(shape.group))
    forces.add(force_matrix, np.zeros(len(force_matrix)))
    prior = hyperprior(shape, forces)
    low, high = prior.scale_bounds
    np.testing.assert_allclose(high[:-1] / low[:-1], SCALE_REACH**2)
    assert low[-1] == high[-1] == COMPOSITION_SCALE
    for values, bounds in (
        (prior.center.scales, prior.scale_bounds),
        (prior.center.noises, prior.noise_bounds),
    ):
        assert np.all(bounds[0] <= values)
        assert np.all(values <= bounds[1])
