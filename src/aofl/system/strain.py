"""Whether a start structure is one that atoms can be in: contacts and forces that tell of a fault.

A structure with a squeezed bond or a large force is no error: it may be what somebody wants to see.
But its energy becomes heat within femtoseconds, and what reacts then is the fault of the start.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list

from aofl.records import FloatArray

SQUEEZED = 0.76  # sums of covalent radii; triple bonds are 0.77, others 0.85 to 1.2
LARGE_FORCE = 10.0  # eV/Å; thermal motion at 3000 K makes 5


def squeezed_contacts(atoms: Atoms) -> list[str]:
    """Return a sentence for each two elements of which atoms are too close, the closest named."""
    radii = covalent_radii[atoms.numbers]
    first, second, distance = neighbor_list("ijd", atoms, cutoff=2 * SQUEEZED * radii.max())
    usual = radii[first] + radii[second]
    chosen = np.flatnonzero((distance < SQUEEZED * usual) & (first <= second))
    found: dict[str, str] = {}
    for k in chosen[np.argsort(distance[chosen] / usual[chosen])]:
        i, j = int(first[k]), int(second[k])
        pair = "-".join(sorted((atoms.symbols[i], atoms.symbols[j])))
        found.setdefault(
            pair,
            f"{pair}: atoms {i} and {j} are {distance[k]:.2f} Å apart, "
            f"{distance[k] / usual[k]:.2f} of the sum of their covalent radii",
        )
    return list(found.values())


def large_force(atoms: Atoms, forces: FloatArray) -> str | None:
    """Return a sentence where a force of the start structure is too large; None where none is.

    Parameters
    ----------
    forces
        Of the reference, eV/Å, (n, 3).
    """
    size = np.linalg.norm(forces, axis=1)
    k = int(np.argmax(size))
    if size[k] <= LARGE_FORCE:
        return None
    return (
        f"the force on atom {k} ({atoms.symbols[k]}) is {size[k]:.1f} eV/Å, and moving atoms feel "
        f"up to {LARGE_FORCE:g}: relax the structure first, or start from equilibrated frames"
    )
