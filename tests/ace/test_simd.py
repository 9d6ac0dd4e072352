"""The vector operations against NumPy's, bit for bit where one rounding is one rounding."""

import math
from fractions import Fraction

import numpy as np
import pytest
from numba import njit

from aofl.ace.kernels.simd import (
    LANES,
    add,
    fma,
    load,
    multiply,
    padded,
    spread,
    store,
    subtract,
    total,
)


@njit
def everything(a, b, c, out):
    x, y, z = load(a, 0), load(b, 1), load(c, 2)
    store(out, 0, add(x, y))
    store(out, LANES, subtract(x, y))
    store(out, 2 * LANES, multiply(x, y))
    store(out, 3 * LANES, fma(x, y, z))
    store(out, 4 * LANES, spread(a[3]))
    return total(x)


def test_vector_operations_are_those_of_eight_numbers():
    a, b, c = np.random.default_rng(0).normal(size=(3, LANES + 2))
    out = np.empty(5 * LANES + 1)
    out[-1] = 7.0
    summed = everything(a, b, c, out)
    x, y, z = a[:LANES], b[1 : LANES + 1], c[2:]
    exact = [
        float(Fraction(p) * Fraction(q) + Fraction(r)) for p, q, r in zip(x, y, z, strict=True)
    ]
    want = [x + y, x - y, x * y, exact, np.full(LANES, a[3])]
    np.testing.assert_array_equal(out[:-1].reshape(5, LANES), want)
    assert out[-1] == 7.0
    assert summed == pytest.approx(math.fsum(x), rel=1e-15, abs=1e-15)


@pytest.mark.parametrize(("n", "expected"), [(1, 8), (8, 8), (9, 16), (0, 0)])
def test_padded_is_the_next_multiple(n, expected):
    assert padded(n) == expected
