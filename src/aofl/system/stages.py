"""Cells of the learning stages, from the configuration of an interface.

Small, cheap cells teach the parts before the whole is run: the bulk metal, each molecule and ion
pair alone, a box of the liquid, and at last the interface. All are periodic and neutral.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from ase import Atoms

from aofl.config import FileElectrode, InterfaceSystem
from aofl.errors import StructureError
from aofl.system.build import build_system, compose, electrode_lattice, perfect_slab
from aofl.system.checks import check_structure
from aofl.system.engines import Engines
from aofl.system.equilibrate import equilibrate
from aofl.system.interface import pack_region
from aofl.system.lattice import bulk_cell
from aofl.system.packing import Region
from aofl.system.species import Species, Unit

_NO_ENGINES: Final = Engines()
_VACUUM: Final = 6.0  # Å, between a molecule and the faces of its box
_ION_DISTANCE: Final = 2.2  # Å, between a cation and the nearest atom of its anion
_DIRECTIONS: Final = 400  # looked at for the nearest place of a cation
_SMALLEST_BOX: Final = 9.0  # Å
_LOOSER: Final = 1.05  # longer edges for a liquid that does not fit
_TRIALS: Final = 6


def stage_cells(
    config: InterfaceSystem, seed: int, engines: Engines = _NO_ENGINES
) -> dict[str, list[Atoms]]:
    """Return the cells of every stage: those of `part_cells`, then `interface`."""
    whole = build_system(config, seed, engines).atoms
    return {**part_cells(config, seed, engines), "interface": [whole]}


def part_cells(
    config: InterfaceSystem, seed: int, engines: Engines = _NO_ENGINES
) -> dict[str, list[Atoms]]:
    """Return the cells of the stages before the interface: `bulk`, `molecules` and `liquid`.

    Raises
    ------
    StructureError
        If one of them cannot be built.
    """
    return {
        "bulk": [bulk_metal(config, engines)],
        "molecules": molecule_cells(config, engines),
        "liquid": [liquid_box(config, seed, engines)],
    }


def bulk_metal(config: InterfaceSystem, engines: Engines = _NO_ENGINES) -> Atoms:
    """Return the metal of the electrode without surfaces, periodic in all directions."""
    electrode = config.electrode
    if isinstance(electrode, FileElectrode):
        return perfect_slab(electrode, engines)
    return bulk_cell(electrode_lattice(electrode, engines))


def molecule_cells(config: InterfaceSystem, engines: Engines = _NO_ENGINES) -> list[Atoms]:
    """Return each molecule, and each salt as a contact ion pair, alone in a box.

    Ions that the configuration counts one by one have a charge and get no cell.
    """
    _, counts = compose(config.electrolyte, perfect_slab(config.electrode, engines), engines)
    return [_boxed(one) for one, _ in counts if one.charge == 0]


def liquid_box(config: InterfaceSystem, seed: int, engines: Engines = _NO_ENGINES) -> Atoms:
    """Return the electrolyte as a cubic box at the density of the liquid.

    The numbers are those of the interface, multiplied until an edge is 9 Å or more. The density
    is the one given, or that of ideal mixing; where neither is known, that of the gap.

    Raises
    ------
    StructureError
        If the molecules do not fit, not even with edges 30 % longer.
    """
    electrolyte = config.electrolyte
    composition, counts = compose(electrolyte, perfect_slab(config.electrode, engines), engines)
    ideal = [count * one.volume for one, count in counts if one.volume is not None]
    volume = composition.volume
    if electrolyte.density_g_per_cm3 is None and len(ideal) == len(counts):
        volume = sum(ideal)
    times = max(1, int(np.ceil(_SMALLEST_BOX**3 / volume)))
    counts = [(one, times * count) for one, count in counts]
    for trial in range(_TRIALS):
        edge = (times * volume) ** (1 / 3) * _LOOSER**trial
        region = Region(edges=np.full(3, edge), lower=0.0, upper=edge, obstacles=Atoms())
        distance = electrolyte.min_distance_A
        packed = pack_region(Atoms(pbc=True), counts, region, min_distance=distance, seed=seed)
        if packed is not None and packed.contacts.least >= 0.99 * distance:
            if config.equilibrate is None:
                return packed.atoms
            return equilibrate(packed, config.equilibrate, engines, seed=seed)
    raise StructureError(
        f"the liquid cannot be packed into a box of {edge:.1f} Å; use more molecules, "
        "or a smaller `min_distance_A`"
    )


def _boxed(one: Unit) -> Atoms:
    """Return a molecule or an ion pair in the middle of a periodic box."""
    atoms: Atoms = one.parts[0].atoms.copy() if len(one.parts) == 1 else _ion_pair(one.parts)
    atoms.pbc = True
    extent = np.ptp(atoms.positions, axis=0)
    atoms.set_cell(extent + 2 * _VACUUM)
    atoms.center()
    check_structure(atoms)
    return atoms


def _ion_pair(parts: Sequence[Species]) -> Atoms:
    """Return a cation at the origin with its anions on opposite sides, as near as they come."""
    pair: Atoms = parts[0].atoms.copy()
    for side, anion in zip((1.0, -1.0), parts[1:], strict=False):
        turned = anion.atoms.copy()
        place = _nearest_place(turned)
        turned.positions -= place
        turned.rotate(-place, (side, 0.0, 0.0))
        pair += turned
    return pair


def _nearest_place(anion: Atoms) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the point nearest to the middle of an anion that keeps off all its atoms."""
    index = np.arange(_DIRECTIONS) + 0.5
    z, turn = 1 - 2 * index / _DIRECTIONS, np.pi * (1 + 5**0.5) * index
    flat = np.sqrt(1 - z**2)
    directions = np.column_stack([flat * np.cos(turn), flat * np.sin(turn), z])
    middle = anion.positions.mean(axis=0)
    along = directions @ (anion.positions - middle).T
    aside = np.sum((anion.positions - middle) ** 2, axis=1) - along**2
    room = _ION_DISTANCE**2 - aside
    out = np.where(room > 0, along + np.sqrt(np.maximum(room, 0.0)), 0.0).max(axis=1)
    best = int(out.argmin())
    return np.asarray(middle + out[best] * directions[best])
