"""Statistics of force errors by element, as sums that add up: see `aofl.records.ErrorSums`.

    RMSE = sqrt(sum_k e_k^2 / n)      MAE = sum_k |e_k| / n      over n force components

Both are properties of the sums; the sums of two sets of frames are added, their RMSE are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from aofl.records import ErrorSums, FloatArray


def error_sums(
    predicted: FloatArray, reference: FloatArray, symbols: Sequence[str]
) -> dict[str, ErrorSums]:
    """Sum the force errors of one frame per element.

    Parameters
    ----------
    predicted, reference
        Forces, eV/Å, shape (n_atoms, 3).
    symbols
        The element of each atom, length n_atoms.

    Returns
    -------
    dict
        Element to sums, elements in alphabetical order.
    """
    errors, elements = np.abs(predicted - reference), np.asarray(symbols)
    return {str(e): _sums(errors[elements == e]) for e in np.unique(elements)}


def total(sums: Iterable[ErrorSums]) -> ErrorSums:
    """Add up records, for instance those of all elements."""
    return sum(sums, ErrorSums())


def _sums(errors: FloatArray) -> ErrorSums:
    """Sum magnitudes of errors, eV/Å, of any shape with at least one entry."""
    return ErrorSums(
        n=errors.size,
        sum_sq=float(np.sum(errors**2)),
        sum_abs=float(np.sum(errors)),
        max=float(np.max(errors)),
    )
