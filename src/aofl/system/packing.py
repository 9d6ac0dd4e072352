"""Molecules packed between two planes with Packmol.

References
----------
L. Martínez, R. Andrade, E. G. Birgin, J. M. Martínez, J. Comput. Chem. 30, 2157 (2009),
doi:10.1002/jcc.21224.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import ase.io
import numpy as np
from ase import Atoms

from aofl.errors import StructureError
from aofl.records import FloatArray

_TIME_OUT_S: Final = 60.0
# Liquids at their own density take one or two; Packmol's own limit of hundreds costs a minute
# on a "no".
_MAX_LOOPS: Final = 20
_PRECISION: Final = 1e-4  # Å^2: Packmol compares squares, its default of 0.01 means 0.1 Å
_SUCCESS: Final = "Success!"
# Packmol's exit code where the molecules do not fit, or are not found to; any other but 0 is an
# error of what it was given.
_NO_ROOM: Final = 173
_ERROR: Final = "ERROR:"
_WORDS: Final = 60  # of Packmol's that are told
REINSTALL: Final = "reinstall the Python package `packmol`"
_AT_THE_EDGE: Final = 1e-6  # Å: nearer than this below the end of the box is at its beginning


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Where molecules may be.

    Attributes
    ----------
    edges
        Of the rectangular periodic cell, Å, shape (3,).
    lower, upper
        Heights between which every atom lies, Å.
    obstacles
        Atoms in that region that stay where they are; may be empty.
    floor
        Height at which Packmol's box begins, Å: it holds the whole region.
    """

    edges: FloatArray
    lower: float
    upper: float
    obstacles: Atoms
    floor: float = 0.0


def pack_between(
    molecules: Sequence[tuple[Atoms, int]], region: Region, *, min_distance: float, seed: int
) -> Atoms | None:
    """Return molecules packed between two planes of a rectangular periodic cell.

    Parameters
    ----------
    molecules
        Templates, and how many of each.
    region
        Where they may be.
    min_distance
        Least distance between atoms of different molecules, and to the obstacles, Å.
    seed
        Packmol's own seed, >= 1; the same seed gives the same packing.

    Returns
    -------
    The molecules in the order given, or None if they do not fit.

    Raises
    ------
    StructureError
        If Packmol cannot be run, or fails for another reason than room; it is told in its words.
    """
    with tempfile.TemporaryDirectory(prefix="aofl-packmol-") as scratch:
        folder = Path(scratch)
        lines = _header(region, min_distance, seed)
        for index, (template, count) in enumerate(molecules):
            ase.io.write(folder / f"{index}.xyz", template, format="xyz")
            lines += [
                f"structure {index}.xyz",
                f"  number {count}",
                f"  above plane 0.0 0.0 1.0 {region.lower - region.floor:.9f}",
                f"  below plane 0.0 0.0 1.0 {region.upper - region.floor:.9f}",
                "end structure",
            ]
        if len(region.obstacles):
            ase.io.write(folder / "obstacles.xyz", _in_the_box(region), format="xyz")
            lines += [
                "structure obstacles.xyz",
                "  number 1",
                "  fixed 0.0 0.0 0.0 0.0 0.0 0.0",
                "end structure",
            ]
        (folder / "input").write_text("\n".join(lines) + "\n", encoding="ascii")
        if not _run_packmol(folder):
            return None
        packed = cast(Atoms, ase.io.read(folder / "packed.xyz", format="xyz"))
        packed.positions[:, 2] += region.floor
        return packed[: len(packed) - len(region.obstacles)]


def _in_the_box(region: Region) -> Atoms:
    """Return the obstacles within Packmol's box, which refuses what is 1e-15 Å outside."""
    inside: Atoms = region.obstacles.copy()
    folded = np.mod(inside.positions - [0.0, 0.0, region.floor], region.edges)
    inside.positions = np.where(region.edges - folded < _AT_THE_EDGE, 0.0, folded)
    return inside


def _header(region: Region, min_distance: float, seed: int) -> list[str]:
    edges = region.edges
    return [
        f"tolerance {min_distance:.6f}",
        "filetype xyz",
        "output packed.xyz",
        f"seed {seed}",
        f"nloop {_MAX_LOOPS}",
        f"precision {_PRECISION:.6f}",
        f"pbc 0.0 0.0 0.0 {edges[0]:.9f} {edges[1]:.9f} {edges[2]:.9f}",
    ]


def _run_packmol(folder: Path) -> bool:
    """Run Packmol on the file `input` in a folder; return whether everything fits.

    Raises
    ------
    StructureError
        If it ends for another reason than room.
    """
    try:
        # Packmol rewinds its input, so that a pipe will not do.
        with (folder / "input").open("rb") as stdin:
            done = subprocess.run(  # noqa: S603 - a fixed argument list, no shell
                [_packmol()],
                stdin=stdin,
                cwd=folder,
                capture_output=True,
                timeout=_TIME_OUT_S,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return False
    except OSError as error:
        raise StructureError(f"packmol cannot be run ({error}); {REINSTALL}") from error
    said = done.stdout.decode(errors="replace")
    if done.returncode not in (0, _NO_ROOM):
        raise StructureError(
            f"packmol ended with code {done.returncode}: "
            f"{_reason(said, done.stderr.decode(errors='replace'))}"
        )
    return done.returncode == 0 and _SUCCESS in said


def _packmol() -> str:
    """Return the program of the Python package, or else the one on the path, as conda has it."""
    try:
        from packmol.cli import get_binary_path
    except ImportError as error:
        found = shutil.which("packmol")
        if found is None:
            raise StructureError(f"packmol is not installed ({error}); {REINSTALL}") from error
        return found
    return str(get_binary_path())


def _reason(said: str, stderr: str) -> str:
    """Return what Packmol says of its error, on one line: all after that word, else its last."""
    _, _, reason = said.partition(_ERROR)
    words = (reason or stderr or said).split()
    return " ".join(words[:_WORDS] if reason else words[-_WORDS:])
