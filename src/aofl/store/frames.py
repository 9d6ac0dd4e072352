"""Frames of any trajectory: a run directory, or a file of a format that others write.

Each reader goes through its file once and holds one frame at a time. `info` of a frame has `step`
and `time_fs` where the file has them. Nothing that is read can run code.
"""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

import ase.io
import numpy as np
from ase import Atoms
from ase.cell import Cell
from ase.io.trajectory import TrajectoryReader

from aofl.errors import StoreError
from aofl.records import FloatArray
from aofl.store.atomic import cannot
from aofl.store.elements import Elements, parse_elements
from aofl.store.followed import followed
from aofl.store.h5md import iterate_h5md
from aofl.store.lammps_dump import iterate_lammps_dump
from aofl.store.reading import Reading
from aofl.store.run_directory import RunDirectory
from aofl.store.trajectory import count_frames, iterate_trajectory
from aofl.store.xdatcar import iterate_xdatcar
from aofl.store.xyz import iterate_xyz

_HEAD = 4_000_000  # bytes, from which the number of frames is guessed

Reader = Callable[[Path, Reading], Iterator[Atoms]]


def read_frames(
    path: Path,
    *,
    format_: str | None = None,
    elements: Sequence[str] = (),
    cell: Sequence[float] | None = None,
    is_unwrapped: bool = False,
    say: Callable[[str], None] = lambda note: None,
) -> Iterator[Atoms]:
    """Return the frames of a trajectory, read as they are asked for.

    Parameters
    ----------
    path
        A run directory or a file.
    format_
        A key of `FORMATS`; None tells it from the name, else from the first bytes.
    elements
        For files that do not name elements: the symbol of each atom type; or `NAME=SYMBOL` for
        each name; or one file with the same atoms in the same order.
    cell
        For files without a cell: three lengths, three lengths and three angles (Å, degrees), or
        nine numbers, the vectors; none at all says that there is no cell.
    is_unwrapped
        Whether the positions are those of paths that no periodic boundary has cut.
    say
        Told what was assumed and what was left out.

    Raises
    ------
    StoreError
        Here or while reading: if the file does not exist, has no format that is known, no whole
        frame, or is damaged, or does not say what its atoms are.
    """
    reading = Reading(
        elements=_elements(elements),
        cell=None if cell is None else _cell(cell),
        is_unwrapped=is_unwrapped,
        say=say,
    )
    if path.is_dir():
        path = RunDirectory.open(path).trajectory
        return followed(iterate_trajectory(path), path, reading)
    if not path.is_file():
        raise StoreError(f"there is no file {path}: give a trajectory or a run directory")
    if format_ is not None and format_ not in FORMATS:
        raise StoreError(f"the format {format_!r} is not known: choose of {', '.join(FORMATS)}")
    return followed(FORMATS[format_ or format_of(path)](path, reading), path, reading)


def about_how_many(path: Path, n_atoms: int) -> int | None:
    """Return about how many frames a trajectory has, without reading it; None if that is not told.

    Of a text the lines are as long as the first ones, and a frame has one for each atom and two
    more: good for a bar of the progress and for nothing else.
    """
    if path.is_dir():
        return count_frames(RunDirectory.open(path).trajectory)
    with path.open("rb") as file:
        compressed = path.suffix == ".gz"
        head = (gzip.GzipFile(fileobj=file) if compressed else file).read(_HEAD)
        lines, size = head.count(b"\n"), path.stat().st_size
        if not lines or b"\0" in head:
            return None
        is_all = len(head) < _HEAD
        share = 1.0 if is_all else file.tell() / size
    return max(1, round(lines / share / (n_atoms + 2)))


def _elements(words: Sequence[str]) -> Elements:
    """Return what the user says of elements: symbols, names, or a file with the same atoms."""
    if len(words) == 1 and "=" not in words[0] and Path(words[0]).is_file():
        first = next(read_frames(Path(words[0])))
        return Elements(of_atoms=tuple(first.numbers.tolist()))
    return parse_elements(words)


def _cell(values: Sequence[float]) -> FloatArray:
    """Return the vectors of a cell, Å, rows."""
    if len(values) == 0:
        return np.zeros((3, 3))
    if len(values) not in (3, 6, 9) or not np.isfinite(values).all():
        raise StoreError(
            f"--cell has {len(values)} numbers: give three lengths, three lengths and three "
            "angles, or the nine numbers of the vectors"
        )
    vectors = np.zeros((3, 3))
    if len(values) == 9:
        vectors = np.reshape(np.array(values, dtype=np.float64), (3, 3))
    elif min(values) > 0 and max(values[3:], default=90.0) < 180.0:
        with suppress(AssertionError):  # by which ASE says that the angles do not close
            vectors = Cell.new(values).array
    if not np.isfinite(vectors).all() or abs(np.linalg.det(vectors)) < 1e-6:
        raise StoreError(f"--cell is {','.join(f'{v:g}' for v in values)}, which has no volume")
    return vectors


def format_of(path: Path) -> str:
    """Return the key of `FORMATS` that a file has, by its name or else its first bytes.

    Raises
    ------
    StoreError
        If it is none of them, or cannot be read.
    """
    name = path.name.removesuffix(".gz").lower()
    for format_, (endings, beginnings) in NAMES.items():
        if name.endswith(endings) or name.startswith(beginnings):
            return format_
    if name.endswith(UNREAD):
        raise StoreError(
            f"{path} is of a format that is not read: turn it into extended XYZ with the cell and "
            "the elements (docs/files.md says what is read)"
        )
    start = _first_bytes(path)
    for format_, mark in MARKS.items():
        if start.startswith(mark):
            return format_
    raise StoreError(
        f"the format of {path} is not known from its name: give --format, one of "
        f"{', '.join(FORMATS)}"
    )


def _ase_trajectory(path: Path, reading: Reading) -> Iterator[Atoms]:
    """Yield the frames of ASE's own format: JSON and plain numbers, never pickle."""
    try:
        # opened here, because ASE leaves a file open that is none of its own
        with path.open("rb") as file, TrajectoryReader(file) as reader:
            for index in range(len(reader)):
                yield reader[index]
    except Exception as error:  # a damaged file makes ASE raise nearly anything
        raise StoreError(f"{path} is not a whole ASE trajectory: {error}") from error


def _structure(format_: str) -> Reader:
    def read(path: Path, reading: Reading) -> Iterator[Atoms]:
        try:
            atoms = cast(Atoms, ase.io.read(path, index=0, format=format_))
        except OSError as error:
            raise cannot("read", path, error) from error
        except Exception as error:  # as above
            raise StoreError(f"{path} cannot be read as {format_}: {error}") from error
        atoms.info, atoms.calc = {}, None
        yield atoms

    return read


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64).removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise cannot("read", path, error) from error


FORMATS: dict[str, Reader] = {
    "extxyz": iterate_xyz,
    "traj": _ase_trajectory,
    "lammps-dump": iterate_lammps_dump,
    "h5md": iterate_h5md,
    "xdatcar": iterate_xdatcar,
    "vasp": _structure("vasp"),
    "cif": _structure("cif"),
}
# how names end, and how they begin
NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "extxyz": ((".extxyz", ".xyz"), ()),
    "traj": ((".traj",), ()),
    "lammps-dump": ((".lammpstrj", ".lammpsdump", ".dump"), ("dump.",)),
    "h5md": ((".h5md", ".h5", ".hdf5"), ()),
    "xdatcar": (("xdatcar",), ("xdatcar",)),
    "vasp": ((".vasp", ".poscar", "poscar", "contcar"), ("poscar", "contcar")),
    "cif": ((".cif",), ()),
}
UNREAD = (".dcd", ".xtc", ".trr", ".nc", ".ncdf", ".pdb", ".gro", ".mol2")
MARKS = {"traj": b"- of Ulm", "lammps-dump": b"ITEM:", "h5md": b"\x89HDF"}
