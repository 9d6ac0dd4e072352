"""The choice of an experiment: which blocks of rows say most, before their targets are known.

What a block X (m, p) of rows, in units of their noise, would say of the weights is what it takes
off the entropy of their posterior, the D-optimal criterion in Bayes' form:

    gain(X) = log det(1 + X S X^T) ,    S = D A^-1 D    (`aofl.bayes.posterior`)

Each block that is chosen enters A, so the next one is worth what it says beyond those before. The
best of all sets cannot be found in reasonable time; taking the best block each time comes to at
least 63 % of its gain, because gains only fall. For the same reason an old gain is an upper bound,
and a block whose bound is below the best gain found is not looked at again.

References: K. Chaloner and I. Verdinelli, Stat. Sci. 10, 273 (1995), doi:10.1214/ss/1177009939,
sec. 2; G. L. Nemhauser, L. A. Wolsey and M. L. Fisher, Math. Program. 14, 265 (1978),
doi:10.1007/BF01588971; M. Minoux, Lect. Notes Control Inf. Sci. 7, 234 (1978),
doi:10.1007/BFb0006528.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import blas, lapack

from aofl.bayes.posterior import Statistics, factorise
from aofl.records import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A block that was chosen, by its index, and what it said when it was, in nats."""

    index: int
    gain: float


def information_gain(factor: FloatArray, std: FloatArray, rows: FloatArray) -> float:
    """Return log det(1 + X S X^T) of a block of rows (m, p), nats.

    Parameters
    ----------
    factor, std
        Upper Cholesky factor U of A = U^T U in whitened coordinates (p, p), and D (p,).
    """
    # det(1 + V V^T) of V = X D U^-1, whose rows are solved for as columns.
    solved = blas.dtrsm(1.0, factor, np.asfortranarray((rows * std).T), trans_a=1, overwrite_b=1)
    inner = blas.dsyrk(1.0, solved, trans=1)
    inner.flat[:: len(rows) + 1] += 1.0
    root, _ = lapack.dpotrf(inner, lower=0, overwrite_a=1)
    return float(2.0 * np.log(np.diag(root)).sum())


def most_telling(
    rows_of: Callable[[int], FloatArray], n_blocks: int, known: Statistics, std: FloatArray
) -> Iterator[Chosen]:
    """Yield blocks in the order in which a greedy reader would ask for them, the best first.

    Parameters
    ----------
    rows_of
        Returns the rows of a block (m, p); asked for again and again, so that none is kept.
    known
        What was learned before, Gram matrix (p, p); it is not changed.
    std
        Prior deviations D (p,).
    """
    data = Statistics(np.array(known.gram, order="F"), known.moment.copy())
    factor = factorise(data, std)
    # Old gains, largest first; the round in which each was found; ties go to the earlier block.
    bounds = [(-information_gain(factor, std, rows_of(k)), k, 0) for k in range(n_blocks)]
    heapq.heapify(bounds)
    for n_chosen in range(n_blocks):
        while bounds[0][2] != n_chosen:
            _, k, _ = bounds[0]
            heapq.heapreplace(bounds, (-information_gain(factor, std, rows_of(k)), k, n_chosen))
        negative, k, _ = heapq.heappop(bounds)
        yield Chosen(index=k, gain=-negative)
        rows = rows_of(k)
        data.add(rows, np.zeros(len(rows)))
        factor = factorise(data, std)
