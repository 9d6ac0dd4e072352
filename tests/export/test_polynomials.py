"""From real to complex densities."""

import numpy as np
import pytest
from yace_reader import harmonics

from aofl.ace.reference import spherical_harmonics
from aofl.export.polynomials import canonical, complex_parts


def test_real_harmonics_are_sums_of_complex_ones() -> None:
    vectors = np.random.default_rng(1).normal(size=(6, 3))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    real, (complex_ones, _) = spherical_harmonics(vectors, 4), harmonics(vectors, 4)
    for degree in range(5):
        for m in range(-degree, degree + 1):
            parts = sum(factor * complex_ones[degree, k] for factor, k in complex_parts(m))
            assert parts == pytest.approx(real[:, degree * (degree + 1) + m], abs=1e-12)


def test_a_product_and_its_conjugate_are_written_once() -> None:
    product = ((1, 0, 2, -1), (0, 1, 1, 0), (0, 1, 1, -1), (1, 0, 2, 2))
    reversed_ = tuple((z, n, degree, -m) for z, n, degree, m in product)
    one = canonical(product)
    assert one == canonical(reversed_) == canonical(product[::-1])
    assert next(m for *_, m in one if m) > 0
    assert sorted(abs(m) for *_, m in one) == sorted(abs(m) for *_, m in product)
