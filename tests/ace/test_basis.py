"""Sizes and order of the columns, against the formulas of the module."""

import dataclasses
import itertools

import numpy as np
import pytest
from ace_cases import BASES
from ase.data import covalent_radii

from aofl.ace.basis import ACCURACIES, BasisSettings, make_basis
from aofl.ace.products import product_tables
from aofl.errors import ModelError


@pytest.mark.parametrize("numbers", [[11], [1, 8], [1, 6, 8, 11]], ids=len)
@pytest.mark.parametrize("settings", [*BASES.values(), *ACCURACIES.values()], ids=str)
def test_number_of_functions(settings, numbers):
    s, species = settings, len(numbers)
    basis = make_basis(np.array(numbers), s)
    channels = min(s.n_mixtures or species, species) * s.n_max
    three = (s.l_max + 1) * channels * (channels + 1) // 2
    tables = product_tables(s.four_n, s.four_l, s.five_n, s.five_l)
    four, five = (int(np.sum(tables.order == order)) for order in (4, 5))
    counts = [int(np.sum(basis.order == order)) for order in (2, 3, 4, 5)]
    assert counts == [species * s.n_pair, three, four, five]
    assert basis.n_functions == sum(counts) == len(basis.damping)
    assert basis.n_columns == species * sum(counts)
    assert np.all(np.diff(basis.order) >= 0)


def test_damping_falls_with_the_sum_of_the_degrees():
    s = BasisSettings(n_pair=3, n_max=2, l_max=1, four_n=2, four_l=1, l_weight=3.0, decay=1.5)
    basis = make_basis(np.array([11]), s)
    pair = [0, 1, 2]
    three = [0, 1, 2, 3, 4, 5]  # l = 0 then l = 1 (counts three): (n, n') = 00, 01, 11
    # Two mixtures give four channels: three factors of l = 0, or one and two of l = 1.
    n = [0, 1, 0, 1]
    pairs = [sum(c) for c in itertools.combinations_with_replacement(n, 2)]
    four = [sum(c) for c in itertools.combinations_with_replacement(n, 3)]
    four += [2 + one + two for one, two in itertools.product(n, pairs)]
    assert basis.damping[basis.order == 2] ** -0.5 - 1 == pytest.approx(pair)
    assert basis.damping[basis.order == 3] ** (-1 / 1.5) - 1 == pytest.approx(three)
    assert sorted(1 / basis.damping[basis.order == 4] - 1) == pytest.approx(sorted(four))


def test_species_are_sorted_whatever_the_order_given():
    basis = make_basis(np.array([11, 1, 8, 1, 11]), BASES["no four-body"])
    assert basis.species.tolist() == [1, 8, 11]
    assert basis.species_index(np.array([8, 11, 1, 8])).tolist() == [1, 2, 0, 1]
    same = make_basis(np.array([1, 8, 11]), BASES["no four-body"])
    np.testing.assert_array_equal(same.table, basis.table)


@pytest.mark.parametrize("name", BASES)
def test_cutoff_is_the_longer_one(name):
    basis = make_basis(np.array([1]), BASES[name])
    s, bond = basis.settings, 2 * covalent_radii[1]
    assert basis.cutoff == pytest.approx(
        max(s.pair_cutoff + s.pair_growth * bond, s.cutoff + s.cutoff_growth * bond)
    )


def test_larger_accuracy_means_more_functions():
    sizes = [make_basis(np.array([1, 8]), s).n_functions for s in ACCURACIES.values()]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize(
    "change",
    [{"l_max": 1, "four_l": 2}, {"n_max": 1, "four_n": 2}, {"l_max": 9}],
    ids=["four_l > l_max", "four_n > n_max", "l_max > L_LIMIT"],
)
def test_sizes_beyond_the_tables_are_refused(change):
    settings = dataclasses.replace(BASES["four-body"], **change)
    with pytest.raises((ValueError, ModelError), match=r"l_max|n_max|four_l|four_n"):
        make_basis(np.array([1, 8]), settings)
