"""A reaction as it happened: its molecules and what surrounds them, before, at and after it.

The atoms are chosen once, in the frame of the reaction: the molecules that react, put together
across any boundary, whole molecules beside them, and metal atoms near by. They are then followed
back and forth, each along its shortest way, so all panels show the same atoms from the same side:
the metal below, the reacting molecules spread across the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.geometry import find_mic

from aofl.analysis.told_reactions import ReactionEvent
from aofl.chemistry.graph import connect
from aofl.chemistry.limits import COVALENT, IS_METAL, ChemistrySettings, limit_table
from aofl.chemistry.normal import heights
from aofl.chemistry.regions import components
from aofl.chemistry.species import Members, Pair
from aofl.records import FloatArray, IntArray

METAL_WITHIN, MOLECULES_WITHIN = 3.7, 2.7  # Å of an atom that reacts
SMALL, METAL_WITHIN_SMALL = 6, 5.0  # around so few atoms there is room for more of the metal
MOST_ATOMS = 70
TILT = np.radians(12.0)  # towards the viewer, so that rows of atoms do not hide each other


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One instant of a scene.

    Attributes
    ----------
    time
        Since the reaction, fs or frames.
    points
        To the right, upwards and towards the viewer, Å, shape (n, 3).
    bonds, contacts
        Covalent bonds, and contacts of reacting molecules with metal, as pairs of points.
    """

    time: float
    points: FloatArray
    bonds: tuple[Pair, ...]
    contacts: tuple[Pair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A reaction and its surroundings.

    Attributes
    ----------
    numbers
        Atomic numbers, shape (n,).
    reacts
        Which atoms belong to molecules that react, shape (n,).
    broken, formed
        The bonds that changed, as pairs of points.
    panels
        In the order of time, the second at the reaction.
    """

    event: ReactionEvent
    numbers: IntArray
    reacts: npt.NDArray[np.bool_]
    broken: tuple[Pair, ...]
    formed: tuple[Pair, ...]
    panels: tuple[Panel, ...]


def scene(event: ReactionEvent, frames: Sequence[tuple[float, Atoms]], middle: int) -> Scene | None:
    """Return the scene of an event; None where no bond changed.

    Parameters
    ----------
    frames
        Times and frames in the order of time.
    middle
        Which of them is at the reaction.
    """
    if not event.broken and not event.formed:
        return None
    atoms = frames[middle][1]
    pairs = [connect(frame).covalent for _, frame in frames]
    changed = frozenset((*event.broken, *event.formed))
    reacting = components({i for pair in changed for i in pair}, changed.union(*pairs))
    places = _put_together(atoms, reacting, pairs[middle] | changed)
    n_reacting = len(places)
    places = (places + _beside(atoms, places, pairs[middle]))[:MOST_ATOMS]
    index, points = np.array([i for i, _ in places]), np.array([p for _, p in places])
    axes = _view(atoms, points, n_reacting, IS_METAL[atoms.numbers[index]])
    place_of = {int(atom): k for k, atom in reversed(list(enumerate(index)))}
    panels = []
    for time, frame in frames:
        moved, _ = find_mic((frame.positions - atoms.positions)[index], atoms.cell, atoms.pbc)
        bonds, contacts = _bonds(frame, index, points + moved, n_reacting)
        centred = (points + moved - points[:n_reacting].mean(axis=0)) @ axes.T
        since = time - event.time_fs
        panels.append(Panel(time=since, points=centred, bonds=bonds, contacts=contacts))
    return Scene(
        event=event,
        numbers=atoms.numbers[index].astype(np.int64),
        reacts=np.arange(len(index)) < n_reacting,
        broken=tuple((place_of[i], place_of[j]) for i, j in event.broken),
        formed=tuple((place_of[i], place_of[j]) for i, j in event.formed),
        panels=tuple(panels),
    )


def _put_together(
    atoms: Atoms, molecules: Sequence[Members], graph: frozenset[Pair]
) -> list[tuple[int, FloatArray]]:
    """Return atoms and positions, each nearest to one it is bonded to, else to the first atom."""
    placed: dict[int, FloatArray] = {}
    for members in molecules:
        left = list(members)
        while left:
            bonded = [(i, j) for i in left for j in placed if (min(i, j), max(i, j)) in graph]
            atom, anchor = bonded[0] if bonded else (left[0], next(iter(placed), left[0]))
            start = placed.get(anchor, atoms.positions[anchor])
            vector = atoms.positions[atom] - atoms.positions[anchor]
            placed[atom] = start + find_mic(vector, atoms.cell, atoms.pbc)[0]
            left.remove(atom)
    return list(placed.items())


def _beside(
    atoms: Atoms, places: Sequence[tuple[int, FloatArray]], graph: frozenset[Pair]
) -> list[tuple[int, FloatArray]]:
    """Return metal atoms and whole molecules beside what reacts, nearest first, images too."""
    centre = np.array([place for _, place in places])
    ranges = [range(-1, 2) if flag else range(1) for flag in atoms.pbc]
    shifts = np.array(np.meshgrid(*ranges, indexing="ij")).reshape(3, -1).T @ atoms.cell.array
    # from the images nearest to what reacts, wherever the atoms drifted
    offsets, _ = find_mic(atoms.positions - centre.mean(axis=0), atoms.cell, atoms.pbc)
    images = centre.mean(axis=0) + offsets[:, None] + shifts[None]  # (n_atoms, n_images, 3)
    gaps = np.linalg.norm(images[:, :, None] - centre, axis=-1).min(axis=-1)
    to_metal = METAL_WITHIN_SMALL if len(places) <= SMALL else METAL_WITHIN
    reach = np.where(IS_METAL[atoms.numbers], to_metal, MOLECULES_WITHIN)
    reacting = {atom for atom, _ in places}
    near = [
        (float(gaps[i, k]), int(i), images[i, k])
        for i, k in np.argwhere(gaps < reach[:, None])
        if i not in reacting or gaps[i, k] > 1e-3
    ]
    found: list[tuple[int, FloatArray]] = []
    for _, atom, place in sorted(near, key=lambda entry: entry[:2]):
        (members,) = components([atom], graph)
        whole = dict(_put_together(atoms, [(atom, *(m for m in members if m != atom))], graph))
        for member, position in whole.items():
            shifted = position + place - whole[atom]
            known = [p for i, p in (*places, *found) if i == member]
            if all(np.linalg.norm(p - shifted) > 1e-3 for p in known):
                found.append((member, shifted))
    return found


def _bonds(
    frame: Atoms, index: IntArray, points: FloatArray, n_reacting: int
) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Return bonds among points, and contacts of what reacts with metal."""
    found = connect(frame)
    kinds = {(int(i), int(j)): int(k) for (i, j), k in zip(found.pairs, found.kinds, strict=True)}
    limits = limit_table(ChemistrySettings()).break_
    bonds, contacts = [], []
    for a in range(len(index)):
        for b in range(a + 1, len(index)):
            i, j = sorted((int(index[a]), int(index[b])))
            kind = kinds.get((i, j))
            length = np.linalg.norm(points[a] - points[b])
            if kind is None or length > limits[frame.numbers[i], frame.numbers[j]]:
                continue
            if kind == COVALENT:
                bonds.append((a, b))
            elif a < n_reacting and IS_METAL[frame.numbers[i]] != IS_METAL[frame.numbers[j]]:
                contacts.append((a, b))
    return tuple(bonds), tuple(contacts)


def _view(
    atoms: Atoms, points: FloatArray, n_reacting: int, is_metal: npt.NDArray[np.bool_]
) -> FloatArray:
    """Return the directions right, up and towards the viewer, shape (3, 3)."""
    inner = points[:n_reacting] - points[:n_reacting].mean(axis=0)
    layer = heights(atoms.positions[:1], atoms.cell.array, atoms.pbc)
    up = layer.normal if layer is not None else np.linalg.svd(inner, full_matrices=True)[2][-1]
    if (
        is_metal.any()
        and (points[is_metal].mean(axis=0) - points[:n_reacting].mean(axis=0)) @ up > 0
    ):
        up = -up
    spread = inner - np.outer(inner @ up, up)
    right = np.linalg.svd(spread, full_matrices=True)[2][0]
    right -= (right @ up) * up
    if np.linalg.norm(right) < 0.1:  # one atom, or all above each other: any direction will do
        right = np.cross(up, np.eye(3)[np.argmin(np.abs(up))])
    right /= np.linalg.norm(right)
    towards = np.cross(right, up)
    tilted_up = np.cos(TILT) * up + np.sin(TILT) * -towards
    return np.array([right, tilted_up, np.cross(right, tilted_up)])
