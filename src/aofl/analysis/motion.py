"""How far the elements of a trajectory move: displacement curves and diffusion coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aofl.analysis.findings import Survey
from aofl.analysis.transport import (
    Diffusion,
    Displacement,
    diffusion,
    mean_square_displacement,
    without_drift,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """Curves and coefficients by element.

    Attributes
    ----------
    displacement
        Element to mean-square displacement over the whole path.
    diffusion
        Element to coefficient; elements with too short a path are left out.
    is_relative
        Whether the drift of the centre of mass was taken out: it is, unless an atom is held.
    """

    displacement: Mapping[str, Displacement]
    diffusion: Mapping[str, Diffusion]
    is_relative: bool


def motion(found: Survey) -> Motion | None:
    """Return the motion of each element.

    None where times are not known or not evenly spaced, or where atoms move so far between two
    frames that their paths through periodic boundaries are not certain.
    """
    interval = found.track.interval() if found.has_time else None
    if interval is None or not found.track.is_certain:
        return None
    path = found.track.positions
    is_held = bool((np.abs(path - path[0]).max(axis=(0, 2)) < 1e-9).any())
    if not is_held:
        path = without_drift(path, np.array(found.masses))
    symbols = np.array(found.symbols)
    own = {element: path[:, symbols == element] for element in sorted(set(found.symbols))}
    coefficients = {element: diffusion(part, interval) for element, part in own.items()}
    return Motion(
        displacement={e: mean_square_displacement(part, interval) for e, part in own.items()},
        diffusion={e: d for e, d in coefficients.items() if d is not None},
        is_relative=not is_held,
    )
