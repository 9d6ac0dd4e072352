"""Frames checked one against the next: the same atoms in one order, finite, none of them twice.

Whatever format they come in, frames pass here before anything follows their atoms. An array `id`
says who is who: atoms are put in the order of their ids. A frame that repeats the one before, as
programs write it that restart, is left out, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

from aofl.errors import StoreError
from aofl.records import FloatArray
from aofl.store.elements import elements_of_numbers
from aofl.store.reading import Reading

TOO_NEAR = 0.5  # Å; nearest neighbours of any matter are further apart, and nearer if read from nm
FARTHEST = 1e8  # Å, a centimetre
MOVED = 1.5  # Å between two frames: further than an atom vibrates
JUMP = 5.0  # Å between two frames without a cell


def followed(frames: Iterator[Atoms], path: Path, reading: Reading) -> Iterator[Atoms]:
    """Pass frames on that follow the same atoms.

    Raises
    ------
    StoreError
        If there is no frame, or one has other atoms than the first, no place in a cell, or numbers
        that cannot be.
    """
    first: Atoms | None = None
    before: Atoms | None = None
    n_repeated, grows, is_ordered = 0, True, True
    for index, raw in enumerate(frames):
        where = f"{path} frame {index}"
        atoms = _with_cell(_in_order(raw, where), reading, where)
        _check_numbers(atoms, where)
        if first is None or before is None:
            first = atoms
            _check_distances(atoms, where)
            _tell_cell(atoms, reading)
        else:
            _check_same_atoms(first, atoms, where)
            if _is_repetition(before, atoms):
                n_repeated += 1
                continue
            is_ordered = is_ordered and _tell_order(before, atoms, index, reading)
            grows = grows and _tell_steps(before, atoms, index, reading)
            if reading.cell is None and not atoms.pbc.any():
                _check_jumps(before, atoms, where)
        before = atoms
        yield atoms
    if first is None:
        raise StoreError(f"{path} has no whole frame")
    if n_repeated:
        reading.say(
            f"frames that repeat the step and the positions of the one before were left out: "
            f"{n_repeated}"
        )


def _in_order(atoms: Atoms, where: str) -> Atoms:
    """Return the atoms in the order of their ids, where they have any."""
    ids = atoms.arrays.get("id")
    if ids is None or ids.dtype.kind not in "iu" or ids.ndim != 1:
        return atoms
    unique, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any() or (len(unique) and unique[0] < 0):
        what = f"the id {unique[counts > 1][0]} twice" if (counts > 1).any() else "ids below 0"
        raise StoreError(f"{where} has {what}: every atom needs an id of its own in every frame")
    return atoms if (np.diff(ids) > 0).all() else _sorted(atoms, ids)


def _sorted(atoms: Atoms, ids: np.ndarray) -> Atoms:
    ordered = atoms[np.argsort(ids, kind="stable")]
    ordered.info = atoms.info
    return ordered


def _with_cell(atoms: Atoms, reading: Reading, where: str) -> Atoms:
    """Return the atoms with the cell that the user gave, for files that have none."""
    if reading.is_unwrapped:
        atoms.info["is_unwrapped"] = True
    if reading.cell is None:
        return atoms
    if atoms.cell.rank and reading.cell.any():
        lengths = " ".join(f"{length:g}" for length in atoms.cell.lengths())
        raise StoreError(f"{where} has a cell of its own ({lengths} Å): leave --cell out")
    if not atoms.cell.rank:
        atoms.set_cell(reading.cell)
        atoms.pbc = bool(reading.cell.any())
    return atoms


def _check_numbers(atoms: Atoms, where: str) -> None:
    """Refuse what is no structure."""
    if len(atoms) == 0:
        raise StoreError(f"{where} has no atoms")
    if not np.isfinite(atoms.positions).all() or not np.isfinite(atoms.cell.array).all():
        raise StoreError(f"{where} has numbers that are not finite")
    largest = max(np.abs(atoms.positions).max(), np.abs(atoms.cell.array).max())
    if largest > FARTHEST:
        raise StoreError(f"{where} has a length of {largest:g} Å: the file was damaged")
    elements_of_numbers(atoms.numbers, where)
    for key in ("step", "time_fs"):
        value = atoms.info.get(key, 0)
        is_number = isinstance(value, int | float | np.integer | np.floating)
        if not is_number or not np.isfinite(value):
            raise StoreError(
                f"{where} has {key}={str(value)[:40]}, expected one number, with a decimal point"
            )
    vectors = atoms.cell.array[atoms.pbc]
    if len(vectors) and np.linalg.matrix_rank(vectors, tol=1e-6) < len(vectors):
        raise StoreError(
            f"{where} is periodic along a cell vector that has no length: give the cell with "
            "`--cell a,b,c` (Å), or say with `--cell none` that there is none"
        )


def _check_distances(atoms: Atoms, where: str) -> None:
    """Refuse lengths in another unit: no matter has half of its atoms this near to another."""
    heights = [1 / np.linalg.norm(row) for row in atoms.cell.reciprocal().array[atoms.pbc]]
    if min(heights, default=TOO_NEAR) < TOO_NEAR:
        raise StoreError(
            f"{where} repeats itself after {min(heights):.3g} Å: are its lengths in Å?"
        )
    n_near = len(np.unique(neighbor_list("i", atoms, TOO_NEAR)))
    if len(atoms) > 1 and 2 * n_near >= len(atoms):
        raise StoreError(
            f"{where} has {n_near} of {len(atoms)} atoms nearer than {TOO_NEAR} Å to another: are "
            "its lengths in Å, and are these positions?"
        )


def _tell_cell(atoms: Atoms, reading: Reading) -> None:
    if not atoms.cell.rank and reading.cell is None:
        reading.say(
            "the file has no cell: its atoms are taken to be alone in space; where they are not, "
            "give `--cell a,b,c` (Å)"
        )
    elif atoms.cell.rank and not atoms.pbc.any():
        reading.say("the file has a cell but says that it is periodic in no direction")


def _check_same_atoms(first: Atoms, atoms: Atoms, where: str) -> None:
    if len(first) == len(atoms) and "id" in first.arrays and "id" in atoms.arrays:
        new = np.setdiff1d(atoms.arrays["id"], first.arrays["id"])
        if new.size:
            raise StoreError(
                f"{where} has the id {new[0]}, which frame 0 does not have: a trajectory follows "
                "the same atoms"
            )
    if np.array_equal(first.numbers, atoms.numbers):
        return
    named = f"{atoms.get_chemical_formula()} against {first.get_chemical_formula()}"
    if sorted(first.numbers) == sorted(atoms.numbers):
        k = int(np.flatnonzero(first.numbers != atoms.numbers)[0])
        named = f"atom {k} was {first.symbols[k]} and is {atoms.symbols[k]}"
    raise StoreError(
        f"{where} has other atoms, or another order, than frame 0 ({named}): "
        "a trajectory follows the same atoms"
    )


def _is_repetition(before: Atoms, atoms: Atoms) -> bool:
    """Tell whether a frame has the step or time of the one before, and its positions."""
    known = [key for key in ("step", "time_fs") if key in before.info and key in atoms.info]
    return (
        bool(known)
        and all(before.info[key] == atoms.info[key] for key in known)
        and np.array_equal(before.positions, atoms.positions)
        and np.array_equal(before.cell.array, atoms.cell.array)
    )


def _tell_steps(before: Atoms, atoms: Atoms, index: int, reading: Reading) -> bool:
    """Say where steps begin anew, as in runs that were joined; return whether they grow."""
    then, now = before.info.get("step"), atoms.info.get("step")
    if then is None or now is None or now > then:
        return True
    reading.say(f"the steps of the file do not grow: frame {index} has {now} after {then}")
    return False


def _tell_order(before: Atoms, atoms: Atoms, index: int, reading: Reading) -> bool:
    """Say where atoms stand in the places of others, as if their order changed; else return True.

    Looked at where a quarter of the atoms moved far, and not all of them together.
    """
    if "id" in atoms.arrays:
        return True
    step = _shortest(atoms.positions - before.positions, atoms)
    moved = np.flatnonzero(np.linalg.norm(step, axis=1) > MOVED)
    if len(moved) < max(2, len(atoms) / 4) or np.ptp(step[moved], axis=0).max() < MOVED:
        return True
    some = moved[:: 1 + len(moved) // 200]
    n_replaced = 0
    for k in some.tolist():
        others = before.positions[
            (before.numbers == atoms.numbers[k]) & (np.arange(len(atoms)) != k)
        ]
        away = np.linalg.norm(_shortest(atoms.positions[k] - others, atoms), axis=1)
        n_replaced += bool(away.min(initial=np.inf) < TOO_NEAR)
    if 2 * n_replaced <= len(some):
        return True
    reading.say(
        f"most of the atoms that moved far to frame {index} stand where others of their element "
        "were: if the file changes the order of the atoms, reactions and motion are wrong; write "
        "it with ids, or sorted"
    )
    return False


def _shortest(vectors: FloatArray, atoms: Atoms) -> FloatArray:
    """Return vectors between the nearest images, Å."""
    periodic = atoms.cell.array[atoms.pbc]
    shortest: FloatArray = vectors - np.round(vectors @ np.linalg.pinv(periodic)) @ periodic
    return shortest


def _check_jumps(before: Atoms, atoms: Atoms, where: str) -> None:
    """Refuse positions that a cell has cut: atoms that jump across all of the others."""
    step = atoms.positions - before.positions
    apart = np.ptp(step, axis=0)
    axis = int(np.argmax(apart - np.maximum(JUMP, 0.8 * np.ptp(before.positions, axis=0))))
    if apart[axis] > max(JUMP, 0.8 * np.ptp(before.positions[:, axis])):
        k = int(np.argmax(np.abs(step[:, axis])))
        raise StoreError(
            f"{where} has atom {k} {abs(step[k, axis]):.1f} Å along {'xyz'[axis]} from where it "
            "was: positions wrapped into a cell, which the file does not give, or atoms in another "
            "order; give the cell with `--cell a,b,c` (Å), or `--cell none` if there is none"
        )
