"""Structures from files, in any format that ASE reads."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Final, cast

import ase.io
import numpy as np
from ase import Atoms
from ase.io.formats import open_with_compression

from aofl.errors import StructureError

logger = logging.getLogger(__name__)

# What a run reads; a number among them that is none is an error.
PHYSICAL: Final = {
    "numbers", "positions", "momenta", "masses", "tags", "initial_charges", "initial_magmoms",
}  # fmt: skip
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def read_structure(path: Path) -> Atoms:
    """Return the last frame of a file, without its results.

    Raises
    ------
    StructureError
        If there is no such file, or ASE cannot read it.
    """
    if not path.is_file():
        raise StructureError(f"{path} is not a file; give a structure that ASE reads")
    if _is_xyz(path) and _stands_behind_a_blank(path):
        raise StructureError(
            f"{path} has frames behind a blank line, where ASE takes the file to end: the last "
            "frame would not be read; take the blank lines out"
        )
    try:
        frame = cast(Atoms, ase.io.read(path, index=-1, do_not_split_by_at_sign=True))
    except Exception as error:  # ASE's readers raise whatever their formats lead to
        reason = " ".join(str(error).split()) or type(error).__name__
        raise StructureError(f"{path} cannot be read as a structure: {reason}") from error
    frame.calc = None
    _take_masses(frame)
    _drop_what_cannot_be_kept(frame, path)
    return frame


def _take_masses(frame: Atoms) -> None:
    """Take a column `mass`, as other programs call it, for the masses of the atoms."""
    if "mass" in frame.arrays and not frame.has("masses"):
        frame.set_masses(frame.arrays.pop("mass"))


def _drop_what_cannot_be_kept(frame: Atoms, path: Path) -> None:
    """Leave out columns of texts and of numbers that are none; a run knows what to do with none."""
    for name in [name for name in frame.arrays if name not in PHYSICAL]:
        values = frame.arrays[name]
        is_kept = values.dtype.kind in "fib" and values.ndim <= 2 and _NAME.fullmatch(name)
        if not is_kept or not np.isfinite(values).all():
            logger.warning(
                "the column %r of %s is left out: a run keeps finite numbers", name, path
            )
            del frame.arrays[name]


def _is_xyz(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith((".xyz", ".extxyz"))


def _stands_behind_a_blank(path: Path) -> bool:
    """Whether something follows a blank line between frames, or none is before the first."""
    try:
        with open_with_compression(str(path), "r") as file:
            while (count := file.readline()).strip():
                for _ in range(int(count) + 1):
                    file.readline()
            return bool(file.read().strip())
    except (OSError, ValueError):  # the reader says what is wrong
        return False
