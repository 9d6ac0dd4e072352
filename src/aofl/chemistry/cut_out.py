"""A cut-out: the surroundings of an atom as a structure of its own, small enough to be labelled.

A cut takes units: molecules whole, and each atom of a metal. They come in the order of their
distance from the centre, as many as the cut-out may hold. It may keep some periodic axes and cut
the others: a layer keeps two, a cluster none. Along the axes that are cut, d is measured and vacuum
is put around; of all sets of axes that one is taken whose first unit left out is farthest away,
and of equals the one that cuts fewest.

Where the cut-out holds metal, its electrons balance every charge, and only their number must be
even: a metal atom at the rim goes or comes. Without metal the formal charges of its ions
(`aofl.chemistry.library`) must add up to zero: ions at the rim go, or the nearest come along.

An atom belongs to the core if it has all neighbours within the margin that it has in the whole
structure. Its force is taken for the one that it has there; those of the others are not.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain, combinations, product

import numpy as np
from ase import Atoms

from aofl.ace.pairs import find_pairs
from aofl.chemistry.bonds import Bonds
from aofl.chemistry.graph import connect
from aofl.chemistry.limits import COVALENT, IS_METAL, METALLIC
from aofl.chemistry.species import species_of_frame
from aofl.records import FloatArray, IntArray
from aofl.structure import Structure

CLOSED_SHELLS = (2, 10, 18, 36, 54, 86)
USUAL_CHARGE = 2  # of a metal ion that has no closed shell
SLACK = 1e-6  # Å: shells of a perfect crystal may lie just at the margin, on either side of it


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOut:
    """A part of a structure.

    Attributes
    ----------
    structure
        The part, with vacuum along the axes that were cut; periodic as the whole.
    atoms
        Index of each of its atoms in the whole, in rising order, shape (n,). An atom may come
        twice, as two images.
    core
        Those of the n whose forces are as in the whole, shape (m,).
    cut_axes
        Cell vectors, 0 to 2, along which it was cut.
    """

    structure: Structure
    atoms: IntArray
    core: IntArray
    cut_axes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """What a cut takes or leaves: a molecule, or an atom of a metal.

    `vectors` lead from the first atom to each, along the bonds, Å, (n, 3); `charge` is formal, e,
    and `in_metal` says whether it touches other atoms of its kind.
    """

    atoms: IntArray
    vectors: FloatArray
    charge: int
    n_electrons: int
    is_metal: bool
    in_metal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A way to cut: images of units in the order of their distance from the centre.

    Attributes
    ----------
    axes
        Cell vectors that are cut.
    directions
        Orthonormal, normal to the axes that are kept, shape (len(axes), 3).
    units, places, distances
        Of each image, from near to far: its unit, where the first atom of it is, seen from the
        centre, and its distance along the directions, Å; shapes (n,), (n, 3), (n,).
    """

    axes: tuple[int, ...]
    directions: FloatArray
    units: IntArray
    places: FloatArray
    distances: FloatArray

    def n_taken(self, sizes: IntArray, max_atoms: int, needed: float) -> int:
        """Return how many images fit; all that are as near as what is needed are taken anyhow."""
        fit = np.cumsum(sizes[self.units]) <= max_atoms
        return int(np.count_nonzero(fit | (self.distances <= needed)))

    def merit(self, sizes: IntArray, max_atoms: int, needed: float) -> tuple[int, float]:
        """Return how good it is, the larger the better.

        That is by how many atoms it is too large, if it is, and then how far the first unit left
        out is, Å.
        """
        n = self.n_taken(sizes, max_atoms, needed)
        excess = int(sizes[self.units[:n]].sum()) - max_atoms
        reach = float(self.distances[n]) if n < len(self.units) else np.inf
        return -max(0, excess), reach


def cut_out(
    structure: Structure, centre: int, *, max_atoms: int, margin: float, vacuum: float
) -> CutOut:
    """Return the surroundings of an atom as a structure of its own.

    Parameters
    ----------
    centre
        Index of the atom; it always belongs to the core.
    max_atoms
        As many as the cut-out should hold; more only where the margin around the centre needs
        them, or a charge its counterion.
    margin
        Distance from what is left out within which atoms do not belong to the core, Å.
    vacuum
        Width along the axes that are cut, Å.

    Raises
    ------
    StructureError
        If a position or the cell is not finite.
    """
    units = _units(structure)
    ways = [_way(structure, units, centre, axes) for axes in _sets_of_axes()]
    sizes = np.array([len(unit.atoms) for unit in units])
    needed = margin + 2 * SLACK
    best = max(ways, key=lambda way: way.merit(sizes, max_atoms, needed))
    taken = _balanced(units, best, best.n_taken(sizes, max_atoms, needed), needed)
    images = [(units[best.units[k]], best.places[k]) for k in taken]
    part, atoms = _part(structure, images, best, vacuum)
    is_core = _n_near(part, margin) == _n_near(structure, margin)[atoms]
    return CutOut(structure=part, atoms=atoms, core=np.flatnonzero(is_core), cut_axes=best.axes)


def _sets_of_axes() -> list[tuple[int, ...]]:
    return [axes for n in (1, 2, 3) for axes in combinations(range(3), n)]


def _n_near(structure: Structure, cutoff: float) -> IntArray:
    """Return how many atoms each has within a cutoff, images included, (n,)."""
    pairs = find_pairs(
        structure.positions, structure.cell, structure.pbc, cutoff + SLACK, is_full=True
    )
    return np.bincount(pairs.i, minlength=len(structure))


# Units


def _units(structure: Structure) -> list[_Unit]:
    bonds = connect(structure)
    atoms = Atoms(structure.numbers, structure.positions, cell=structure.cell, pbc=structure.pbc)
    near = _neighbours(bonds.of_kind(COVALENT))
    molecules = [
        _molecule(np.array(members), structure.numbers, near, species.charge)
        for members, species in species_of_frame(atoms, bonds)
    ]
    touches = bonds.coordination(METALLIC) > 0
    metal = np.flatnonzero(IS_METAL[structure.numbers])
    return molecules + [
        _metal_atom(int(k), int(structure.numbers[k]), bool(touches[k])) for k in metal
    ]


def _molecule(
    atoms: IntArray,
    numbers: IntArray,
    near: dict[int, list[tuple[int, FloatArray]]],
    charge: int | None,
) -> _Unit:
    """Return a molecule; one that the library does not know is taken for a closed shell."""
    n_protons = int(numbers[atoms].sum())
    known = -(n_protons % 2) if charge is None else charge
    return _Unit(
        atoms=atoms,
        vectors=_whole(atoms, near),
        charge=known,
        n_electrons=n_protons,
        is_metal=False,
    )


def _metal_atom(atom: int, number: int, in_metal: bool) -> _Unit:
    shell = max((n for n in CLOSED_SHELLS if n < number), default=0)
    beyond = number - shell
    return _Unit(
        atoms=np.array([atom]),
        vectors=np.zeros((1, 3)),
        charge=beyond if beyond <= 3 else USUAL_CHARGE,
        n_electrons=number,
        is_metal=True,
        in_metal=in_metal,
    )


def _neighbours(bonds: Bonds) -> dict[int, list[tuple[int, FloatArray]]]:
    """Return the bonded atoms of each atom, with the vectors to them, Å."""
    near: defaultdict[int, list[tuple[int, FloatArray]]] = defaultdict(list)
    for (i, j), vector in zip(bonds.pairs.tolist(), bonds.vectors, strict=True):
        near[i].append((j, vector))
        near[j].append((i, -vector))
    return near


def _whole(atoms: IntArray, near: dict[int, list[tuple[int, FloatArray]]]) -> FloatArray:
    """Return the vectors from the first atom of a molecule to each, along its bonds, Å, (n, 3)."""
    first = int(atoms[0])
    found, edge = {first: np.zeros(3)}, [first]
    while edge:
        i = edge.pop()
        for j, vector in near.get(i, ()):
            if j not in found:
                found[j] = found[i] + vector
                edge.append(j)
    return np.array([found[k] for k in atoms.tolist()])


# Ways to cut


def _way(structure: Structure, units: list[_Unit], centre: int, axes: tuple[int, ...]) -> _Way:
    directions = _directions(structure, axes)
    places = _wrapped([unit.atoms[0] for unit in units], structure, centre)
    choices = [(-1, 0, 1) if k in axes and structure.pbc[k] else (0,) for k in range(3)]
    shifts = np.array(list(product(*choices))) @ structure.cell
    images = places[:, None] + shifts  # (n_units, n_shifts, 3)
    distances = np.array(
        [_distances(images[k], unit.vectors, directions) for k, unit in enumerate(units)]
    )
    order = np.argsort(distances, axis=None, kind="stable")
    which, image = np.divmod(order, len(shifts))
    return _Way(
        axes=axes,
        directions=directions,
        units=which,
        places=images[which, image],
        distances=distances[which, image],
    )


def _wrapped(atoms: list[int], structure: Structure, centre: int) -> FloatArray:
    """Return the vectors from the centre to some atoms, within half a cell of it, Å, (n, 3)."""
    vectors = structure.positions[atoms] - structure.positions[centre]
    periodic = structure.cell[structure.pbc]
    wrapped: FloatArray = vectors - np.round(vectors @ np.linalg.pinv(periodic)) @ periodic
    return wrapped


def _distances(places: FloatArray, vectors: FloatArray, directions: FloatArray) -> FloatArray:
    """Return the distance of the nearest atom of each image of a unit, (n_images,), Å."""
    along = (places[:, None] + vectors) @ directions.T
    return np.asarray(np.linalg.norm(along, axis=2).min(axis=1))


def _directions(structure: Structure, axes: tuple[int, ...]) -> FloatArray:
    """Return unit vectors along the axes that are cut, normal to the others and to one another."""
    kept = [axis for axis in range(3) if axis not in axes]
    found: list[FloatArray] = []
    cell = Atoms(cell=structure.cell).cell.complete().array
    for axis in (*kept, *axes):
        vector = cell[axis] - sum((cell[axis] @ v) * v for v in found)
        found.append(vector / np.linalg.norm(vector))
    return np.array(found[len(kept) :])


# Charges


def _balanced(units: list[_Unit], way: _Way, n_taken: int, needed: float) -> list[int]:
    """Return the images that are taken, after some at the rim have gone or come for the charge."""
    of = [units[k] for k in way.units]
    taken = list(range(n_taken))
    while misfit := _misfit([of[k] for k in taken]):
        rim = [k for k in reversed(taken) if way.distances[k] > needed]
        inside = set(taken)
        outside = [k for k in range(len(of)) if k not in inside]
        changes = ([j for j in taken if j != k] for k in _movable(rim, of))
        more = ([*taken, k] for k in _movable(outside, of))
        better = (c for c in chain(changes, more) if _misfit([of[k] for k in c]) < misfit)
        changed = next(better, None)
        if changed is None:
            break
        taken = changed
    return taken


def _movable(chosen: list[int], of: list[_Unit]) -> list[int]:
    """Return what may go or come for a charge: atoms of metals, then ions."""
    metal = [k for k in chosen if of[k].is_metal]
    return metal + [k for k in chosen if not of[k].is_metal and of[k].charge]


def _misfit(taken: list[_Unit]) -> int:
    """Return how far a set of units is from closed shells: electrons, or the sum of charges."""
    if any(unit.in_metal for unit in taken):
        return sum(unit.n_electrons for unit in taken) % 2
    return abs(sum(unit.charge for unit in taken))


# The part


def _part(
    structure: Structure, taken: list[tuple[_Unit, FloatArray]], way: _Way, vacuum: float
) -> tuple[Structure, IntArray]:
    atoms = np.concatenate([unit.atoms for unit, _ in taken])
    positions = np.concatenate([place + unit.vectors for unit, place in taken])
    order = np.argsort(atoms, kind="stable")
    atoms, positions = atoms[order], positions[order]
    cell, along = structure.cell.copy(), positions @ way.directions.T
    widths = np.ptp(along, axis=0) + vacuum
    cell[list(way.axes)] = widths[:, None] * way.directions
    positions = positions + (0.5 * vacuum - along.min(axis=0)) @ way.directions
    part = Structure(
        numbers=structure.numbers[atoms], positions=positions, cell=cell, pbc=structure.pbc.copy()
    )
    return part, atoms
