"""Pair search: all points within a cutoff, through any periodic boundary, by vesin's C interface.

vesin's own Python class is not used: it lets numpy make new ctypes classes for every number of
pairs it has not seen, which live as long as the process, some kilobytes at nearly each step of a
liquid. Here what vesin found is copied byte by byte, and its memory is given back at once.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from vesin._c_api import VesinCPU, VesinDevice, VesinNeighborList, VesinOptions
from vesin._c_lib import get_library

from aofl.errors import StructureError
from aofl.records import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Pairs of points.

    Attributes
    ----------
    i, j
        Indices of the two points, shape (n_pairs,).
    vectors
        From i to j, shape (n_pairs, 3).
    shifts
        Cell vectors to add to j, shape (n_pairs, 3); without rows where nobody asked.
    distances
        Lengths of the vectors, shape (n_pairs,); empty where nobody asked.
    """

    i: IntArray
    j: IntArray
    vectors: FloatArray
    shifts: IntArray
    distances: FloatArray


def find_pairs(
    points: FloatArray,
    cell: FloatArray,
    pbc: npt.NDArray[np.bool_],
    cutoff: float,
    *,
    is_full: bool,
    with_shifts: bool = False,
) -> Pairs:
    """Return the pairs within a cutoff.

    Parameters
    ----------
    points
        Shape (n, 3); they may lie outside the cell.
    cell
        Rows are the cell vectors, shape (3, 3).
    pbc
        Periodicity along each cell vector, shape (3,).
    is_full
        Whether each pair comes twice, as (i, j) and (j, i), sorted by i; otherwise it comes once,
        in any order.
    with_shifts
        Whether to give shifts and distances.

    Raises
    ------
    StructureError
        If vesin cannot make the list, as for a cell without volume.
    """
    options = VesinOptions(
        cutoff=cutoff,
        full=is_full,
        sorted=is_full,
        return_shifts=with_shifts,
        return_distances=with_shifts,
        return_vectors=True,
        n_threads=1,  # with more the order, and so the last bit of every sum, is chance
    )
    library, found, message = get_library(), VesinNeighborList(), ctypes.c_char_p()
    points = np.ascontiguousarray(points, dtype=np.float64)
    box = np.ascontiguousarray(cell, dtype=np.float64)
    periodic = np.ascontiguousarray(pbc, dtype=np.bool_)
    status = library.vesin_neighbors(
        _pointer(points, ctypes.c_double),
        len(points),
        _pointer(box, ctypes.c_double),
        _pointer(periodic, ctypes.c_bool),
        VesinDevice(VesinCPU, 0),
        options,
        ctypes.byref(found),
        ctypes.byref(message),
    )
    try:
        if status != 0:
            reason = (message.value or b"unknown reason").decode(errors="replace")
            raise StructureError(f"the neighbours within {cutoff} Å cannot be found: {reason}")
        return _copied(found, with_shifts=with_shifts)
    finally:
        library.vesin_free(ctypes.byref(found))


def _copied(found: Any, *, with_shifts: bool) -> Pairs:
    n = int(found.length)
    m = n if with_shifts else 0
    pairs = _array(found.pairs, 2 * n, np.uintp).reshape(n, 2).astype(np.int64)
    return Pairs(
        i=np.ascontiguousarray(pairs[:, 0]),
        j=np.ascontiguousarray(pairs[:, 1]),
        vectors=_array(found.vectors, 3 * n, np.float64).reshape(n, 3),
        shifts=_array(found.shifts, 3 * m, np.int32).reshape(m, 3).astype(np.int64),
        distances=_array(found.distances, m, np.float64),
    )


def _array(pointer: Any, size: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a copy of `size` numbers that a pointer of C leads to."""
    copied = np.empty(size, dtype=dtype)
    if size:
        ctypes.memmove(copied.ctypes.data, pointer, copied.nbytes)
    return copied


def _pointer(array: npt.NDArray[Any], kind: Any) -> Any:
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(kind))
