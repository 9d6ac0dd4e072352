"""Where each metal atom is: inside the metal, at its surface, on it, or gone from it.

An atom is told by two coordination numbers: `m`, its neighbours that are metal themselves, and
`k`, its contacts to non-metals. In an oxide or fluoride the cations are as close to each other as
in the metal, so neighbours count only while they are not oxidised themselves; the two definitions
are iterated together, from "fewer than three contacts" on. With n0 the coordination inside
the metal (14 in bcc, 12 in fcc and hcp):

    dissolved   m = 0, or m < 2 k with m below a surface's share: an ion in electrolyte or compound
    adatom      1 <= m < 0.5 n0
    surface     0.5 n0 <= m < 0.8 n0
    bulk        m >= 0.8 n0
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from aofl.chemistry.graph import Bonds
from aofl.chemistry.limits import IONIC, IS_METAL, METALLIC, bulk_coordination
from aofl.records import IntArray

SURFACE_FROM, BULK_FROM = 0.5, 0.8
ROUNDS = 10


class MetalState(IntEnum):
    """Where an atom is; NOT_METAL for the others."""

    NOT_METAL = 0
    BULK = 1
    SURFACE = 2
    ADATOM = 3
    DISSOLVED = 4


def metal_states(bonds: Bonds) -> IntArray:
    """Return the `MetalState` of each atom, shape (n_atoms,)."""
    is_metal = IS_METAL[bonds.numbers]
    contacts = bonds.coordination(IONIC)
    full = np.array([bulk_coordination(int(z)) for z in bonds.numbers])
    metallic = is_metal & (contacts < 3)
    neighbours = bonds.coordination(METALLIC, among=metallic)
    for _ in range(ROUNDS):
        before = metallic
        metallic = is_metal & (neighbours > 0) & (neighbours >= 2 * contacts)
        neighbours = bonds.coordination(METALLIC, among=metallic)
        if np.array_equal(metallic, before):
            break
    states = np.full(len(full), MetalState.NOT_METAL, dtype=np.int64)
    states[is_metal] = MetalState.DISSOLVED
    states[metallic] = MetalState.ADATOM
    states[metallic & (neighbours >= SURFACE_FROM * full)] = MetalState.SURFACE
    states[metallic & (neighbours >= BULK_FROM * full)] = MetalState.BULK
    return states
