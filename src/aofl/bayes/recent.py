"""Data learned since the precision matrix was last factorised, as low-rank rows beside its factor.

With A_0 = U^T U factorised and V (m, p) the rows since then, whitened and divided by their noise,

    A = A_0 + V^T V = U^T (1 + W W^T) U,   W = U^-T V^T  (p, m),
    S = 1 + W^T W = L L^T,
    (1 + W W^T)^-1 = 1 - W S^-1 W^T = R R^T,   R = 1 - W L^-T (L + 1)^-1 W^T .

R is a square root that needs no noise of its own: draws of the weights follow from the same random
numbers before and after a label. A label costs p^2 m + 2 p m m_total operations, where a
factorisation costs p^3 / 3; with `SHARE` of p rows between two of them their sum is near its least.

References: M. A. Woodbury, Inverting modified matrices, Princeton Univ., 1950; for R:
A. Andrews, AIAA J. 6, 1165 (1968), doi:10.2514/3.4706.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from aofl.errors import ModelError
from aofl.records import FloatArray

SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """The rows since the factorisation.

    Attributes
    ----------
    buffer
        Space for the columns W, Fortran order, (p, capacity): one for all that grow from the same
        start, each of which sees its first columns.
    lower
        L, shape (m, m).
    """

    buffer: FloatArray
    lower: FloatArray

    @classmethod
    def none(cls, n_columns: int) -> Recent:
        """Return no rows, with space for some; the space is not used before it is filled."""
        capacity = int(SHARE * n_columns)
        return cls(buffer=np.empty((n_columns, capacity), order="F"), lower=np.empty((0, 0)))

    @property
    def columns(self) -> FloatArray:
        """W, shape (p, m)."""
        return self.buffer[:, : len(self.lower)]

    @property
    def room(self) -> int:
        """Number of rows that still fit."""
        return int(self.buffer.shape[1]) - len(self.lower)

    def append(self, new: FloatArray) -> Recent:
        """Return the rows with `new` columns of W after them, shape (p, k); once only.

        The space is shared: a second `append` to the same rows overwrites what the first added.

        Raises
        ------
        ModelError
            If the new columns are not finite numbers; the rows stay as they are.
        """
        m, k = len(self.lower), new.shape[1]
        coupling = self._forward(self.columns.T @ new)
        schur = new.T @ new - coupling.T @ coupling
        schur.flat[:: k + 1] += 1.0
        corner, info = lapack.dpotrf(schur.T, lower=1, clean=1)
        if info != 0 or not np.all(np.isfinite(corner)):
            raise ModelError(
                "the last label cannot be fitted; look for NaN or absurd numbers in it"
            )
        lower = np.zeros((m + k, m + k), order="F")
        lower[:m, :m], lower[m:, :m], lower[m:, m:] = self.lower, coupling.T, corner
        self.buffer[:, m : m + k] = new
        return Recent(buffer=self.buffer, lower=lower)

    def solve(self, vectors: FloatArray) -> FloatArray:
        """Return (1 + W W^T)^-1 x of each column x; shape (p,) or (p, k)."""
        if not len(self.lower):
            return vectors
        inner = self._backward(self._forward(self.columns.T @ vectors))
        return np.asarray(vectors - self.columns @ inner)

    def root(self, noise: FloatArray) -> FloatArray:
        """Return R e of each column e; shape (p, k)."""
        if not len(self.lower):
            return noise
        shifted = self.lower.copy(order="F")
        shifted.flat[:: len(shifted) + 1] += 1.0
        inner, _ = lapack.dtrtrs(shifted, self.columns.T @ noise, lower=1)
        return np.asarray(noise - self.columns @ self._backward(inner))

    def explained(self, vectors: FloatArray) -> FloatArray:
        """Return x^T W S^-1 W^T x of each column x, (k,): what the rows take off |x|^2."""
        inner = self._forward(self.columns.T @ vectors)
        return np.asarray(np.einsum("mk,mk->k", inner, inner))

    def _forward(self, right: FloatArray) -> FloatArray:
        """Return L^-1 x."""
        return lapack.dtrtrs(self.lower, right, lower=1)[0] if len(self.lower) else right

    def _backward(self, right: FloatArray) -> FloatArray:
        """Return L^-T x."""
        return np.asarray(lapack.dtrtrs(self.lower, right, lower=1, trans=1)[0])
