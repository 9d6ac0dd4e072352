"""Frames of extended XYZ text whose numbers read back bit for bit.

ASE's writer rounds to eight decimals and its reader guesses the type of every value. This
writer gives each float its shortest exact form and hands over as JSON whatever the reader would
take for something else. `energy`, `forces` and `stress` become results of a calculator when
they are read; `REF_` names stay in `info` and `arrays`.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO, cast

import ase.io
import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.constraints import FixAtoms
from ase.data import chemical_symbols

from aofl.errors import StoreError
from aofl.store.text_file import Lines, text_file

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_READ_AS_SOMETHING_ELSE = {"t", "f", "true", "false", "nan", "inf", "infinity"}
MANY_COLUMNS = 1000  # are made at once, whatever stands there
_COLUMNS = re.compile(r":[RISL]:(\d{1,18})")  # how many, of a property
_ATOM_COUNT = re.compile(r"[0-9]{1,9}")
_RESERVED = {"Lattice", "Properties", "pbc", "uid", "virial"}
_COLUMN_KINDS = {"f": "R", "i": "I", "b": "L"}


def format_frame(
    *,
    numbers: npt.ArrayLike,
    positions: npt.ArrayLike,
    cell: npt.ArrayLike,
    pbc: npt.ArrayLike,
    info: Mapping[str, Any],
    arrays: Mapping[str, npt.NDArray[Any]],
) -> str:
    """Return one frame as text that ends with a newline.

    Parameters
    ----------
    numbers, positions, cell, pbc
        As in ASE, Å, shapes (n,), (n, 3), (3, 3), (3,).
    info
        Values of the frame: None, bool, int, float, str, arrays and flat lists, dicts for JSON.
    arrays
        Values of the atoms: float, int (32 bits) or bool, shape (n,) or (n, k).

    Raises
    ------
    StoreError
        If a name cannot be used, a shape is wrong, or a number is not finite.
    """
    species = [chemical_symbols[z] for z in np.asarray(numbers).tolist()]
    columns = [species]
    properties = ["species:S:1"]
    for name, values in {"pos": np.asarray(positions, dtype=np.float64), **arrays}.items():
        texts, kind = _format_column(name, values, len(species))
        columns.extend(texts)
        properties.append(f"{name}:{kind}:{len(texts)}")
    header = [
        f'Lattice="{_join_floats("cell", np.asarray(cell, dtype=np.float64))}"',
        f"Properties={':'.join(properties)}",
        f'pbc="{" ".join(_bool(flag) for flag in np.asarray(pbc, dtype=bool))}"',
        *(f"{_checked_name(key)}={_format_info(key, value)}" for key, value in info.items()),
    ]
    rows = (" ".join(row) for row in zip(*columns, strict=True))
    return "\n".join([str(len(species)), " ".join(header), *rows]) + "\n"


def format_atoms(atoms: Atoms) -> str:
    """Return one structure with its arrays (momenta, tags, ...) and fixed atoms as a frame.

    Raises
    ------
    StoreError
        If it has a constraint other than `FixAtoms`, or an array that is not of numbers.
    """
    arrays = {k: v for k, v in atoms.arrays.items() if k not in ("numbers", "positions")}
    if atoms.constraints:
        arrays["move_mask"] = np.ones(len(atoms), dtype=bool)
    for constraint in atoms.constraints:
        if not isinstance(constraint, FixAtoms):
            name = type(constraint).__name__
            raise StoreError(f"the constraint {name} cannot be stored: only FixAtoms can")
        arrays["move_mask"][constraint.index] = False
    return format_frame(
        numbers=atoms.numbers,
        positions=atoms.positions,
        cell=np.asarray(atoms.cell),
        pbc=atoms.pbc,
        info={},
        arrays=arrays,
    )


def read_atoms(path: Path) -> Atoms:
    """Return the structure of a file that `format_atoms` wrote.

    Raises
    ------
    StoreError
        If the file cannot be read or its first frame is damaged.
    """
    for text in iterate_frames(path):
        return parse_frame(text, str(path))
    raise StoreError(f"{path} has no whole frame: the file was damaged")


def parse_frame(text: str, where: str) -> Atoms:
    """Return the structure of one frame; `where` names it in errors.

    Raises
    ------
    StoreError
        If the text is not a frame.
    """
    _check_columns(text, where)
    try:
        return cast(Atoms, ase.io.read(io.StringIO(text), index=0, format="extxyz"))
    except Exception as error:  # a damaged frame makes ASE raise nearly anything
        raise StoreError(f"{where} cannot be read, the file was damaged: {error}") from error


def _check_columns(text: str, where: str) -> None:
    """Refuse a frame that promises more columns than a line is long: ASE would make them all."""
    head, _, atoms = text.partition("\n")[2].partition("\n")
    counts = [int(n) for n in _COLUMNS.findall(head)]
    if max(counts, default=0) > max(len(atoms.partition("\n")[0]), MANY_COLUMNS):
        raise StoreError(
            f"{where} promises {max(counts)} columns, more than its first atom has letters: the "
            "file was damaged; restore it from a copy"
        )


def iterate_frames(path: Path, *, may_be_torn: bool = True, start: int = 0) -> Iterator[str]:
    """Yield the text of each whole frame of a file of ours; a torn last one is passed over.

    The texts add up to the file, plain or `.gz`, so places in it can be remembered; a blank line is
    damage.

    Parameters
    ----------
    may_be_torn
        Whether a last line without its newline may be half a line; files that were written to
        their end by other programs may just lack it.
    start
        The byte where the first frame of interest begins.

    Raises
    ------
    StoreError
        If the file cannot be read, or what is no frame is not a torn tail of one frame: then
        the file was damaged otherwise, and later frames must not be taken for torn.
    """
    with text_file(path, "extended XYZ text") as file:
        file.seek(start)
        for _, text in _frames(file, path, may_be_torn=may_be_torn, may_have_blanks=False):
            yield text


def iterate_numbered(
    path: Path, *, may_be_torn: bool = True, on_torn: Callable[[int], None] = lambda number: None
) -> Iterator[tuple[int, str]]:
    """Yield each whole frame of anybody's file with the number of its first line, from 1.

    Blank lines before, between and after frames are passed over.

    Parameters
    ----------
    may_be_torn
        As of `iterate_frames`.
    on_torn
        Called with the number of the first line of a torn last frame.

    Raises
    ------
    StoreError
        As `iterate_frames`.
    """
    with text_file(path, "extended XYZ text") as file:
        yield from _frames(
            file, path, may_be_torn=may_be_torn, may_have_blanks=True, on_torn=on_torn
        )


def frames_of_text(text: str, path: Path) -> Iterator[str]:
    """Yield the text of each whole frame in a text that came from a file of ours."""
    file = io.StringIO(text, newline="\n")
    for _, frame in _frames(file, path, may_be_torn=True, may_have_blanks=False):
        yield frame


def _frames(
    file: TextIO,
    path: Path,
    *,
    may_be_torn: bool,
    may_have_blanks: bool,
    on_torn: Callable[[int], None] = lambda number: None,
) -> Iterator[tuple[int, str]]:
    """Yield whole frames with the numbers of their first lines."""
    lines = Lines(file)
    while count := lines.next():
        if may_have_blanks and not count.strip():
            continue
        first = lines.number
        wanted = _number_of_lines(count, f"{path} line {first}")
        frame = [count, *lines.take(wanted - 1)]
        if len(frame) < wanted or (may_be_torn and not frame[-1].endswith("\n")):
            _check_is_one_frame(frame, f"{path} line {first}")
            on_torn(first)
            return
        yield first, "".join(frame)


def _number_of_lines(count: str, where: str) -> int:
    if not count.endswith("\n"):
        return 2
    if not _ATOM_COUNT.fullmatch(count.strip()):
        raise StoreError(f"{where} has {count.strip()[:40]!r} where a number of atoms should be")
    return int(count) + 2


def _check_is_one_frame(torn: list[str], where: str) -> None:
    """Refuse what swallowed a frame that follows: it begins with a line that is no atom."""
    whole = [line for line in torn[2:] if line.endswith("\n")]
    if any("Properties=" in line or _ATOM_COUNT.fullmatch(line.strip()) for line in whole):
        raise StoreError(
            f"{where} begins a frame with fewer atoms than the {torn[0].strip()} it announces: "
            "the file was damaged; restore it from a copy"
        )


def _format_column(
    name: str, values: npt.NDArray[Any], n_atoms: int
) -> tuple[list[list[str]], str]:
    """Return the columns of one array as lists of texts, and the letter of their kind."""
    kind = _COLUMN_KINDS.get(values.dtype.kind)
    if kind is None or values.ndim not in (1, 2) or len(values) != n_atoms:
        raise StoreError(
            f"the array {name!r} has type {values.dtype} and shape {values.shape}: expected "
            f"numbers of shape ({n_atoms},) or ({n_atoms}, k)"
        )
    _checked_name(name)
    if kind == "R":
        _check_finite(name, values)
    write = _bool if kind == "L" else repr
    matrix = values.reshape(n_atoms, -1)
    return [[write(value) for value in column] for column in matrix.T.tolist()], kind


def _format_info(key: str, value: Any) -> str:
    """Return the value as text that ASE's reader turns into the same value."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, bool):
        return _bool(value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return str(value)
    if isinstance(value, float):
        _check_finite(key, np.array(value))
        return repr(value)
    if isinstance(value, list) and len(value) > 1 and all(isinstance(x, float) for x in value):
        return f'"{_join_floats(key, np.array(value))}"'
    if isinstance(value, str) and _is_plain(value):
        return value
    return _format_json(key, value)


def _format_json(key: str, value: Any) -> str:
    if isinstance(value, list) and any(isinstance(item, list | tuple | dict) for item in value):
        raise StoreError(f"{key!r} is a list of lists, which ASE cannot read back: flatten it")
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StoreError(f"{key!r} cannot be written as JSON: {error}") from error
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"_JSON {escaped}"'


def _is_plain(text: str) -> bool:
    """Whether ASE reads the bare text back as the same text."""
    return bool(_PLAIN_TEXT.fullmatch(text)) and text.lower() not in _READ_AS_SOMETHING_ELSE


def _join_floats(name: str, values: npt.NDArray[np.float64]) -> str:
    _check_finite(name, values)
    return " ".join(repr(value) for value in values.ravel().tolist())


def _check_finite(name: str, values: npt.NDArray[Any]) -> None:
    if not np.isfinite(values).all():
        raise StoreError(f"{name!r} has numbers that are not finite: they are never written")


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise StoreError(f"{name!r} cannot be the name of a value in extended XYZ")
    return name


def _bool(flag: object) -> str:
    return "T" if flag else "F"
