"""Real spherical harmonics against SciPy's complex ones, and their gradients."""

import numpy as np
import pytest
from scipy.special import sph_harm_y

from aofl.ace import reference
from aofl.ace.angular import L_LIMIT, spherical_harmonics


def scipy_harmonics(vectors: np.ndarray, l_max: int) -> np.ndarray:
    """Return sqrt(4 pi) times the real harmonics, no Condon-Shortley phase, flat index l(l+1)+m."""
    theta = np.arccos(np.clip(vectors[:, 2] / np.linalg.norm(vectors, axis=1), -1, 1))
    phi = np.arctan2(vectors[:, 1], vectors[:, 0])
    columns = []
    for degree in range(l_max + 1):
        for m in range(-degree, degree + 1):
            y = sph_harm_y(degree, abs(m), theta, phi) * (-1) ** m * (1 if m == 0 else np.sqrt(2))
            columns.append(y.imag if m < 0 else y.real)
    return np.sqrt(4 * np.pi) * np.stack(columns, axis=1)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(40, 3)) * 2.0


def test_values_are_those_of_scipy_up_to_the_highest_degree(vectors):
    values, _ = spherical_harmonics(vectors, L_LIMIT)
    np.testing.assert_allclose(values, scipy_harmonics(vectors, L_LIMIT), atol=1e-11)


def test_equation_6_of_the_reference_is_that_of_scipy(vectors):
    values = reference.spherical_harmonics(vectors, L_LIMIT)
    np.testing.assert_allclose(values, scipy_harmonics(vectors, L_LIMIT), atol=1e-11)


def test_values_do_not_depend_on_the_length(vectors):
    values, _ = spherical_harmonics(vectors, 4)
    np.testing.assert_allclose(spherical_harmonics(3.7 * vectors, 4)[0], values, atol=1e-13)


def test_squares_of_one_degree_add_up_to_two_l_plus_one(vectors):
    values, _ = spherical_harmonics(vectors, L_LIMIT)
    for degree in range(L_LIMIT + 1):
        square = np.sum(values[:, degree**2 : (degree + 1) ** 2] ** 2, axis=1)
        np.testing.assert_allclose(square, 2 * degree + 1, rtol=1e-12)


def test_gradients_are_finite_differences(vectors):
    _, gradients = spherical_harmonics(vectors, L_LIMIT)
    step = 1e-5
    for d in range(3):
        shift = step * np.eye(3)[d]
        up, down = (spherical_harmonics(vectors + s * shift, L_LIMIT)[0] for s in (1, -1))
        scale = np.abs(gradients[:, d]).max()
        np.testing.assert_allclose(gradients[:, d], (up - down) / (2 * step), atol=1e-7 * scale)


@pytest.mark.parametrize("pole", [[0, 0, 1.3], [0, 0, -1.3], [0, -2.0, 0], [1e-9, 0, 1]])
def test_nothing_is_singular_on_the_axes(pole):
    at = np.array([pole], dtype=float)
    values, gradients = spherical_harmonics(at, L_LIMIT)
    np.testing.assert_allclose(values, scipy_harmonics(at, L_LIMIT), atol=1e-7)
    step = 1e-5
    for d in range(3):
        shift = step * np.eye(3)[d]
        up, down = (spherical_harmonics(at + s * shift, L_LIMIT)[0] for s in (1, -1))
        np.testing.assert_allclose(gradients[0, d], (up - down)[0] / (2 * step), atol=1e-6)


def test_gradients_have_no_radial_part(vectors):
    _, gradients = spherical_harmonics(vectors, L_LIMIT)
    np.testing.assert_allclose(np.einsum("vd,vdm->vm", vectors, gradients), 0, atol=1e-11)
