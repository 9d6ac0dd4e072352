"""Molecules packed between the faces of a slab, in the gap of the periodic cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

import numpy as np
from ase import Atoms

from aofl.errors import StructureError
from aofl.records import IntArray
from aofl.rng import generator
from aofl.system.checks import Contacts, check_whole, contacts
from aofl.system.composition import DENSEST
from aofl.system.packing import Region, pack_between
from aofl.system.species import Species, Unit, unit

Counts: TypeAlias = Sequence[tuple[Unit, int]]

_CONTACT_TOLERANCE: Final = 0.99  # of the least distance asked for
_ATTEMPTS: Final = 5
_GAP_GROWTH: Final = 1.25
_GAP_TRIALS: Final = 8
_PROTRUDES: Final = 0.1  # Å
_COMPLETE: Final = 0.6  # of the fullest layer's atoms


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The room for molecules.

    Attributes
    ----------
    height
        Added to the bulk cell of the slab, Å.
    min_distance
        Least distance between molecules, and to the layers of the slab, Å.
    vacuum
        Behind the slab, Å; 0 where both of its faces touch the molecules.
    """

    height: float
    min_distance: float
    vacuum: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A slab and the molecules in its gap.

    Attributes
    ----------
    atoms
        The slab's atoms first, then the molecules.
    molecules
        What each molecule is, in the order of the atoms.
    molecule_of
        Number of the molecule of each atom, -1 in the slab; shape (n_atoms,).
    contacts
        The least distances got.
    """

    atoms: Atoms
    molecules: tuple[Species, ...]
    molecule_of: IntArray = field(repr=False)
    contacts: Contacts


def pack(
    slab: Atoms, molecules: Mapping[str, int], *, gap: float, min_distance: float, seed: int
) -> Atoms:
    """Return a slab with molecules in the gap above it, periodic in all directions.

    The new cell is `gap` higher than the bulk cell of the slab. The facing metal layers are thus
    one layer spacing plus `gap` apart, and no atom of a molecule comes nearer than
    `min_distance` to the plane of either.

    Parameters
    ----------
    slab
        From `build_slab`: rectangular, one bulk period high, lowest layer at z = 0.
    molecules
        Name (see `unit`): how many.
    gap
        Height added to the cell of the slab, Å.
    min_distance
        Least distance between atoms of different molecules, and to the metal layers, Å.
    seed
        Seed of the run, >= 0; the same seed gives the same structure.

    Returns
    -------
    The slab's atoms first, then the molecules in the order given. `tags` hold the slab's
    layers and 0 in the molecules.

    Raises
    ------
    StructureError
        If the molecules do not fit; the message gives a gap that would do.
    """
    counts = [(unit(name), count) for name, count in molecules.items()]
    return pack_units(slab, counts, Gap(height=gap, min_distance=min_distance), seed=seed).atoms


def pack_units(slab: Atoms, counts: Counts, gap: Gap, *, seed: int) -> Packed:
    """Return molecules and salts packed as `pack` does, with what each molecule is.

    Raises
    ------
    StructureError
        If the molecules do not fit; the message gives a gap that would do.
    """
    packed = _pack_in(slab, counts, gap, seed)
    if packed is None:
        raise StructureError(_does_not_fit(slab, counts, gap, seed))
    if not _is_apart(packed, gap.min_distance):
        raise StructureError(_too_close(slab, packed, gap))
    return packed


def pack_region(
    slab: Atoms,
    counts: Counts,
    region: Region,
    *,
    min_distance: float,
    seed: int,
    attempts: int = _ATTEMPTS,
) -> Packed | None:
    """Return a slab with molecules packed in a region; the slab may have no atoms.

    A dense packing is found from one random start and not from another, and Packmol knows
    nothing of a molecule's own images. So where it fails, or an image is too close, the next of a
    few seeds is tried; if images are too close in all, the last packing is returned.

    Parameters
    ----------
    attempts
        How many seeds, >= 1.

    Returns
    -------
    None if the molecules do not fit.
    """
    kinds = [
        (part, count * one.parts.count(part))
        for one, count in counts
        for part in dict.fromkeys(one.parts)
    ]
    packed = None
    for attempt in range(attempts):
        found = pack_between(
            [(kind.atoms, count) for kind, count in kinds],
            region,
            min_distance=min_distance,
            seed=int(generator(seed, "packing", attempt).integers(1, 2**31 - 1)),
        )
        if found is None:
            continue
        packed = _joined(slab, found, kinds, region)
        if _is_apart(packed, min_distance):
            break
    return packed


def _joined(
    slab: Atoms, found: Atoms, kinds: Sequence[tuple[Species, int]], region: Region
) -> Packed:
    """Return the slab with what Packmol found, checked to be whole molecules."""
    molecules = tuple(kind for kind, count in kinds for _ in range(count))
    lengths = [len(kind.atoms) for kind in molecules]
    numbers = np.repeat(np.arange(len(molecules), dtype=np.int64), lengths)
    molecule_of = np.concatenate([np.full(len(slab), -1, dtype=np.int64), numbers])
    atoms: Atoms = slab + found
    atoms.set_cell(region.edges)
    check_whole(atoms, [kind.atoms for kind in molecules], len(slab))
    return Packed(
        atoms=atoms,
        molecules=molecules,
        molecule_of=molecule_of,
        contacts=contacts(atoms, molecule_of),
    )


def region_of(slab: Atoms, gap: Gap) -> Region:
    """Return where molecules may be: beyond the outermost complete layers, around what is not."""
    heights, tags = slab.positions[:, 2], slab.get_tags()
    n_layers = int(tags.max())
    full = _COMPLETE * np.bincount(tags)[1:].max()
    complete = [t for t in range(1, n_layers + 1) if np.count_nonzero(tags == t) > full]
    top = float(heights[tags == complete[0]].max())
    bottom = float(heights[tags == complete[-1]].min())
    period = float(slab.cell.lengths()[2])
    height = period + gap.height + gap.vacuum
    obstacles = slab[(heights > top + _PROTRUDES) | (heights < bottom - _PROTRUDES)]
    below = obstacles.positions[:, 2] < bottom
    obstacles.positions[below, 2] += height
    upper = bottom + height - gap.min_distance
    if gap.vacuum:
        # The liquid's own free surface: the gap ends half a layer spacing above the metal's top,
        # and half a contact further in are its outermost atoms.
        upper = (heights[tags > 0].max() + period) / 2 + gap.height - gap.min_distance / 2
    return Region(
        edges=np.array([*slab.cell.lengths()[:2], height]),
        lower=top + gap.min_distance,
        upper=upper,
        obstacles=obstacles,
        floor=bottom,
    )


def _pack_in(
    slab: Atoms, counts: Counts, gap: Gap, seed: int, attempts: int = _ATTEMPTS
) -> Packed | None:
    """Return the packed slab, or None if the molecules do not fit."""
    region = region_of(slab, gap)
    volumes = [count * one.volume for one, count in counts if one.volume is not None]
    # Packmol would look for a minute for what cannot be.
    is_hopeless = sum(volumes) > DENSEST * _area(slab) * gap.height
    if region.upper <= region.lower or is_hopeless:
        return None
    distance = gap.min_distance
    return pack_region(slab, counts, region, min_distance=distance, seed=seed, attempts=attempts)


def _is_apart(packed: Packed, min_distance: float) -> bool:
    return packed.contacts.least >= _CONTACT_TOLERANCE * min_distance


def _does_not_fit(slab: Atoms, counts: Counts, gap: Gap, seed: int) -> str:
    """Return the message for molecules that do not fit, with a gap that was tried and does."""
    area = _area(slab)
    amount = ", ".join(f"{count} {one.name}" for one, count in counts)
    message = (
        f"{amount} cannot be packed into a gap of {gap.height:g} Å ({area * gap.height:.0f} Å^3) "
        f"at {gap.min_distance:g} Å apart"
    )
    for trial in range(1, _GAP_TRIALS + 1):
        larger = float(np.ceil(gap.height * _GAP_GROWTH**trial))
        if _pack_in(slab, counts, replace(gap, height=larger), seed, 1) is not None:
            return f"{message}; a gap of {larger:g} Å does ({area * larger:.0f} Å^3)"
    return f"{message}, nor into one of {larger:g} Å; take fewer molecules or a wider slab"


def _too_close(slab: Atoms, packed: Packed, gap: Gap) -> str:
    least = packed.contacts.least
    if packed.contacts.own_image > least:
        return (
            f"packmol placed two molecules {least:.2f} Å apart, asked for {gap.min_distance:g} Å; "
            "try another seed or a larger gap"
        )
    edge = float(slab.cell.lengths()[:2].min())
    longest = max(packed.molecules, key=_extent)
    return (
        f"{longest.name} ({_extent(longest):.1f} Å long) comes within {least:.2f} Å of its own "
        f"image in a cell {edge:.1f} Å wide; use a larger `size`, so that "
        f"{_extent(longest) + gap.min_distance:.1f} Å fit"
    )


def _area(slab: Atoms) -> float:
    return float(np.prod(slab.cell.lengths()[:2]))


def _extent(kind: Species) -> float:
    return float(kind.atoms.get_all_distances().max())
