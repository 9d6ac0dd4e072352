"""Frames of any trajectory: a run directory, or a file of a format that others write.

Each reader goes through its file once and holds one frame at a time. `info` of a frame has `step`
and `time_fs` where the file has them. Nothing that is read can run code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

import ase.io
import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from ase.io.trajectory import TrajectoryReader

from aofl.errors import StoreError
from aofl.store.atomic import cannot
from aofl.store.h5md import iterate_h5md
from aofl.store.lammps_dump import iterate_lammps_dump
from aofl.store.run_directory import RunDirectory
from aofl.store.trajectory import iterate_file, iterate_trajectory
from aofl.store.xdatcar import iterate_xdatcar

Reader = Callable[[Path, Sequence[str]], Iterator[Atoms]]


def read_frames(
    path: Path, *, format_: str | None = None, elements: Sequence[str] = ()
) -> Iterator[Atoms]:
    """Return the frames of a trajectory, read as they are asked for.

    Parameters
    ----------
    path
        A run directory or a file.
    format_
        A key of `FORMATS`; None tells it from the name, else from the first bytes.
    elements
        The element of each atom type, for files that have types only.

    Raises
    ------
    StoreError
        Here or while reading: if the file does not exist, has no format that is known, no whole
        frame, or is damaged.
    """
    unknown = [symbol for symbol in elements if symbol not in atomic_numbers]
    if unknown:
        raise StoreError(
            f"--elements has {unknown[0]!r}, which is no element: give symbols as Na,O"
        )
    if path.is_dir():
        path = RunDirectory.open(path).trajectory
        return _whole(iterate_trajectory(path), path)
    if not path.is_file():
        raise StoreError(f"there is no file {path}: give a trajectory or a run directory")
    if format_ is not None and format_ not in FORMATS:
        raise StoreError(f"the format {format_!r} is not known: choose of {', '.join(FORMATS)}")
    return _whole(FORMATS[format_ or format_of(path)](path, elements), path)


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
    start = _first_bytes(path)
    for format_, mark in MARKS.items():
        if start.startswith(mark):
            return format_
    raise StoreError(
        f"the format of {path} is not known from its name: give --format, one of "
        f"{', '.join(FORMATS)}"
    )


def _whole(frames: Iterator[Atoms], path: Path) -> Iterator[Atoms]:
    """Pass frames on, as long as they have the same atoms and finite numbers."""
    first: Atoms | None = None
    for index, atoms in enumerate(frames):
        if len(atoms) == 0:
            raise StoreError(f"{path} frame {index} has no atoms")
        if not np.isfinite(atoms.positions).all() or not np.isfinite(atoms.cell.array).all():
            raise StoreError(f"{path} frame {index} has numbers that are not finite")
        if first is not None and not np.array_equal(first.numbers, atoms.numbers):
            raise StoreError(
                f"{path} frame {index} has other atoms, or another order, than frame 0 "
                f"({atoms.get_chemical_formula()} against {first.get_chemical_formula()}): "
                "a trajectory follows the same atoms"
            )
        _check_periodic(atoms, f"{path} frame {index}")
        first = first or atoms
        yield atoms
    if first is None:
        raise StoreError(f"{path} has no whole frame")


def _check_periodic(atoms: Atoms, where: str) -> None:
    vectors = atoms.cell.array[atoms.pbc]
    if len(vectors) and np.linalg.matrix_rank(vectors, tol=1e-6) < len(vectors):
        raise StoreError(f"{where} is periodic along a cell vector that has no length")


def _ase_trajectory(path: Path, elements: Sequence[str]) -> Iterator[Atoms]:
    """Yield the frames of ASE's own format: JSON and plain numbers, never pickle."""
    try:
        # opened here, because ASE leaves a file open that is none of its own
        with path.open("rb") as file, TrajectoryReader(file) as reader:
            for index in range(len(reader)):
                yield reader[index]
    except Exception as error:  # a damaged file makes ASE raise nearly anything
        raise StoreError(f"{path} is not a whole ASE trajectory: {error}") from error


def _structure(format_: str) -> Reader:
    def read(path: Path, elements: Sequence[str]) -> Iterator[Atoms]:
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
            return file.read(64)
    except OSError as error:
        raise cannot("read", path, error) from error


FORMATS: dict[str, Reader] = {
    "extxyz": lambda path, elements: iterate_file(path),
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
MARKS = {"traj": b"- of Ulm", "lammps-dump": b"ITEM:", "h5md": b"\x89HDF"}
