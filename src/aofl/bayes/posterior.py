"""The posterior of a linear model from a Gram matrix.

Rows and targets are given in units of their noise. They enter only through

    G = X^T X,   b = X^T y,   y^T y,   n ,

so a new label costs the same at any size of the data set and memory does not grow. With a
Gaussian prior of standard deviations d, in prior-whitened coordinates w = D v,

    A = 1 + D G D,    v = A^-1 D b,    cov(w) = D A^-1 D .

A is never below the unit matrix, so its Cholesky factor is safe however few the data are. `fit`
factorises A; `extend` keeps the factor and carries further data beside it (`aofl.bayes.recent`).

Reference: C. M. Bishop, Pattern Recognition and Machine Learning, 2006, sec. 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import prange
from scipy.linalg import blas, lapack

from aofl.bayes.recent import Recent
from aofl.compiled import njit
from aofl.errors import ModelError
from aofl.records import FloatArray

JITTERS = (0.0, 1e-10, 1e-8, 1e-6)


@dataclass(slots=True)
class Statistics:
    """Sufficient statistics of the data; grows by `add`, shrinks by `remove`.

    `gram` (p, p) holds the upper triangle only, in Fortran order.
    """

    gram: FloatArray
    moment: FloatArray
    square: float = 0.0
    count: int = 0

    @classmethod
    def empty(cls, n_columns: int) -> Statistics:
        """Return the statistics of no data."""
        return cls(np.zeros((n_columns, n_columns), order="F"), np.zeros(n_columns))

    def add(self, rows: FloatArray, targets: FloatArray) -> None:
        """Append data: rows (m, p), targets (m,), in units of their noise."""
        self._update(rows, targets, 1)

    def remove(self, rows: FloatArray, targets: FloatArray) -> None:
        """Take away data that were appended before."""
        self._update(rows, targets, -1)

    def _update(self, rows: FloatArray, targets: FloatArray, sign: int) -> None:
        self.gram = blas.dsyrk(
            float(sign), np.ascontiguousarray(rows).T, beta=1.0, c=self.gram, overwrite_c=1
        )
        self.moment = self.moment + sign * (rows.T @ targets)
        self.square += sign * float(targets @ targets)
        self.count += sign * len(targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """Mean and covariance of the weights, for data as noisy as the units of their rows.

    Attributes
    ----------
    mean
        w, shape (p,).
    std
        Prior standard deviations d, shape (p,).
    factor
        Upper Cholesky factor U of A_0 = U^T U in whitened coordinates, shape (p, p).
    projected
        U^-T D b of all data, shape (p,).
    recent
        The data since the factorisation, not in A_0.
    """

    mean: FloatArray
    std: FloatArray
    factor: FloatArray
    projected: FloatArray
    recent: Recent

    @property
    def explained(self) -> float:
        """What the fit takes off y^T y: b^T D A^-1 D b."""
        return float(self.projected @ self.recent.solve(self.projected))

    def variance(self, rows: FloatArray) -> FloatArray:
        """Return the variance of x . w for each row x; rows (m, p), result (m,)."""
        solved = _forward(self.factor, rows * self.std)
        total = np.einsum("pm,pm->m", solved, solved)
        # Rounding may leave a hair below zero where the data say all.
        return np.asarray(np.maximum(total - self.recent.explained(solved), 0.0))

    def samples(self, noise: FloatArray) -> FloatArray:
        """Return draws of w - mean from standard normal `noise` (p, n_samples), same shape."""
        solved, _ = lapack.dtrtrs(self.factor, self.recent.root(noise), lower=0, trans=0)
        return np.asarray(self.std[:, None] * solved)


def fit(data: Statistics, std: FloatArray) -> Posterior:
    """Return the posterior for the given prior deviations (p,).

    Raises
    ------
    ModelError
        If the precision matrix cannot be factorised: the data hold non-finite numbers.
    """
    factor = factorise(data, std)
    projected, _ = lapack.dtrtrs(factor, std * data.moment, lower=0, trans=1)
    return _posterior(std, factor, projected, Recent.none(len(std)))


def extend(posterior: Posterior, rows: FloatArray, targets: FloatArray) -> Posterior:
    """Return the posterior with further data, at a fraction of the cost of `fit`.

    The result shares its memory with `posterior`, which stays valid but can be extended only once.

    Parameters
    ----------
    rows, targets
        Shapes (m, p), (m,), in units of their noise; m at most `posterior.recent.room`.

    Raises
    ------
    ModelError
        If the data hold non-finite numbers.
    """
    new = _forward(posterior.factor, rows * posterior.std)
    projected = posterior.projected + new @ targets
    return _posterior(posterior.std, posterior.factor, projected, posterior.recent.append(new))


def _posterior(
    std: FloatArray, factor: FloatArray, projected: FloatArray, recent: Recent
) -> Posterior:
    """Return the posterior with its mean, D U^-1 (1 + W W^T)^-1 of the projected moment."""
    solution, _ = lapack.dtrtrs(factor, recent.solve(projected), lower=0)
    if not np.all(np.isfinite(solution)):
        raise ModelError("the fit gave non-finite weights; look for NaN in the last label")
    return Posterior(
        mean=std * solution, std=std, factor=factor, projected=projected, recent=recent
    )


def _forward(factor: FloatArray, whitened: FloatArray) -> FloatArray:
    """Return U^-T x for each row x, as columns (p, m)."""
    columns = np.asfortranarray(whitened.T)
    return np.asarray(blas.dtrsm(1.0, factor, columns, trans_a=1, overwrite_b=1))


def factorise(data: Statistics, std: FloatArray) -> FloatArray:
    """Return the upper Cholesky factor of A.

    Raises
    ------
    ModelError
        If even the largest jitter does not help.
    """
    for jitter in JITTERS:
        precision = whitened_precision(data.gram, std)
        if jitter:
            precision.flat[:: len(std) + 1] += jitter * float(np.mean(np.diag(precision)))
        factor, info = lapack.dpotrf(precision, lower=0, clean=0, overwrite_a=1)
        if info == 0:
            return np.asarray(factor)
    raise ModelError(
        f"the precision matrix ({len(std)} columns) cannot be factorised; "
        "look for NaN or absurd numbers in the last label"
    )


def whitened_precision(gram: FloatArray, std: FloatArray) -> FloatArray:
    """Return A (p, p): its upper triangle in Fortran order, zero below."""
    precision = np.zeros((len(std), len(std)), order="F")
    _write_whitened(precision, gram, std)
    precision.flat[:: len(std) + 1] += 1.0
    return precision


@njit(cache=True, parallel=True, error_model="numpy")
def _write_whitened(precision, gram, std):  # type: ignore[no-untyped-def]
    """Write the upper triangle of D G D, column by column as it lies in memory."""
    for j in prange(len(std)):
        for i in range(j + 1):
            precision[i, j] = std[i] * std[j] * gram[i, j]
