"""XYZ files that any program wrote, extended or plain, and what their comments tell.

ASE reads the numbers. Before it sees a frame, the names of atoms become elements; from the comments
of CP2K, i-PI and LAMMPS step and time, and from those of i-PI the cell, are taken. Comments that
say nothing in the words of extended XYZ are not interpreted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from ase.geometry import cellpar_to_cell

from aofl.errors import StoreError
from aofl.store.elements import Named, elements_of_names
from aofl.store.extxyz import iterate_numbered, parse_frame
from aofl.store.reading import Reading
from aofl.store.text_file import number_of, with_exponents
from aofl.store.units import LENGTHS, TIMES

_CP2K = re.compile(r"\s*i\s*=\s*(?P<step>\d+)\s*,(\s*time\s*=\s*(?P<time>[^,]*?)\s*,)?\s*E\s*=.*")
_LAMMPS = re.compile(r"\s*Atoms\.\s*Timestep:\s*(?P<step>\d+)\s*")
_IPI = re.compile(r"#.*\bCELL[({\[]abcABC[)}\]]:\s*(?P<cell>[-+.\deE\s]+).*")
_IPI_LENGTHS = {**LENGTHS, "atomic_unit": LENGTHS["Bohr"]}
_EXTENDED = re.compile(r"\b(Lattice|Properties|pbc|step|[Tt]ime(_\w+)?)\s*=")
_NAME_COLUMNS = ("species", "symbols", "element")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """What the columns of a frame are.

    Attributes
    ----------
    name
        The one that names the atoms; None where there is none.
    n
        How many there are.
    reals
        Those of real numbers.
    """

    name: int | None
    n: int
    reals: tuple[int, ...]


def iterate_xyz(path: Path, reading: Reading) -> Iterator[Atoms]:
    """Yield the frames of one file of XYZ, plain or `.gz`; a torn last one is passed over.

    Its last line may lack the newline, and files of similar names are no parts of it.

    Raises
    ------
    StoreError
        If it cannot be read, a frame is damaged, or a name is no element.
    """

    def torn(number: int) -> None:
        reading.say(
            f"the frame from line {number} is cut short at the end of the file and was left out"
        )

    numbered = iterate_numbered(path, may_be_torn=False, on_torn=torn)
    for index, (number, text) in enumerate(numbered):
        if not text.endswith("\n"):
            reading.say("the last line has no end: if the file was cut, its last number is short")
        yield _frame(text, number, f"{path} frame {index}", reading)


def _frame(text: str, number: int, where: str, reading: Reading) -> Atoms:
    """Return the structure of a frame whose first line has this number."""
    count, comment, *rows = with_exponents(text).removesuffix("\n").split("\n")
    if not rows:
        return Atoms()
    columns = _columns(comment)
    is_extended = _EXTENDED.search(comment) and not _told_otherwise(comment)
    try:
        rows, found = _with_symbols(rows, columns, where, reading)
        atoms = parse_frame("\n".join([count, comment if is_extended else "", *rows, ""]), where)
    except (StoreError, IndexError):
        _check_rows(rows, columns, number + 2, where)  # says where, if it is a row
        raise
    if not is_extended:
        _take_comment(atoms, comment, f"{where} line {number + 1}", reading)
    _take_time(atoms, reading)
    _take_masses(atoms, found)
    return atoms


def _columns(comment: str) -> _Columns:
    found = re.search(r"""Properties=("[^"]*"|\S+)""", comment)
    if found is None:
        return _Columns(name=0, n=4, reals=(1, 2, 3))
    parts = found.group(1).strip('"').split(":")
    name, at, reals = None, 0, list[int]()
    for key, kind, width in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        n = int(width) if width.isdecimal() else 1
        if key in _NAME_COLUMNS and kind == "S" and name is None:
            name = at
        reals += range(at, at + n) if kind == "R" else []
        at += n
    return _Columns(name=name, n=at, reals=tuple(reals))


def _check_rows(rows: Sequence[str], columns: _Columns, first: int, where: str) -> None:
    """Refuse a row that is too short or has a word where a number should be."""
    for k, row in enumerate(rows):
        words = row.split()
        if len(words) < columns.n:
            raise StoreError(
                f"{where} line {first + k} is {row.strip()[:50]!r}, expected an atom with "
                f"{columns.n} columns: the number of atoms or the line is damaged"
            )
        for column in columns.reals:
            number_of(words[column], f"{where} line {first + k}")


def _with_symbols(
    rows: list[str], columns: _Columns, where: str, reading: Reading
) -> tuple[list[str], Named | None]:
    """Return the rows with symbols where the names were, and the elements."""
    if columns.name is None:
        return rows, None
    names = [row.split()[columns.name] for row in rows]
    found = elements_of_names(names, reading.elements, where, reading.say)
    symbols = [chemical_symbols[number] for number in found.numbers.tolist()]
    if symbols == names:
        return rows, found
    renamed = []
    for row, symbol in zip(rows, symbols, strict=True):
        words = row.split()
        words[columns.name] = symbol
        renamed.append(" ".join(words))
    return renamed, found


def _told_otherwise(comment: str) -> bool:
    return any(pattern.fullmatch(comment.rstrip()) for pattern in (_CP2K, _IPI))


def _take_comment(atoms: Atoms, comment: str, where: str, reading: Reading) -> None:
    """Take step, time (fs) and cell from a comment of CP2K, LAMMPS or i-PI."""
    comment = comment.rstrip()
    if match := _CP2K.fullmatch(comment) or _LAMMPS.fullmatch(comment):
        told = match.groupdict()
        atoms.info["step"] = int(told["step"])
        if told.get("time"):
            atoms.info["time_fs"] = number_of(told["time"], where)
    elif match := _IPI.fullmatch(comment):
        _take_ipi(atoms, comment, match["cell"].split()[:6], where)


def _take_ipi(atoms: Atoms, comment: str, cell: Sequence[str], where: str) -> None:
    """Take cell and step of i-PI, and turn lengths into Å."""
    units = dict(re.findall(r"(positions|cell)\{(\w+)\}", comment))
    unknown = [name for name in ("positions", "cell") if units.get(name) not in _IPI_LENGTHS]
    if unknown or len(cell) != 6:
        raise StoreError(
            f"{where} is a comment of i-PI without a cell or without known units: expected "
            "`CELL(abcABC): a b c A B C` and, say, `positions{angstrom} cell{angstrom}`"
        )
    values = np.array([number_of(word, where) for word in cell])
    values[:3] *= _IPI_LENGTHS[units["cell"]]
    atoms.positions *= _IPI_LENGTHS[units["positions"]]
    atoms.set_cell(cellpar_to_cell(values))
    atoms.pbc = True
    if step := re.search(r"\bStep:\s*(\d+)", comment):
        atoms.info["step"] = int(step.group(1))


def _take_time(atoms: Atoms, reading: Reading) -> None:
    """Turn times with their unit in the name (`time_ps`) into fs; one without is not used."""
    names = [name for name in atoms.info if name.lower().partition("_")[0] == "time"]
    for name in (name for name in names if "time_fs" not in atoms.info):
        unit = name.partition("_")[2]
        if unit in TIMES and isinstance(atoms.info[name], int | float):
            atoms.info["time_fs"] = TIMES[unit] * atoms.info[name]
        else:
            reading.say(f"the file has `{name}` without a known unit: it is not used")


def _take_masses(atoms: Atoms, found: Named | None) -> None:
    """Set the masses of isotopes, or those of a column that ASE does not know."""
    masses = next((atoms.arrays[n] for n in ("mass", "Mass") if n in atoms.arrays), None)
    if masses is None and found is not None:
        masses = found.masses
    if masses is not None and not atoms.has("masses") and np.ndim(masses) == 1:
        atoms.set_masses(masses)
