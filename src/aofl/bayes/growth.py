"""When a deviation is worth another look: cheap ones at every step tell when to ask dear ones.

The deviation of each atom's energy comes with the forces at a small part of their price; those of
the forces cost about two force calls. They follow the structure slowly, so they are looked at every
`CHECK_EVERY` steps, and at once where some atom's energy has become less certain by `GROWTH`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aofl.records import FloatArray

CHECK_EVERY = 5  # steps
GROWTH = 1.25


def has_grown(energies_std: FloatArray | None, before: Sequence[float]) -> bool:
    """Return whether the energy of some atom is less certain than when it was last looked at.

    Parameters
    ----------
    energies_std
        Now, eV, shape (n,); None where nothing was learned yet.
    before
        The same at the last look at the forces, empty before the first.
    """
    if energies_std is None or len(before) != len(energies_std):
        return True
    return bool(np.any(energies_std > GROWTH * np.array(before)))
