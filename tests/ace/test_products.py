"""Tables of the four- and five-body functions: how many, invariant, and derivatives of one form."""

import itertools
from math import comb

import numpy as np
import pytest

from aofl.ace.products import N_MIX, Products, product_tables


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


def evaluate(tables: Products, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the functions and the entries dQ/dA of mixed densities (n_mixed,)."""
    a = np.append(a, 1.0)
    terms = tables.coef * a[tables.left] * a[tables.right] * a[tables.third]
    entries = np.add.reduceat(terms, tables.term_first[:-1])
    sums = np.add.reduceat(entries * a[tables.slot], tables.first[:-1])
    return tables.share * sums, entries


@pytest.mark.parametrize("sizes", [(1, 0), (1, 2), (2, 2), (2, 3)])
def test_number_of_four_body_functions(sizes):
    assert product_tables(*sizes, 0, 0).n_functions == count_four_body(*sizes)


def test_no_radial_functions_no_functions():
    tables = product_tables(0, 2, 0, 1)
    assert tables.n_functions == tables.n_mixed == 0


@pytest.mark.parametrize("sizes", [(2, 2, 0, 0), (0, 0, 1, 2), (2, 1, 1, 2)])
def test_entries_are_the_derivatives_of_the_functions(sizes):
    tables = product_tables(*sizes)
    a, change = np.random.default_rng(0).normal(size=(2, tables.n_mixed))
    _, entries = evaluate(tables, a)
    slope = np.add.reduceat(entries * change[tables.slot], tables.first[:-1])
    step = 1e-4
    difference = evaluate(tables, a + step * change)[0] - evaluate(tables, a - step * change)[0]
    np.testing.assert_allclose(slope, difference / (2 * step), atol=1e-5)


def test_five_body_functions_of_scalars_and_vectors_are_the_twenty_known_ones():
    """Degree four in two scalars s, t and two vectors v, w: products of s, t, vv, vw, ww."""
    tables = product_tables(0, 0, 1, 1)
    assert N_MIX == 2
    assert tables.n_functions == 20
    rows, known = [], []
    for a in np.random.default_rng(1).normal(size=(60, tables.n_mixed)):
        rows.append(evaluate(tables, a)[0])
        scalars, vectors = a[:2], a[2:].reshape(3, 2).T
        dots = [vectors[i] @ vectors[j] for i, j in ((0, 0), (0, 1), (1, 1))]
        quads = [np.prod(c) for c in itertools.combinations_with_replacement(scalars, 4)]
        pairs = [np.prod(c) for c in itertools.combinations_with_replacement(scalars, 2)]
        mixed = [p * d for p, d in itertools.product(pairs, dots)]
        squares = [np.prod(c) for c in itertools.combinations_with_replacement(dots, 2)]
        known.append([*quads, *mixed, *squares])
    found, expected = np.array(rows), np.array(known)
    assert expected.shape[1] == 20
    assert np.linalg.matrix_rank(found) == 20
    solution, *_ = np.linalg.lstsq(expected, found, rcond=None)
    np.testing.assert_allclose(expected @ solution, found, atol=1e-9)
