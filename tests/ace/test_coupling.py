"""The coupling tensors against the rotations themselves."""

import itertools

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from aofl.ace.angular import spherical_harmonics
from aofl.ace.coupling import invariant

ALLOWED = [
    (0, 0, 0), (0, 1, 1), (0, 2, 2), (1, 1, 2), (1, 2, 1), (2, 2, 2), (1, 2, 3), (2, 3, 3),
    (4, 2, 2),
]  # fmt: skip


def harmonics_of(directions: np.ndarray, degree: int) -> np.ndarray:
    """Return Y_lm of one degree, shape (n, 2 l + 1)."""
    return spherical_harmonics(directions, degree)[0][:, degree**2 :]


def wigner_d(rotation: Rotation, degree: int) -> np.ndarray:
    """Return D with Y(R u) = D Y(u) for all u, fitted to many directions."""
    directions = np.random.default_rng(2).normal(size=(60, 3))
    turned = harmonics_of(rotation.apply(directions), degree)
    solution, *_ = np.linalg.lstsq(harmonics_of(directions, degree), turned, rcond=None)
    return solution.T


def all_rotations(degree: int) -> tuple[np.ndarray, Rotation]:
    """Return a quadrature over rotations, exact for products of total angular momentum `degree`."""
    turns = 2 * np.pi * np.arange(degree + 1) / (degree + 1)
    cosines, weights = np.polynomial.legendre.leggauss(degree // 2 + 1)
    angles = list(itertools.product(turns, np.arccos(cosines), turns))
    weight = np.repeat(np.tile(weights / 2, degree + 1), degree + 1) / (degree + 1) ** 2
    return weight, Rotation.from_euler("ZYZ", angles)


@pytest.mark.parametrize("triple", ALLOWED, ids=str)
def test_tensor_is_unchanged_by_rotations(triple):
    tensor = invariant(*triple)
    assert np.linalg.norm(tensor) == pytest.approx(1.0, abs=1e-12)
    for rotation in Rotation.random(3, rng=np.random.default_rng(4)):
        d1, d2, d3 = (wigner_d(rotation, n) for n in triple)
        turned = np.einsum("ai,bj,ck,ijk->abc", d1, d2, d3, tensor)
        np.testing.assert_allclose(turned, tensor, atol=1e-10)


@pytest.mark.parametrize("triple", ALLOWED, ids=str)
def test_average_over_all_rotations_is_the_projection_on_the_tensor(triple):
    """<Y_m1(Ra) Y_m2(Rb) Y_m3(Rc)>_R = C_m1m2m3 sum_m' C_m' Y_m1'(a) Y_m2'(b) Y_m3'(c)."""
    tensor = invariant(*triple)
    points = np.random.default_rng(6).normal(size=(3, 3))
    weights, rotations = all_rotations(sum(triple))
    y = [harmonics_of(rotations.apply(p), n) for p, n in zip(points, triple, strict=True)]
    average = np.einsum("r,ra,rb,rc->abc", weights, *y)
    fixed = [harmonics_of(p[None], n)[0] for p, n in zip(points, triple, strict=True)]
    expected = tensor * np.einsum("abc,a,b,c->", tensor, *fixed)
    np.testing.assert_allclose(average, expected, atol=1e-12)


@pytest.mark.parametrize("triple", list(itertools.permutations((1, 2, 3))), ids=str)
def test_order_of_the_momenta_only_transposes(triple):
    axes = [n - 1 for n in triple]
    np.testing.assert_allclose(
        np.abs(invariant(*triple)), np.abs(invariant(1, 2, 3)).transpose(axes), atol=1e-12
    )


@pytest.mark.parametrize(
    "triple", [(0, 0, 1), (1, 1, 1), (1, 2, 2), (1, 1, 4), (4, 1, 1), (0, 1, 3)]
)
def test_forbidden_momenta_are_refused(triple):
    with pytest.raises(ValueError, match=f"{triple[0]}, {triple[1]}, {triple[2]}"):
        invariant(*triple)
