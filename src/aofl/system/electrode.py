"""A metal slab: a flat stack of atomic layers, one bulk period high."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Final

import ase.build
import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms

from aofl.errors import StructureError
from aofl.records import FloatArray
from aofl.system.lattice import Lattice, lattice_of, split_surface, unit_cell

_BUILDERS: Final[dict[str, Callable[..., Atoms]]] = {
    "bcc100": ase.build.bcc100,
    "bcc110": ase.build.bcc110,
    "bcc111": ase.build.bcc111,
    "fcc100": ase.build.fcc100,
    "fcc110": ase.build.fcc110,
    "fcc111": ase.build.fcc111,
    "hcp0001": ase.build.hcp0001,
}
_CENTRED: Final = ("bcc110", "bcc111", "fcc111", "hcp0001")

_SAME_LAYER: Final = 0.3  # Å
_SAME_LENGTH: Final = 1e-6  # Å
_REPEATS: Final = 6  # largest multiple of a surface vector looked at
_LONGEST_EDGE: Final = 40.0  # Å, of a rectangular surface cell


def build_slab(
    *,
    element: str,
    surface: str,
    lattice_constant: float | None = None,
    size: tuple[int, int, int],
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
        Lattice and face: bcc100, bcc110, bcc111, fcc100, fcc110, fcc111, hcp0001, or other
        Miller indices of a cubic lattice, such as bcc210. Those are cut from the bulk and need
        not continue it through the cell boundary.
    lattice_constant
        Cubic lattice constant, or a of hcp, Å; None takes the experimental one. c/a of hcp is
        experimental where the element is hcp, else ideal.
    size
        Surface cells along x and y, layers along z. Along y the count must be even where the
        primitive surface cell is not rectangular.

    Raises
    ------
    StructureError
        For an unknown element or surface, or an odd count along y.
    """
    crystal, indices = split_surface(surface)
    lattice = lattice_of(element, crystal, lattice_constant)
    if surface not in _BUILDERS:
        return _cut_slab(lattice, surface, indices, size)
    if surface in _CENTRED and size[1] % 2:
        raise StructureError(
            f"a rectangular {surface} slab needs an even size along y, not {size[1]}; "
            f"use {size[1] + 1}"
        )
    options: dict[str, float] = {"a": lattice.a}
    if crystal == "hcp":
        options["c"] = lattice.a * lattice.ratio
    slab = _BUILDERS[surface](element, size, periodic=True, orthogonal=True, **options)
    slab.positions[:, 2] -= slab.positions[:, 2].min()
    slab.info.pop("adsorbate_info", None)
    return slab


def slab_of_structure(atoms: Atoms) -> Atoms:
    """Return a slab as `build_slab` makes it, from a structure with its normal along z.

    Vacuum is taken away: the new cell is as many mean layer spacings high as there are layers.

    Raises
    ------
    StructureError
        If the cell is not rectangular along x, y and z, or there are not two layers.
    """
    cell = atoms.cell.array
    if np.abs(cell[:2] - np.diag(np.diag(cell))[:2]).max() > _SAME_LENGTH or np.any(
        np.abs(cell[2, :2]) > _SAME_LENGTH
    ):
        raise StructureError(
            "the cell of the electrode is not rectangular; give a slab with vectors along x, y, z"
        )
    slab = Atoms(atoms.numbers, positions=atoms.positions, pbc=True)
    slab.positions[:, 2] -= slab.positions[:, 2].min()
    tags = layer_tags(slab.positions[:, 2])
    n_layers = int(tags.max())
    if n_layers < 2:
        raise StructureError("the electrode has a single layer of atoms; give two or more")
    top, bottom = (float(slab.positions[tags == tag, 2].mean()) for tag in (1, n_layers))
    slab.set_cell([cell[0, 0], cell[1, 1], (top - bottom) * n_layers / (n_layers - 1)])
    slab.set_tags(tags)
    return slab


def layer_tags(heights: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the layer of each atom, 1 at the top, from heights that cluster, Å."""
    order = np.argsort(-heights, kind="stable")
    steps = -np.diff(heights[order]) > _SAME_LAYER
    tags = np.empty(len(heights), dtype=np.int64)
    tags[order] = 1 + np.concatenate([[0], np.cumsum(steps)])
    return tags


def freeze_layers(slab: Atoms, n_layers: int, *, sides: int) -> Atoms:
    """Return a slab some layers of which never move, as ASE's `FixAtoms`.

    Parameters
    ----------
    slab
        With `tags` that number its layers.
    n_layers
        How many: the lowest ones of a slab with one face, the middle ones with two.
    sides
        Faces that touch the electrolyte, 1 or 2.

    Raises
    ------
    StructureError
        If no layer would be left to move.
    """
    frozen: Atoms = slab.copy()
    if n_layers == 0:
        return frozen
    tags = slab.get_tags()
    total = int(tags.max())
    if n_layers >= total:
        raise StructureError(
            f"`frozen_layers` is {n_layers} of {total} layers; leave at least one to move"
        )
    last = total if sides == 1 else n_layers + (total - n_layers) // 2
    frozen.set_constraint(FixAtoms(np.flatnonzero((tags > last - n_layers) & (tags <= last))))
    return frozen


def _cut_slab(
    lattice: Lattice, surface: str, indices: tuple[int, ...], size: tuple[int, int, int]
) -> Atoms:
    """Return a slab of any face of a cubic lattice, its surface cell made rectangular."""
    if lattice.crystal == "hcp":
        raise StructureError(f"surface {surface!r} is unknown; of hcp only hcp0001 can be built")
    # A layer of ASE's is one or more planes of atoms, so that `size` of them are enough.
    thick = _turned(ase.build.surface(unit_cell(lattice), indices, size[2], periodic=True))
    matrix = np.eye(3, dtype=int)
    matrix[:2, :2] = _rectangle(thick.cell.array[:2, :2], surface)
    slab: Atoms = _turned(ase.build.make_supercell(thick, matrix))
    slab = slab.repeat((size[0], size[1], 1))
    slab.set_tags(layer_tags(slab.positions[:, 2]))
    volume = slab.get_volume() / len(slab)
    slab = slab[slab.get_tags() <= size[2]]
    edges = slab.cell.lengths()[:2]
    slab.set_cell([*edges, volume * len(slab) / np.prod(edges)])
    slab.positions[:, 2] -= slab.positions[:, 2].min()
    slab.pbc = True
    slab.wrap(pbc=(True, True, False), eps=1e-6)
    return slab


def _turned(slab: Atoms) -> Atoms:
    """Return a slab turned so that its first vector lies along x, its second in the xy plane."""
    turned: Atoms = slab.copy()
    turned.set_cell(slab.cell.standard_form()[0], scale_atoms=True)
    return turned


def _rectangle(plane: FloatArray, surface: str) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Return the integer combinations of two vectors that span the smallest rectangle."""
    span = range(-_REPEATS, _REPEATS + 1)
    best: tuple[float, list[tuple[int, int]]] | None = None
    pairs = [np.array(pair) for pair in itertools.product(span, span) if any(pair)]
    vectors = [(pair, pair @ plane) for pair in pairs]
    short = [(p, v) for p, v in vectors if np.linalg.norm(v) < _LONGEST_EDGE]
    for (first, u), (second, v) in itertools.product(short, short):
        area = u[0] * v[1] - u[1] * v[0]
        if area > 1e-6 and abs(u @ v) < 1e-6 and (best is None or area < best[0] - 1e-6):
            best = (area, [tuple(first), tuple(second)])
    if best is None:
        raise StructureError(
            f"surface {surface!r} has no rectangular cell with edges below {_LONGEST_EDGE:g} Å; "
            "give the slab as a file (`electrode.structure`)"
        )
    return np.array(best[1], dtype=np.int64)
