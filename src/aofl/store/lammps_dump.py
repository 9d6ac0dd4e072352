"""LAMMPS dump files (text, custom style): frames of any box in any units, with ids of the atoms.

The format is that of the `dump` and `Howto triclinic` pages of the LAMMPS manual. ASE's reader
(3.29) cannot stand behind this one: it prefers wrapped to unwrapped coordinates, passes over the
units and the time that the file states, takes atom types without elements for H, He, Li, ..., and
fails on a torn last frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from aofl.errors import StoreError
from aofl.records import FloatArray, IntArray
from aofl.store.elements import (
    Elements,
    Named,
    elements_of_atoms,
    elements_of_masses,
    elements_of_names,
    is_element_name,
    numbers_of_masses,
)
from aofl.store.reading import Reading
from aofl.store.text_file import Lines, number_of, numbers_of, text_file
from aofl.store.units import LAMMPS_STYLES, UnitStyle

UNWRAPPED, WRAPPED = (
    (("xu", "yu", "zu"), ("xsu", "ysu", "zsu")),
    (("x", "y", "z"), ("xs", "ys", "zs")),
)
IMAGES = ("ix", "iy", "iz")
_NO_UNITS = UnitStyle(1.0, np.nan, 1.0)

Columns = Mapping[str, Sequence[str]]


@dataclass(kw_only=True)
class _Frame:
    """What has been read of one frame."""

    where: str
    units: UnitStyle | None
    fixed_origin: FloatArray | None
    info: dict[str, float | int] = field(default_factory=dict)
    n_atoms: int = 0
    cell: FloatArray | None = None
    origin: FloatArray = field(default_factory=lambda: np.zeros(3))
    pbc: tuple[bool, ...] = (True, True, True)


def iterate_lammps_dump(path: Path, reading: Reading) -> Iterator[Atoms]:
    """Yield the whole frames of a dump, with the array `id`; a torn last one is passed over.

    `info["is_unwrapped"]` is set where the columns say so: `xu yu zu`, `xsu ysu zsu`, or `ix iy iz`
    beside wrapped positions.

    Parameters
    ----------
    reading
        Elements of the types; needed where the file has neither a column `element` nor `mass`.

    Raises
    ------
    StoreError
        If the file cannot be read, a frame is damaged, or elements or units are not known.
    """
    with text_file(path, "a LAMMPS dump") as file:
        lines, index = Lines(file), 0
        frame = _Frame(where=f"{path} frame 0", units=None, fixed_origin=None)
        while line := lines.next():
            if not line.strip():
                continue
            at, near = lines.number, line.strip()[:50]
            try:
                atoms = _take_item(frame, line.split(), lines, reading)
            except _TornError:
                reading.say(f"frame {index} is cut short at the end of the file and was left out")
                return
            except (ValueError, IndexError) as error:
                raise StoreError(
                    f"{frame.where} is no LAMMPS dump frame near line {at}, {near!r}: {error}"
                ) from error
            if atoms is not None:
                yield atoms
                index += 1
                frame = _Frame(
                    where=f"{path} frame {index}", units=frame.units, fixed_origin=frame.origin
                )


class _TornError(Exception):
    """The file ends within a frame."""


def _take_item(frame: _Frame, words: list[str], lines: Lines, reading: Reading) -> Atoms | None:
    """Read one ITEM into the frame; return its atoms when it is complete."""
    if words[:1] != ["ITEM:"]:
        raise ValueError("expected a line that starts with `ITEM:`")
    name, rest = words[1:2], words[1:]
    if name == ["ATOMS"]:
        if frame.cell is None:
            raise ValueError("the atoms come before the box")
        first = lines.number + 1
        rows = _rows(lines, frame.n_atoms, len(rest) - 1)
        return _atoms(frame, rest[1:], rows, first, reading)
    n_lines = 3 if name == ["BOX"] else 1
    content = [line.split() for line in lines.take(n_lines)]
    if len(content) < n_lines:
        raise _TornError
    where = f"{frame.where} line {lines.number}"
    if name == ["UNITS"]:
        frame.units = _units(content[0][0], where)
    elif name == ["TIME"]:
        frame.info["time_fs"] = _time(number_of(content[0][0], where), frame.units, reading)
    elif name == ["TIMESTEP"]:
        frame.info["step"] = int(content[0][0])
    elif name == ["NUMBER"]:
        frame.n_atoms = int(content[0][0])
    elif name == ["BOX"]:
        if not _flags(rest[2:]):
            reading.say("the file does not say which boundaries are periodic: all are taken to be")
        _read_box(frame, rest[2:], numbers_of(content, lambda k: where))
    else:
        raise ValueError(f"the item {' '.join(rest)} is not known")
    return None


def _units(style: str, where: str) -> UnitStyle:
    if style not in LAMMPS_STYLES:
        raise StoreError(
            f"{where} has the units {style!r}, which are no lengths that could be turned into Å: "
            f"known are {', '.join(LAMMPS_STYLES)}"
        )
    return LAMMPS_STYLES[style]


def _time(value: float, units: UnitStyle | None, reading: Reading) -> float:
    if units is None:
        reading.say("the file has times but no line `ITEM: UNITS`: they are not used")
    return value * (units or _NO_UNITS).time


def _rows(lines: Lines, n_rows: int, n_columns: int) -> list[list[str]]:
    """Read the rows of a frame; a short last one, or one without end, is torn."""
    first = lines.number + 1
    taken = lines.take(n_rows)
    if taken and not taken[-1].endswith("\n"):
        raise _TornError
    rows = [line.split() for line in taken]
    wrong = next((k for k, row in enumerate(rows) if len(row) != n_columns), None)
    is_at_end = len(rows) < n_rows or not lines.peek()
    if (wrong is None and len(rows) < n_rows) or (is_at_end and wrong == len(rows) - 1):
        raise _TornError
    if wrong is not None:
        raise ValueError(
            f"line {first + wrong} has {len(rows[wrong])} columns, expected {n_columns}"
        )
    return rows


def _read_box(frame: _Frame, words: list[str], numbers: FloatArray) -> None:
    """Set cell, origin and boundaries from the three lines of a box."""
    if flags := _flags(words):
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


def _flags(words: list[str]) -> list[str]:
    """Return the three flags of the boundaries; none where they are not given."""
    flags = [word for word in words if len(word) == 2 and set(word) <= set("pfsm")]
    return flags if len(flags) == 3 else []


def _atoms(
    frame: _Frame, names: list[str], rows: list[list[str]], first_line: int, reading: Reading
) -> Atoms:
    """Return the atoms of a frame in the order of the file."""
    if not rows:
        return Atoms()
    column = {name: [row[k] for row in rows] for k, name in enumerate(names)}
    if "id" not in column:
        raise StoreError(
            f"{frame.where} has no column `id`, and LAMMPS does not keep the order of atoms: "
            "write the dump with `dump ... custom ... id type x y z`"
        )
    if frame.units is None:
        reading.say("the file has no line `ITEM: UNITS`: its lengths are taken for Å")
    units = frame.units or _NO_UNITS
    positions, is_unwrapped = _positions(frame, column, first_line)
    found = _elements(frame.where, column, units, reading)
    atoms = Atoms(
        numbers=found.numbers,
        positions=units.length * positions,
        cell=units.length * np.asarray(frame.cell),
        pbc=frame.pbc,
        masses=found.masses,
        info={key: value for key, value in frame.info.items() if np.isfinite(value)},
    )
    atoms.info["is_unwrapped"] = is_unwrapped
    atoms.new_array("id", np.array(column["id"], dtype=np.int64))
    return atoms


def _positions(frame: _Frame, column: Columns, first_line: int) -> tuple[FloatArray, bool]:
    """Return positions from the corner of the box, and whether they are unwrapped."""
    chosen = next((axes for axes in (*UNWRAPPED, *WRAPPED) if set(axes) <= column.keys()), None)
    if chosen is None:
        raise StoreError(f"{frame.where} has no positions, only the columns {', '.join(column)}")

    def values(axes: tuple[str, ...]) -> FloatArray:
        words = list(zip(*(column[axis] for axis in axes), strict=True))
        where = frame.where
        return numbers_of(words, lambda k: f"{where} line {first_line + k}").reshape(-1, 3)

    positions, cell = values(chosen), np.asarray(frame.cell)
    if not np.isfinite(positions).all():
        raise StoreError(f"{frame.where} has positions that are not finite: leave this frame out")
    positions = positions @ cell if "s" in chosen[0] else positions - _corner(frame)
    if chosen in UNWRAPPED or not set(IMAGES) <= column.keys():
        return positions, chosen in UNWRAPPED
    return positions + values(IMAGES) @ cell, True


def _corner(frame: _Frame) -> FloatArray:
    """Return where positions are counted from: a boundary that follows atoms does not move it."""
    if frame.fixed_origin is not None:
        frame.origin = np.where(frame.pbc, frame.origin, frame.fixed_origin)
    return frame.origin


def _elements(where: str, column: Columns, units: UnitStyle, reading: Reading) -> Named:
    """Return elements as the user or the columns `element`, `mass`, `type` say; all must agree."""
    masses = None
    if "mass" in column:
        masses = units.mass * numbers_of([column["mass"]], lambda k: where)[0]
    by_type = _of_given_types(where, column, reading)
    by_name = _of_column(where, column, by_type, reading)
    if by_type is not None:
        if by_name is not None:
            _check_agree(where, by_type.numbers, by_name.numbers, "element")
        if masses is not None:
            _check_agree(where, by_type.numbers, numbers_of_masses(masses), "mass")
    found = by_type or by_name
    if found is None and masses is not None:
        found = elements_of_masses(masses, where)
    if found is None and "type" in column:
        found = elements_of_names(
            column["type"], reading.elements, where, reading.say, are_types=True
        )
    if found is None:
        found = elements_of_atoms(len(column["id"]), reading.elements, where)
    return found if masses is None or masses.min(initial=1) <= 0 else replace(found, masses=masses)


def _of_given_types(where: str, column: Columns, reading: Reading) -> Named | None:
    """Return the elements that the user gave for the types."""
    given = reading.elements
    is_meant = given.of_types or (given.of_names and "element" not in column)
    if "type" not in column or not is_meant:
        return None
    return elements_of_names(column["type"], given, where, reading.say, are_types=True)


def _of_column(
    where: str, column: Columns, by_type: Named | None, reading: Reading
) -> Named | None:
    """Return the elements of the column `element`, None where it says nothing."""
    names = column.get("element")
    if names is None:
        return None
    if set(names) == {"C"} and len(set(column.get("type", ()))) > 1:
        if by_type is None:
            raise StoreError(
                f"{where} calls the atoms of all types C, which LAMMPS does where no elements "
                "were set: give them, type 1 first, with `--elements Na,O,H`"
            )
        return None
    if by_type is not None:
        if not all(is_element_name(name) for name in set(names)):
            return None
        return elements_of_names(names, Elements(), where, reading.say)
    return elements_of_names(names, reading.elements, where, reading.say)


def _check_agree(where: str, given: IntArray, read: IntArray, name: str) -> None:
    """Refuse elements of types against those that a column tells; 0 tells nothing."""
    differs = np.flatnonzero((given != read) & (read > 0))
    if differs.size:
        k = int(differs[0])
        raise StoreError(
            f"{where} row {k + 1} is {chemical_symbols[given[k]]} by --elements, but "
            f"{chemical_symbols[read[k]]} by its column `{name}`: leave --elements out, or give "
            "the elements in the order of the types"
        )
