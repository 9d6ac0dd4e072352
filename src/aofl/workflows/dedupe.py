"""Take the near-duplicates out of a labelled data set.

Frames are looked at in the order of the file, and each is judged against those kept before it. Two
things make it a near-duplicate, and either will do:

- **Positions**: no atom is farther than `displacement` from where it is in a frame that was kept,
  of the same atoms in the same order and cell. Periodic images count, and a shift of the whole
  structure does not.
- **Environments**, as the learner compares them (`aofl.learning.rules.similarity`). With x_i the
  environment of atom i and X_z what the kept frames have shown of its element z:

      d_i = 1 - max_{x in X_z} x_i . x      cosine distance to the nearest one that is kept
      D_z = median of d between atoms of a frame and those of another frame drawn at random
      r_i = d_i / D_z

  The frame is a near-duplicate if r_i < `similarity` for all of its atoms: the largest decides,
  because one breaking bond among hundreds of atoms is what the frame is there for. However the
  structure is turned, moved or ordered does not matter.

Of near-duplicates the first is kept: what is kept of a file then depends on nothing that comes
later in it, so frames can be appended, and the better of two files is put first. The first frame
of each composition is always kept, because it tells the energies of the elements apart.

The learner has D_z from atoms that it predicts well; labels alone have no such atoms, so here D_z
is how far apart frames usually are. It says little about a file in which all frames are alike, and
then positions decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from ase.geometry import find_mic
from numpy.typing import NDArray

from aofl.errors import ConfigError
from aofl.forcefield.model import ForceField
from aofl.forcefield.train import structure
from aofl.progress import OnProgress, nobody, tracked
from aofl.records import IntArray, LabelledStructure
from aofl.rng import generator
from aofl.store import LabelKeys, LeftOut, check_is_new, write_labels
from aofl.workflows.labelled_frames import LabelledFrames, labelled_frames

DISPLACEMENT = 0.01  # Å
SIMILARITY = 0.3  # of D_z; the learner's spacing of the environments that it keeps
PAIRS = 200  # of frames, for D_z
SAME_CELL = 6  # decimals, Å

Vectors = NDArray[np.floating[Any]]  # environments, shape (k, m)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduped:
    """What was kept of a data set.

    Attributes
    ----------
    kept
        Labels, in the order of the file.
    removed
        Near-duplicates, with the frame that each is one of.
    usual_distance
        D_z by element.
    """

    read: LabelledFrames
    kept: list[LabelledStructure]
    removed: list[LeftOut]
    usual_distance: dict[str, float]
    displacement: float
    similarity: float

    def to_json(self) -> dict[str, Any]:
        """Return everything but the labels as JSON values."""
        return {
            "n_labels": len(self.read.labels),
            "n_kept": len(self.kept),
            "displacement_A": self.displacement,
            "similarity": self.similarity,
            "usual_distance": self.usual_distance,
            "removed": [{"frame": item.frame, "reason": item.reason} for item in self.removed],
            "data": self.read.to_json(),
        }


class _Environments:
    """Environments of one element, and the index of the entry that showed each."""

    def __init__(self, length: int) -> None:
        self._rows: Vectors = np.empty((0, length), dtype=np.float32)
        self.owners: list[int] = []

    @property
    def vectors(self) -> Vectors:
        return self._rows[: len(self.owners)]

    def add(self, rows: Vectors, owner: int) -> None:
        """Take more of them in; the room for them doubles, so that many frames cost little."""
        n, needed = len(self.owners), len(self.owners) + len(rows)
        if needed > len(self._rows):
            room = np.empty((2 * needed, self._rows.shape[1]), dtype=np.float32)
            room[:n] = self._rows[:n]
            self._rows = room
        self._rows[n:needed] = rows
        self.owners += [owner] * len(rows)


@dataclass(kw_only=True)
class _Kept:
    """What was kept so far.

    Attributes
    ----------
    alike
        Indices of the entries of the same atoms in the same order and cell.
    compositions
        Sorted atomic numbers.
    environments
        By atomic number.
    """

    entries: list[LabelledStructure] = field(default_factory=list)
    alike: dict[bytes, list[int]] = field(default_factory=dict)
    compositions: set[bytes] = field(default_factory=set)
    environments: dict[int, _Environments] = field(default_factory=dict)


def dedupe(
    data: Path,
    out: Path,
    *,
    displacement: float = DISPLACEMENT,
    similarity: float = SIMILARITY,
    keys: LabelKeys | None = None,
    on_progress: OnProgress = nobody,
) -> Deduped:
    """Write a data set without its near-duplicates to a new file; see the module.

    Parameters
    ----------
    displacement
        Farthest that an atom of a near-duplicate has moved, Å; 0 takes nothing out by positions.
    similarity
        Farthest that an environment of a near-duplicate is from a known one, in units of D_z; 0
        takes nothing out by environments.

    Raises
    ------
    ConfigError
        If a limit is negative or no number.
    StoreError
        If `out` exists, or the labels cannot be believed (`aofl.workflows.labelled_frames`).
    """
    for name, value in (("--displacement", displacement), ("--similarity", similarity)):
        if not 0 <= value < np.inf:
            raise ConfigError(f"{name} is {value}: it must not be negative")
    check_is_new(out)
    on_progress("reading labels", 0, None)
    read = labelled_frames([data], keys)
    thinned = without_near_duplicates(read.labels, displacement, similarity, on_progress)
    write_labels(out, thinned.kept)
    return Deduped(
        read=read,
        kept=thinned.kept,
        removed=[_left_out(entry, reason) for entry, reason in thinned.removed],
        usual_distance={chemical_symbols[z]: d for z, d in thinned.usual_distance.items()},
        displacement=displacement,
        similarity=similarity,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinned:
    """Frames without their near-duplicates.

    Attributes
    ----------
    kept
        In the order given.
    removed
        Near-duplicates, each with the reason.
    usual_distance
        D_z by atomic number.
    """

    kept: list[LabelledStructure]
    removed: list[tuple[LabelledStructure, str]]
    usual_distance: dict[int, float]


def without_near_duplicates(
    labels: Sequence[LabelledStructure],
    displacement: float = DISPLACEMENT,
    similarity: float = SIMILARITY,
    on_progress: OnProgress = nobody,
) -> Thinned:
    """Return the frames that are no near-duplicates of those before them; see the module.

    What the labels say is not looked at; their provenance has `source` and `frame`.
    """
    numbers = np.unique(np.concatenate([entry.numbers for entry in labels]))
    force_field = ForceField([int(z) for z in numbers], "standard")
    usual = usual_distances(force_field, labels, on_progress)
    kept = _Kept()
    removed = []
    for entry in tracked(labels, "comparing frames", on_progress):
        vectors = force_field.environments(structure(entry)).astype(np.float32)
        reason = _same_positions(entry, kept, displacement)
        if reason is None:
            reason = _same_environments(entry, vectors, kept, usual, similarity)
        if reason is None:
            _keep(entry, vectors, kept, usual, similarity)
        else:
            removed.append((entry, reason))
    return Thinned(kept=kept.entries, removed=removed, usual_distance=usual)


def usual_distances(
    force_field: ForceField,
    labels: Sequence[LabelledStructure],
    on_progress: OnProgress = nobody,
) -> dict[int, float]:
    """Return D_z by atomic number; an element that no two frames share is left out."""
    several = [entry for entry in labels if len(entry.numbers) > 1]
    if len(several) < 2:
        return {}
    rng = generator(0, "dedupe")
    found: dict[int, list[Vectors]] = {}
    for _ in tracked(range(PAIRS), "comparing pairs of frames", on_progress):
        one, other = (several[k] for k in rng.choice(len(several), 2, replace=False))
        x, y = (force_field.environments(structure(entry)) for entry in (one, other))
        for z in np.intersect1d(one.numbers, other.numbers):
            nearest = _nearest(x[one.numbers == z], y[other.numbers == z])[0]
            found.setdefault(int(z), []).append(nearest)
    return {z: float(np.median(np.concatenate(parts))) for z, parts in sorted(found.items())}


def _nearest(rows: Vectors, known: Vectors) -> tuple[Vectors, IntArray]:
    """Return cosine distance to, and index of, the nearest known vector of each row."""
    likeness = rows @ known.T
    index = likeness.argmax(axis=1)
    return 1.0 - likeness[np.arange(len(rows)), index], index


def _same_positions(entry: LabelledStructure, kept: _Kept, displacement: float) -> str | None:
    """Return why the positions of a frame are those of a kept one, None if they are not."""
    others = [kept.entries[k] for k in kept.alike.get(_frame_of(entry), ())]
    if displacement == 0 or not others:
        return None
    # The first and the last atom tell most frames apart, all at once.
    spans = np.array([other.positions[-1] - other.positions[0] for other in others])
    changes, _ = find_mic(spans - (entry.positions[-1] - entry.positions[0]), entry.cell, entry.pbc)
    for k in np.flatnonzero(np.linalg.norm(changes, axis=1) < 2 * displacement):
        moved, _ = find_mic(entry.positions - others[k].positions, entry.cell, entry.pbc)
        farthest = float(np.linalg.norm(moved - np.median(moved, axis=0), axis=1).max())
        if farthest < displacement:
            return f"all atoms are within {farthest:.2g} Å of where they are in {_name(others[k])}"
    return None


def _frame_of(entry: LabelledStructure) -> bytes:
    """Return the same bytes for frames of the same atoms in the same order and cell."""
    return b"".join(a.tobytes() for a in (entry.numbers, entry.pbc, entry.cell.round(SAME_CELL)))


def _composition(entry: LabelledStructure) -> bytes:
    return np.sort(entry.numbers).tobytes()


def _same_environments(
    entry: LabelledStructure,
    vectors: Vectors,
    kept: _Kept,
    usual: dict[int, float],
    similarity: float,
) -> str | None:
    """Return why all environments of a frame are known, None if one is not."""
    if similarity == 0 or _composition(entry) not in kept.compositions:
        return None
    relative, atom, owner = -1.0, 0, 0
    for z in np.unique(entry.numbers):
        atoms = np.flatnonzero(entry.numbers == z)
        distance, index = _nearest(vectors[atoms], kept.environments[z].vectors)
        worst = int(distance.argmax())
        r = float(distance[worst]) / usual[z] if usual.get(z, 0) > 0 else np.inf
        if r >= similarity:
            return None
        if r > relative:
            relative, atom, owner = r, int(atoms[worst]), kept.environments[z].owners[index[worst]]
    return (
        f"its least known environment, atom {atom} ({chemical_symbols[entry.numbers[atom]]}), is "
        f"{max(relative, 0):.2g} of the usual distance from one of {_name(kept.entries[owner])}"
    )


def _keep(
    entry: LabelledStructure,
    vectors: Vectors,
    kept: _Kept,
    usual: dict[int, float],
    similarity: float,
) -> None:
    """Keep a frame, and those of its environments that are not known yet."""
    for z in np.unique(entry.numbers):
        rows = vectors[entry.numbers == z]
        known = kept.environments.setdefault(z, _Environments(vectors.shape[1]))
        if known.owners:
            distance, _ = _nearest(rows, known.vectors)
            rows = rows[distance >= similarity * usual.get(z, 0.0)]
        known.add(rows, len(kept.entries))
    kept.alike.setdefault(_frame_of(entry), []).append(len(kept.entries))
    kept.compositions.add(_composition(entry))
    kept.entries.append(entry)


def _left_out(entry: LabelledStructure, reason: str) -> LeftOut:
    source, frame = entry.provenance["source"], entry.provenance["frame"]
    return LeftOut(source=source, frame=frame, reason=reason, is_fault=False)


def _name(entry: LabelledStructure) -> str:
    return f"frame {entry.provenance['frame']} of {entry.provenance['source']}"
