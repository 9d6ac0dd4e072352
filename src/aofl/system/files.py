"""Structures from files, in any format that ASE reads."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import ase.io
from ase import Atoms

from aofl.errors import StructureError


def read_structure(path: Path) -> Atoms:
    """Return the last frame of a file, without its results.

    Raises
    ------
    StructureError
        If there is no such file, or ASE cannot read it.
    """
    if not path.is_file():
        raise StructureError(f"{path} is not a file; give a structure that ASE reads")
    try:
        frame = cast(Atoms, ase.io.read(path, index=-1, do_not_split_by_at_sign=True))
    except Exception as error:  # ASE's readers raise whatever their formats lead to
        reason = " ".join(str(error).split()) or type(error).__name__
        raise StructureError(f"{path} cannot be read as a structure: {reason}") from error
    frame.calc = None
    if "mass" in frame.arrays and not frame.has("masses"):
        frame.set_masses(frame.arrays.pop("mass"))  # as other programs call the column
    return frame
