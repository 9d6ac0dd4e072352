"""LAMMPS dump files (text, custom style): frames of any box, atoms in the order of their ids.

The format is that of the `dump` and `Howto triclinic` pages of the LAMMPS manual. ASE's reader
(3.29) cannot stand behind this one: it prefers wrapped to unwrapped coordinates, passes over the
units and the time that the file states, takes atom types without elements for H, He, Li, ..., and
fails on a torn last frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
from ase import Atoms
from ase.data import atomic_masses, atomic_numbers

from aofl.errors import StoreError
from aofl.records import FloatArray
from aofl.store.text_file import text_file

FS_PER_TIME_UNIT = {"real": 1.0, "metal": 1000.0}
COORDINATES = (("xu", "yu", "zu"), ("x", "y", "z"), ("xsu", "ysu", "zsu"), ("xs", "ys", "zs"))
_MASS_TOLERANCE = 0.3  # u


@dataclass(kw_only=True)
class _Frame:
    """What has been read of one frame."""

    where: str
    units: str | None
    info: dict[str, float | int] = field(default_factory=dict)
    n_atoms: int = 0
    cell: FloatArray | None = None
    origin: FloatArray = field(default_factory=lambda: np.zeros(3))
    pbc: tuple[bool, ...] = (True, True, True)


def iterate_lammps_dump(path: Path, elements: Sequence[str] = ()) -> Iterator[Atoms]:
    """Yield the whole frames of a dump; a torn last one is passed over.

    Parameters
    ----------
    elements
        The element of each atom type, type 1 first; needed where the file has neither a column
        `element` nor a column `mass`.

    Raises
    ------
    StoreError
        If the file cannot be read, a frame is damaged, or the elements are not known.
    """
    with text_file(path, "a LAMMPS dump") as file:
        units, index = None, 0
        frame = _Frame(where=f"{path} frame 0", units=None)
        while line := file.readline():
            try:
                atoms = _take_item(frame, line.split(), file, elements)
            except _TornError:
                return
            except (ValueError, IndexError) as error:
                raise StoreError(
                    f"{frame.where} is no LAMMPS dump frame near {line.strip()[:50]!r}: {error}"
                ) from error
            if atoms is not None:
                yield atoms
                units, index = frame.units, index + 1
                frame = _Frame(where=f"{path} frame {index}", units=units)


class _TornError(Exception):
    """The file ends within a frame."""


def _take_item(
    frame: _Frame, words: list[str], file: TextIO, elements: Sequence[str]
) -> Atoms | None:
    """Read one ITEM into the frame; return its atoms when it is complete."""
    if words[:1] != ["ITEM:"]:
        raise ValueError("expected a line that starts with `ITEM:`")
    name, rest = words[1:2], words[1:]
    if name == ["ATOMS"]:
        if frame.cell is None:
            raise ValueError("the atoms come before the box")
        return _atoms(frame, rest[1:], _rows(file, frame.n_atoms, len(rest) - 1), elements)
    n_lines = 3 if name == ["BOX"] else 1
    lines = [line.split() for line in islice(file, n_lines)]
    if len(lines) < n_lines:
        raise _TornError
    if name == ["UNITS"]:
        frame.units = lines[0][0]
    elif name == ["TIME"]:
        frame.info["time_fs"] = float(lines[0][0]) * FS_PER_TIME_UNIT.get(frame.units or "", np.nan)
    elif name == ["TIMESTEP"]:
        frame.info["step"] = int(lines[0][0])
    elif name == ["NUMBER"]:
        frame.n_atoms = int(lines[0][0])
    elif name == ["BOX"]:
        _read_box(frame, rest[2:], np.array(lines, dtype=float))
    else:
        raise ValueError(f"the item {' '.join(rest)} is not known")
    return None


def _rows(file: TextIO, n_rows: int, n_columns: int) -> list[list[str]]:
    """Read the rows of a frame; a short last one at the end of the file is torn."""
    rows = [line.split() for line in islice(file, n_rows)]
    wrong = next((k for k, row in enumerate(rows) if len(row) != n_columns), None)
    if len(rows) < n_rows or (wrong == n_rows - 1 and not file.readline()):
        raise _TornError
    if wrong is not None:
        raise ValueError(f"row {wrong} has {len(rows[wrong])} columns, expected {n_columns}")
    return rows


def _read_box(frame: _Frame, words: list[str], numbers: FloatArray) -> None:
    """Set cell, origin and boundaries from the three lines of a box."""
    flags = [word for word in words if len(word) == 2 and set(word) <= set("pfsm")]
    if len(flags) == 3:
        frame.pbc = tuple(flag == "pp" for flag in flags)
    if "abc" in words:
        frame.cell, frame.origin = numbers[:, :3], numbers[:, 3]
        return
    low, high = numbers[:, 0].copy(), numbers[:, 1].copy()
    xy, xz, yz = numbers[:, 2] if numbers.shape[1] == 3 else (0.0, 0.0, 0.0)
    # the file gives the bounds of the tilted box, not of its edges
    low[0] -= min(0.0, xy, xz, xy + xz)
    high[0] -= max(0.0, xy, xz, xy + xz)
    low[1] -= min(0.0, yz)
    high[1] -= max(0.0, yz)
    lx, ly, lz = high - low
    frame.cell = np.array([[lx, 0.0, 0.0], [xy, ly, 0.0], [xz, yz, lz]])
    frame.origin = low


def _atoms(
    frame: _Frame, names: list[str], rows: list[list[str]], elements: Sequence[str]
) -> Atoms:
    """Return the atoms of a frame, sorted by id."""
    column = {name: [row[k] for row in rows] for k, name in enumerate(names)}
    if "id" not in column:
        raise StoreError(
            f"{frame.where} has no column `id`, and LAMMPS does not keep the order of atoms: "
            "write the dump with `dump ... custom ... id type x y z`"
        )
    chosen = next((axes for axes in COORDINATES if all(axis in column for axis in axes)), None)
    if chosen is None:
        raise StoreError(f"{frame.where} has no positions, only the columns {', '.join(names)}")
    positions = np.array([column[axis] for axis in chosen], dtype=float).T.reshape(-1, 3)
    if not np.isfinite(positions).all():
        raise StoreError(f"{frame.where} has positions that are not finite: leave this frame out")
    positions = positions @ frame.cell if "s" in chosen[0] else positions - frame.origin
    order = np.argsort(np.array(column["id"], dtype=np.int64), kind="stable")
    numbers = np.array(_numbers(frame.where, column, elements))
    info = {key: value for key, value in frame.info.items() if np.isfinite(value)}
    return Atoms(
        numbers=numbers[order], positions=positions[order], cell=frame.cell, pbc=frame.pbc,
        info=info,
    )  # fmt: skip


def _numbers(where: str, column: dict[str, list[str]], elements: Sequence[str]) -> list[int]:
    """Return the atomic number of each atom from its type, element or mass."""
    if elements and "type" in column:
        types = [int(word) for word in column["type"]]
        if types and (max(types) > len(elements) or min(types) < 1):
            raise StoreError(
                f"{where} has atom types {min(types)} to {max(types)}, but {len(elements)} "
                "elements were given: give one for each type, type 1 first"
            )
        return [atomic_numbers[elements[t - 1]] for t in types]
    if "element" in column:
        unknown = sorted({e for e in column["element"] if e not in atomic_numbers})
        if unknown:
            raise StoreError(f"{where} has {unknown[0]!r} in the column `element`: give --elements")
        return [atomic_numbers[e] for e in column["element"]]
    if "mass" in column:
        masses = np.array(column["mass"], dtype=float)
        off = np.abs(np.nan_to_num(atomic_masses[1:])[None, :] - masses[:, None])
        if off.size and off.min(axis=1).max() > _MASS_TOLERANCE:
            raise StoreError(f"{where} has masses that are those of no element: give --elements")
        return [int(k) + 1 for k in off.argmin(axis=1)]
    raise StoreError(
        f"{where} has atom types but no elements: give them, type 1 first, with "
        "`--elements Na,O,H`, or write the dump with a column `element`"
    )
