"""What makes a face of a slab less than perfect: steps, vacancies, adatoms, oxide, hydroxide.

Each function takes one face, the upper one, and returns a new slab; `on_face` turns the slab
over for the lower. Added atoms carry the tag 0 and rest like balls in the hollows of the face,
touching the nearest atoms at the sum of their radii.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii
from scipy.spatial import Voronoi

from aofl.errors import StructureError
from aofl.records import FloatArray

_O_H_BOND: Final = 0.97  # Å
_APART: Final = 2.5  # Å, between atoms added to a face
_SAME_SITE: Final = 0.1  # Å
_HOLE: Final = 1.15  # of the smallest distance of a corner from the atoms around it


def on_face(slab: Atoms, lower: bool, change: Callable[[Atoms], Atoms]) -> Atoms:
    """Return a slab with a change made to its upper or lower face.

    `tags` number the layers from the top throughout, so they are counted from the other side
    while the slab is upside down.
    """
    if not lower:
        return change(slab)
    return _upside_down(change(_upside_down(slab)))


def cut_step(slab: Atoms) -> Atoms:
    """Return a slab without the half of its top layer that has the larger x: two step edges.

    Raises
    ------
    StructureError
        If the top layer has fewer than two rows along x.
    """
    x = slab.positions[:, 0]
    top = slab.get_tags() == 1
    rows = np.unique(np.round(x[top], 3))
    if len(rows) < 2:
        raise StructureError(
            "`stepped` takes half of the top layer, which has one row of atoms along x; "
            "use a larger first number in `size`"
        )
    lower: Atoms = slab[~(top & (np.round(x, 3) >= rows[len(rows) // 2]))]
    return lower


def remove_atoms(slab: Atoms, count: int, *, rng: np.random.Generator) -> Atoms:
    """Return a slab with `count` random atoms of its top layer missing.

    Raises
    ------
    StructureError
        If that is the whole layer.
    """
    top = np.flatnonzero(slab.get_tags() == 1)
    if count >= len(top):
        raise StructureError(
            f"`vacancies` is {count}, the top layer has {len(top)} atoms; leave at least one"
        )
    gone = rng.choice(top, size=count, replace=False)
    return slab[np.setdiff1d(np.arange(len(slab)), gone)]


def add_adatoms(slab: Atoms, count: int, *, rng: np.random.Generator) -> Atoms:
    """Return a slab with atoms of its own element in random hollows of its top layer."""
    symbol = slab.symbols[int(np.argmax(slab.positions[:, 2]))]
    reach = _nearest_neighbour(slab)
    grown = slab
    for site in _free_sites(slab, count, "adatoms", rng, apart=0.95 * reach):
        height = _resting_height(grown, site, np.full(len(grown), reach))
        grown = grown + Atoms(symbol, positions=[[*site, height]])
    return grown


def add_coverage(
    slab: Atoms, species: str, monolayers: float, *, rng: np.random.Generator
) -> Atoms:
    """Return a slab with oxide (O) or hydroxide (OH, upright) in hollows of its top layer.

    Parameters
    ----------
    species
        "O" or "OH".
    monolayers
        How many per atom of the top layer, rounded to a whole number.

    Raises
    ------
    StructureError
        If that is less than one, or more than there are free hollows.
    """
    n_top = int(np.count_nonzero(slab.get_tags() == 1))
    count = round(monolayers * n_top)
    if count == 0:
        raise StructureError(
            f"`coverage.monolayers` is {monolayers:g} of {n_top} surface atoms, less than one "
            f"{species}; use at least {1 / n_top:.2g} or a larger slab"
        )
    oxygen = covalent_radii[atomic_numbers["O"]]
    grown = slab
    for site in _free_sites(slab, count, "coverage.monolayers", rng, apart=_APART):
        height = _resting_height(grown, site, covalent_radii[grown.numbers] + oxygen)
        positions = [[*site, height], [*site, height + _O_H_BOND]][: len(species)]
        grown = grown + Atoms(species, positions=positions)
    return grown


def _upside_down(slab: Atoms) -> Atoms:
    turned: Atoms = slab.copy()
    tags = slab.get_tags()
    layers = tags > 0
    turned.positions[:, 2] = slab.positions[layers, 2].max() - slab.positions[:, 2]
    turned.set_tags(np.where(layers, tags.max() + 1 - tags, 0))
    return turned


def _nearest_neighbour(slab: Atoms) -> float:
    layers = slab[slab.get_tags() > 0]
    layers.pbc = (True, True, False)  # what was added may be close to the image above it
    distance = layers.get_all_distances(mic=True)
    np.fill_diagonal(distance, np.inf)
    return float(distance.min())


def _hollows(slab: Atoms) -> FloatArray:
    """Return the points (x, y) between the atoms of the top layer: its Voronoi corners.

    Corners in holes of the layer, such as a vacancy or the lower terrace of a step, are farther
    from its atoms than the others and are left out.
    """
    edges = slab.cell.lengths()[:2]
    points = slab.positions[slab.get_tags() == 1, :2]
    shifts = np.array([(i, j) for i in range(-2, 3) for j in range(-2, 3)]) * edges
    tiled = (points[None] + shifts[:, None]).reshape(-1, 2)
    corners = Voronoi(tiled).vertices
    inside = np.all((corners > -_SAME_SITE) & (corners < edges - _SAME_SITE), axis=1)
    corners = corners[inside]
    radii = np.linalg.norm(corners[:, None] - tiled[None], axis=-1).min(axis=1)
    corners = corners[radii < _HOLE * radii.min()]
    kept: list[FloatArray] = []
    for corner in corners[np.lexsort(np.round(corners, 3).T)]:
        if all(_apart(corner, other, edges) > _SAME_SITE for other in kept):
            kept.append(corner)
    return np.array(kept).reshape(-1, 2)


def _free_sites(
    slab: Atoms, count: int, key: str, rng: np.random.Generator, *, apart: float
) -> FloatArray:
    """Return random hollows that are `apart` from one another and from what was added before."""
    edges = slab.cell.lengths()[:2]
    heights = slab.positions[:, 2]
    is_above = heights > heights[slab.get_tags() > 0].mean()
    taken = slab.positions[(slab.get_tags() == 0) & is_above, :2]
    hollows = [
        site
        for site in rng.permutation(_hollows(slab))
        if all(_apart(site, other, edges) >= apart - _SAME_SITE for other in taken)
    ]
    chosen = _placed(hollows, edges, apart=apart)
    if len(chosen) < count:
        packed = (_packed(hollows, first, edges, apart=apart) for first in hollows)
        chosen = max([chosen, *packed], key=len)
    if len(chosen) < count:
        raise StructureError(
            f"`{key}` asks for {count} sites on a face with room for {len(chosen)}; "
            "use fewer, or a larger `size`"
        )
    return np.array(chosen[:count]).reshape(-1, 2)


def _placed(sites: list[FloatArray], edges: FloatArray, *, apart: float) -> list[FloatArray]:
    """Return the sites that are `apart` from all chosen before them, in their order."""
    chosen: list[FloatArray] = []
    for site in sites:
        if all(_apart(site, other, edges) >= apart - _SAME_SITE for other in chosen):
            chosen.append(site)
    return chosen


def _packed(
    sites: list[FloatArray], first: FloatArray, edges: FloatArray, *, apart: float
) -> list[FloatArray]:
    """Return as many sites as fit when each next one is the nearest to the first that may be.

    Sites in a random order jam before the face is full: an fcc hollow blocks three hcp ones.
    Those at lattice vectors from the first never block one another.
    """
    nearest = sorted(sites, key=lambda site: round(_apart(site, first, edges), 3))
    return _placed(nearest, edges, apart=apart)


def _apart(one: FloatArray, other: FloatArray, edges: FloatArray) -> float:
    difference = one - other
    return float(np.linalg.norm(difference - edges * np.round(difference / edges)))


def _resting_height(slab: Atoms, site: FloatArray, reach: FloatArray) -> float:
    """Return the lowest height over a site at which no atom is nearer than its `reach`, Å."""
    edges = slab.cell.lengths()[:2]
    difference = slab.positions[:, :2] - site
    difference -= edges * np.round(difference / edges)
    room = reach**2 - np.sum(difference**2, axis=1)
    near = room > 0
    return float(np.max(slab.positions[near, 2] + np.sqrt(room[near])))
