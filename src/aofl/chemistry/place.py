"""Where something happened along the surface normal."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from aofl.chemistry.normal import heights
from aofl.chemistry.species import Members


def height_of(members: Members, atoms: Atoms) -> float | None:
    """Return the mean height of a few atoms along the normal, Å; None where there is no surface."""
    own = heights(atoms.positions[list(members)], atoms.cell.array, atoms.pbc)
    return None if own is None else _mean(own.z.tolist(), own.period)


def mean_height(values: list[float | None], atoms: Atoms) -> float | None:
    """Return the mean of heights, Å; those that are None are left out."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    cell = heights(atoms.positions[:1], atoms.cell.array, atoms.pbc)
    return _mean(known, cell.period if cell is not None else None)


def _mean(values: list[float], period: float | None) -> float:
    """Return the mean, along a circle where the direction is periodic."""
    if period is None:
        return float(np.mean(values))
    phases = np.exp(2j * np.pi * np.array(values) / period)
    return float(np.angle(phases.mean()) / (2 * np.pi) * period % period)
