"""Sizes and order of the columns, against the formulas of the module."""

import dataclasses
import itertools
from math import comb

import numpy as np
import pytest
from ace_cases import BASES
from ase.data import covalent_radii

from aofl.ace.basis import ACCURACIES, N_MIX, BasisSettings, four_body_tables, make_basis
from aofl.errors import ModelError


def count_four_body(n: int, l_max: int) -> int:
    """Count unordered triples of (l, channel) that have an invariant, by multiset formulas."""
    width, total = N_MIX * n, 0
    for l1 in range(l_max + 1):
        for l2 in range(l1, l_max + 1):
            for l3 in range(l2, min(l_max, l1 + l2) + 1):
                if (l1 + l2 + l3) % 2 == 0:
                    repeats = [[l1, l2, l3].count(q) for q in {l1, l2, l3}]
                    total += int(np.prod([comb(width + k - 1, k) for k in repeats]))
    return total


@pytest.mark.parametrize("numbers", [[11], [1, 8], [1, 6, 8, 11]], ids=len)
@pytest.mark.parametrize("settings", [*BASES.values(), *ACCURACIES.values()], ids=str)
def test_number_of_functions(settings, numbers):
    s, species = settings, len(numbers)
    basis = make_basis(np.array(numbers), s)
    channels = min(s.n_mixtures or species, species) * s.n_max
    three = (s.l_max + 1) * channels * (channels + 1) // 2
    four = count_four_body(s.four_n, s.four_l) if s.four_n else 0
    counts = [int(np.sum(basis.order == order)) for order in (2, 3, 4)]
    assert counts == [species * s.n_pair, three, four]
    assert basis.n_functions == sum(counts) == len(basis.damping)
    assert basis.n_columns == species * sum(counts)
    assert np.all(np.diff(basis.order) >= 0)


def test_damping_falls_with_the_sum_of_the_degrees():
    s = BasisSettings(n_pair=3, n_max=2, l_max=1, four_n=2, four_l=1)
    basis = make_basis(np.array([11]), s)
    pair = [0, 1, 2]
    three = [0, 1, 2, 2, 3, 4]  # l = 0 then l = 1 (counted twice): (n, n') = 00, 01, 11
    # Two mixtures give four channels: three factors of l = 0, or one and two of l = 1.
    n = [0, 1, 0, 1]
    pairs = [sum(c) for c in itertools.combinations_with_replacement(n, 2)]
    four = [sum(c) for c in itertools.combinations_with_replacement(n, 3)]
    four += [2 + one + two for one, two in itertools.product(n, pairs)]
    assert basis.damping[basis.order == 2] ** -0.5 - 1 == pytest.approx(pair)
    assert 1 / basis.damping[basis.order == 3] - 1 == pytest.approx(three)
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


def test_four_body_tables_are_the_derivative_of_one_cubic_form():
    """Euler: sum_e A_e dQ/dA_e = 3 Q; and dQ/dA is the difference quotient of that Q."""
    tables = four_body_tables(2, 2)
    width = 9 * N_MIX * 2
    rng = np.random.default_rng(0)
    a, change = rng.normal(size=(2, width))

    def entries(a):
        terms = tables.coef * a[tables.left] * a[tables.right]
        return np.add.reduceat(terms, tables.term_first[:-1])

    def functions(a):
        return np.add.reduceat(entries(a) * a[tables.slot], tables.first[:-1]) / 3

    step = 1e-4
    slope = np.add.reduceat(entries(a) * change[tables.slot], tables.first[:-1])
    quotient = (functions(a + step * change) - functions(a - step * change)) / (2 * step)
    np.testing.assert_allclose(slope, quotient, atol=1e-6)
    assert tables.n_functions == count_four_body(2, 2)


@pytest.mark.parametrize(
    "change",
    [{"l_max": 1, "four_l": 2}, {"n_max": 1, "four_n": 2}, {"l_max": 9}],
    ids=["four_l > l_max", "four_n > n_max", "l_max > L_LIMIT"],
)
def test_sizes_beyond_the_tables_are_refused(change):
    settings = dataclasses.replace(BASES["four-body"], **change)
    with pytest.raises((ValueError, ModelError), match=r"l_max|n_max|four_l|four_n"):
        make_basis(np.array([1, 8]), settings)
