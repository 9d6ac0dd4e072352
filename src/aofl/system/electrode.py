"""A metal slab: a flat stack of atomic layers, one bulk period high."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import ase.build
from ase import Atoms
from ase.data import atomic_numbers

from aofl.errors import StructureError

_BUILDERS: Final[dict[str, Callable[..., Atoms]]] = {
    "bcc100": ase.build.bcc100,
    "bcc110": ase.build.bcc110,
    "bcc111": ase.build.bcc111,
    "fcc100": ase.build.fcc100,
    "fcc111": ase.build.fcc111,
    "hcp0001": ase.build.hcp0001,
}
_CENTRED: Final = ("bcc110", "bcc111", "fcc111", "hcp0001")


def build_slab(
    *, element: str, surface: str, lattice_constant: float, size: tuple[int, int, int]
) -> Atoms:
    """Return a slab in a rectangular cell, periodic in all three directions.

    The lowest layer lies at z = 0 and the cell is one layer spacing higher than the topmost
    layer, so that adding a gap (see `pack`) separates the slab from its image by the bulk
    spacing plus the gap. `tags` number the layers from 1 at the surface downwards.

    Parameters
    ----------
    element
        Chemical symbol.
    surface
        Lattice and face: bcc100, bcc110, bcc111, fcc100, fcc111 or hcp0001.
    lattice_constant
        Cubic lattice constant, or a of hcp, Å; the c/a of hcp is ideal.
    size
        Surface cells along x and y, layers along z. Along y the count must be even where the
        primitive surface cell is not rectangular.

    Raises
    ------
    StructureError
        For an unknown element or surface, or an odd count along y.
    """
    if atomic_numbers.get(element, 0) == 0:
        raise StructureError(f"{element!r} is not a chemical element; give a symbol such as Na")
    if surface not in _BUILDERS:
        raise StructureError(f"surface {surface!r} is unknown; use one of {', '.join(_BUILDERS)}")
    if surface in _CENTRED and size[1] % 2:
        raise StructureError(
            f"a rectangular {surface} slab needs an even size along y, not {size[1]}; "
            f"use {size[1] + 1}"
        )
    options: dict[str, float] = {"a": lattice_constant}
    if surface == "hcp0001":
        options["c"] = lattice_constant * (8 / 3) ** 0.5
    slab = _BUILDERS[surface](element, size, periodic=True, orthogonal=True, **options)
    slab.positions[:, 2] -= slab.positions[:, 2].min()
    slab.info.pop("adsorbate_info", None)
    return slab
