"""Radial functions: their formula, their end, and the table that the kernels read."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from aofl.ace.basis import ACCURACIES, Basis, make_basis
from aofl.ace.kernels import surroundings
from aofl.ace.radial import chebyshev_functions, smeared_coefficients

CUTOFF, STRETCH = 4.5, 4.0
# One reach for all elements, so that the formulas below can be read without radii.
HIGH = replace(ACCURACIES["high"], cutoff=4.5, cutoff_growth=0.0, pair_cutoff=5.5, pair_growth=0.0)


@cache
def radial_coefficients() -> np.ndarray:
    s = HIGH
    return smeared_coefficients(s.cutoff, s.n_max, s.l_max, s.smearing, s.n_chebyshev, s.stretch)


def smeared_functions(r: np.ndarray) -> np.ndarray:
    """Return R_nl(r) of `HIGH` without the table, l-major, n fastest."""
    s, c = HIGH, radial_coefficients()
    return chebyshev_functions(r, s.cutoff, s.n_chebyshev, s.stretch) @ c.reshape(-1, c.shape[2]).T


def read_table(r: np.ndarray, kind: str, basis: Basis) -> tuple[np.ndarray, np.ndarray]:
    """Return the functions of the first two species and their slopes, without the padding."""
    cutoffs, table, rows, kept = {
        "pair": (basis.pair_cutoffs, basis.pair_table, 1, basis.settings.n_pair),
        "three-body": (basis.cutoffs, basis.table, basis.settings.l_max + 1, basis.settings.n_max),
    }[kind]
    both = np.array([surroundings.read_row(x, 0, 0, cutoffs, table) for x in r])
    both = both.reshape(len(r), 2, rows, -1)
    assert np.all(both[..., kept:] == 0)
    cut = both[..., :kept].reshape(len(r), 2, -1)
    return cut[:, 0], cut[:, 1]


@pytest.fixture(scope="module")
def basis():
    return make_basis(np.array([8]), HIGH)


def test_chebyshev_functions_are_the_cosines_of_their_formula():
    r = np.linspace(0, CUTOFF, 50)
    x = 1 - 2 * (np.exp(-STRETCH * r / CUTOFF) - np.exp(-STRETCH)) / (1 - np.exp(-STRETCH))
    fade = (1 + np.cos(np.pi * r / CUTOFF)) / 2
    expected = np.cos(np.arange(6) * np.arccos(np.clip(x, -1, 1))[:, None]) * fade[:, None]
    np.testing.assert_allclose(chebyshev_functions(r, CUTOFF, 6, STRETCH), expected, atol=1e-12)


def test_functions_and_slopes_vanish_at_the_cutoff():
    step = 1e-4
    for functions in (
        lambda r: chebyshev_functions(r, HIGH.cutoff, 20, STRETCH),
        smeared_functions,
    ):
        at = functions(HIGH.cutoff + step * np.array([-1.0, 0.0, 1.0]))
        assert np.all(at[1:] == 0)
        # Flat: the value falls with the square of the distance from the end.
        assert np.abs(at[0]).max() < 10 * step**2


def test_smeared_functions_project_a_gaussian_neighbour():
    """Ratios of fitted R_n0(r) to the integral of the module's formula are one number per n."""
    s, r = HIGH, np.linspace(1.0, 4.0, 7)
    grid = np.linspace(1e-4, s.cutoff + 4 * s.smearing, 6000)
    argument = grid[:, None] * r / s.smearing**2
    # i_0(x) exp(-x) = exp(-x) sinh(x) / x, written so that it does not overflow.
    kernel = np.exp(-((grid[:, None] - r) ** 2) / (2 * s.smearing**2))
    kernel *= (1 - np.exp(-2 * argument)) / (2 * argument)
    fade = (1 + np.cos(np.pi * r / s.cutoff)) / 2
    fitted = smeared_functions(r)
    for n in range(s.n_max):
        wave = grid * np.sin((n + 1) * np.pi * grid / s.cutoff)
        exact = np.trapezoid(wave[:, None] * kernel, grid, axis=0) * fade
        scale = (fitted[:, n] @ exact) / (exact @ exact)
        np.testing.assert_allclose(
            fitted[:, n], scale * exact, atol=6e-3 * np.abs(exact * scale).max()
        )


def test_smeared_functions_have_unit_root_mean_square():
    r = np.linspace(1e-6, HIGH.cutoff, 4000)
    np.testing.assert_allclose(np.mean(smeared_functions(r) ** 2, axis=0), 1.0, rtol=0.02)


@pytest.mark.parametrize("kind", ["pair", "three-body"])
def test_table_reproduces_functions_and_their_derivatives(basis, kind):
    s = basis.settings
    if kind == "pair":
        cutoff = s.pair_cutoff

        def exact(r):
            return chebyshev_functions(r, cutoff, s.n_pair, s.stretch)
    else:
        cutoff, exact = s.cutoff, smeared_functions
    r = np.random.default_rng(0).uniform(0.5, cutoff - 1e-3, 300)
    values, slopes = read_table(r, kind, basis)
    np.testing.assert_allclose(values, exact(r), atol=1e-8)
    step = 1e-4
    derivative = (8 * (exact(r + step) - exact(r - step)) - exact(r + 2 * step)
                  + exact(r - 2 * step)) / (12 * step)  # fmt: skip
    np.testing.assert_allclose(slopes, derivative, atol=2e-7 * np.abs(derivative).max())


def test_slope_is_the_derivative_of_the_interpolated_value(basis):
    s = basis.settings
    n_grid = basis.table.shape[2] - 1
    grid = s.cutoff / n_grid
    # Well inside one interval, where the interpolant is one quintic and the difference is exact
    # up to its sixth order.
    r = grid * (np.random.default_rng(0).integers(n_grid // 8, n_grid, 100) + 0.5)
    step = 0.05 * grid
    _, slopes = read_table(r, "three-body", basis)
    near = [read_table(r + k * step, "three-body", basis)[0] for k in (-2, -1, 1, 2)]
    derivative = (8 * (near[2] - near[1]) - near[3] + near[0]) / (12 * step)
    np.testing.assert_allclose(slopes, derivative, atol=1e-9 * np.abs(slopes).max())


def test_slopes_have_no_kinks_where_two_intervals_meet(basis):
    s = basis.settings
    n_grid, h = basis.table.shape[2] - 1, 1e-6
    r = s.cutoff / n_grid * np.arange(n_grid // 8, n_grid)
    at = [read_table(r + k * h, "three-body", basis)[1] for k in (-2, -1, 1, 2)]
    left, right = (at[1] - at[0]) / h, (at[3] - at[2]) / h
    np.testing.assert_allclose(left, right, atol=1e-4 * np.abs(left).max())


@pytest.mark.parametrize("kind", ["pair", "three-body"])
def test_table_ends_in_zero_value_and_zero_slope(basis, kind):
    s = basis.settings
    cutoff = s.pair_cutoff if kind == "pair" else s.cutoff
    values, slopes = read_table(np.array([cutoff]), kind, basis)
    assert np.all(values == 0)
    assert np.all(slopes == 0)
