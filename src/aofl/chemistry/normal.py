"""The direction along which an interface is layered, and how high each atom sits along it.

The normal is perpendicular to the other two cell vectors, whatever the angles of the cell. It is
the one direction that is not periodic; a cell that is periodic everywhere, as a slab that meets
its own image, is taken to be layered along its third vector.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aofl.records import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Heights:
    """Where the atoms of one frame are along the normal.

    Attributes
    ----------
    z
        Å, shape (n_atoms,); between 0 and `period` where the normal is periodic.
    normal
        Unit vector, shape (3,).
    area
        Of the cell across the normal, Å^2.
    period
        Å, or None where the normal is not periodic.
    """

    z: FloatArray
    normal: FloatArray
    area: float
    period: float | None


def normal_axis(pbc: npt.NDArray[np.bool_]) -> int:
    """Return the index of the cell vector that leads away from the surface."""
    open_axes = np.flatnonzero(~np.asarray(pbc, dtype=bool))
    return int(open_axes[0]) if len(open_axes) == 1 else 2


def heights(positions: FloatArray, cell: FloatArray, pbc: npt.NDArray[np.bool_]) -> Heights | None:
    """Return the heights of the atoms, or None where the cell has no area to layer over.

    Parameters
    ----------
    positions
        Å, shape (n_atoms, 3).
    cell
        Rows are the cell vectors, Å, shape (3, 3).
    pbc
        Periodicity along each cell vector, shape (3,).
    """
    axis = normal_axis(pbc)
    across = np.cross(cell[(axis + 1) % 3], cell[(axis + 2) % 3])
    area = float(np.linalg.norm(across))
    if area < 1e-9 or sum(bool(flag) for flag in pbc) < 2:
        return None
    normal = across / area
    z = positions @ normal
    if not pbc[axis]:
        return Heights(z=z, normal=normal, area=area, period=None)
    period = abs(float(cell[axis] @ normal))
    z = np.mod(z, period)
    z[z >= period] = 0.0  # np.mod of a tiny negative number gives the period itself
    return Heights(z=z, normal=normal, area=area, period=period)
