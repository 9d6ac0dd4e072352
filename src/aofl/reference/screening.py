"""Labels that others made, looked at together: faults, placeholders, contradictions, repeats.

A label of a run passes `aofl.reference.quality` when it is made. Labels from a file pass the same
bounds, and what only many labels show: an energy that is a placeholder, one structure with two
labels, and structures that come again, which must count once, because a force field is calibrated
on labels that it has not learned.

Two labels are a repetition if composition, cell and energy agree and the forces differ by less
than one hundredth of what forces in the data are. Forces are compared by their lengths and those
of the sums of two neighbours in the list of atoms, which turning, moving, mirroring and wrapping
the structure leave as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from ase import Atoms

from aofl.errors import ReferenceFailed
from aofl.records import FloatArray, LabelledStructure
from aofl.reference.quality import (
    SAME_ENERGY_PER_ATOM,
    LabelLimits,
    check_agreement,
    check_numbers,
)

SAME_FORCES = 0.01  # of the rms force component of all labels
SAME_CELL = 1e-3  # relative
SAME_POSITION = 6  # decimals, Å


def faults(labels: Sequence[LabelledStructure], limits: LabelLimits) -> dict[int, str]:
    """Return the reason of each label that cannot be believed, by its index."""
    found: dict[int, str] = {}
    for k, entry in enumerate(labels):
        try:
            _check(entry, limits)
        except ReferenceFailed as error:
            found[k] = str(error)
    return _contradictions(labels, found, limits) | found


def repeats(labels: Sequence[LabelledStructure], leave: Mapping[int, str]) -> dict[int, int]:
    """Return the first of its kind for each label that comes again, by index.

    Parameters
    ----------
    leave
        Labels that do not count, by index.
    """
    kept = [k for k in range(len(labels)) if k not in leave]
    forces = [labels[k].label.forces for k in kept if len(labels[k].numbers) > 1]
    if not forces:
        return {}
    tolerance = SAME_FORCES * float(np.sqrt(np.mean(np.concatenate(forces) ** 2)))
    groups: dict[bytes, list[int]] = defaultdict(list)
    for k in kept:
        groups[np.sort(labels[k].numbers).tobytes() + labels[k].pbc.tobytes()].append(k)
    return {
        k: first
        for group in groups.values()
        for k, first in _repeats_of(group, labels, tolerance).items()
    }


def _check(entry: LabelledStructure, limits: LabelLimits) -> None:
    atoms = Atoms(entry.numbers, entry.positions, cell=entry.cell, pbc=entry.pbc)
    if not (np.isfinite(entry.positions).all() and np.isfinite(entry.cell).all()):
        raise ReferenceFailed("its positions or cell are not finite")
    vectors = entry.cell[entry.pbc]
    if len(vectors) and np.linalg.matrix_rank(vectors, tol=1e-6) < len(vectors):
        raise ReferenceFailed(
            "it is periodic along a cell vector that has no length: give it a cell, or pbc=F"
        )
    if len(atoms) > 1 and entry.label.energy == 0.0:
        raise ReferenceFailed("its energy is exactly 0, which is no result but a placeholder")
    try:
        check_numbers(entry.label, atoms, limits=limits)
    except ReferenceFailed as error:
        at_rest = int(np.sum(~entry.label.forces.any(axis=1)))
        if "net force" in str(error) and 0 < at_rest < len(atoms):
            raise ReferenceFailed(
                f"{error}; {at_rest} atoms have a force of exactly 0, as where fixed atoms lose "
                "theirs: labels need the forces without constraints"
            ) from error
        raise


def _contradictions(
    labels: Sequence[LabelledStructure], leave: Mapping[int, str], limits: LabelLimits
) -> dict[int, str]:
    """Return the labels of one structure that differ: both, because one of them is wrong."""
    found: dict[int, str] = {}
    first: dict[bytes, int] = {}
    for k, entry in enumerate(labels):
        if k in leave:
            continue
        other = first.setdefault(_exactly(entry), k)
        if other == k:
            continue
        try:
            check_agreement(entry.label, labels[other].label, limits=limits)
        except ReferenceFailed as error:
            found[k] = f"{error}; the other is that of {_name(labels[other])}"
            found[other] = f"{error}; the other is that of {_name(entry)}"
    return found


def _exactly(entry: LabelledStructure) -> bytes:
    arrays = (entry.numbers, entry.positions.round(SAME_POSITION), entry.cell, entry.pbc)
    return b"".join(array.tobytes() for array in arrays)


def _name(entry: LabelledStructure) -> str:
    return f"frame {entry.provenance.get('frame')} of {entry.provenance.get('source')}"


def _repeats_of(
    group: list[int], labels: Sequence[LabelledStructure], tolerance: float
) -> dict[int, int]:
    """Return the repetitions among labels of one composition."""
    entries = [labels[k] for k in group]
    energies = np.array([e.label.energy / len(e.numbers) for e in entries])
    cells = np.array([np.linalg.svd(e.cell, compute_uv=False) for e in entries])
    prints = [
        np.array([_fingerprint(e, is_sorted=is_sorted) for e in entries])
        for is_sorted in (False, True)
    ]
    order = np.argsort(energies, kind="stable")
    found: dict[int, int] = {}
    is_first = np.ones(len(group), dtype=bool)
    for k in range(len(group)):
        span = energies[k] + np.array([-1, 1]) * SAME_ENERGY_PER_ATOM
        low, high = np.searchsorted(energies[order], span, side="left")
        near = order[low:high]
        near = np.sort(near[(near < k) & is_first[near]])
        near = near[np.all(np.abs(cells[near] - cells[k]) <= SAME_CELL * cells[k], axis=1)]
        same = np.zeros(len(near), dtype=bool)
        for table in prints:
            same |= np.sqrt(np.mean((table[near] - table[k]) ** 2, axis=1)) <= tolerance
        if same.any():
            is_first[k] = False
            found[group[k]] = group[int(near[same][0])]
    return found


def _fingerprint(entry: LabelledStructure, *, is_sorted: bool) -> FloatArray:
    """Return what the forces are however the structure lies, eV/Å, shape (2 n,).

    With `is_sorted` however its atoms are ordered, too.
    """
    forces = entry.label.forces
    if is_sorted:
        forces = forces[np.lexsort((np.linalg.norm(forces, axis=1), entry.numbers))]
    both = [forces, forces + np.roll(forces, 1, axis=0)]
    return np.asarray(np.linalg.norm(np.concatenate(both), axis=1))
