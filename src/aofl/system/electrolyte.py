"""Molecules by name, and their packing into a box with Packmol.

References
----------
L. Martínez, R. Andrade, E. G. Birgin, J. M. Martínez, J. Comput. Chem. 30, 2157 (2009),
doi:10.1002/jcc.21224. Water: W. S. Benedict, N. Gailar, E. K. Plyler, J. Chem. Phys. 24, 1139
(1956), doi:10.1063/1.1742731.
"""

from __future__ import annotations

import difflib
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

import ase.build
import ase.io
import numpy as np
from ase import Atoms
from ase.collections import g2
from packmol.cli import get_binary_path

from aofl.errors import StructureError
from aofl.records import FloatArray

_WATER_BOND: Final = 0.9572  # Å
_WATER_ANGLE: Final = np.radians(104.52)
_WATER_NAMES: Final = ("H2O", "water")

_TIME_OUT_S: Final = 60.0
# Water at 1 g/cm^3 takes one or two; Packmol's own limit of hundreds costs a minute on a "no".
_MAX_LOOPS: Final = 20
_PRECISION: Final = 1e-4  # Å^2: Packmol compares squares, its default of 0.01 means 0.1 Å
_SUCCESS: Final = "Success!"


def molecule(name: str) -> Atoms:
    """Return one molecule in the gas phase, without a cell.

    Parameters
    ----------
    name
        `H2O` or `water` (experimental geometry), or a name of ASE's G2 collection such as
        `CH3OCH3`.

    Raises
    ------
    StructureError
        For an unknown name; the message gives the nearest ones.
    """
    if name in _WATER_NAMES:
        x, y = _WATER_BOND * np.sin(_WATER_ANGLE / 2), _WATER_BOND * np.cos(_WATER_ANGLE / 2)
        return Atoms("OH2", positions=[(0, 0, 0), (x, y, 0), (-x, y, 0)])
    if name in g2.names:
        found = ase.build.molecule(name)
        return Atoms(found.numbers, positions=found.positions)
    known = [*_WATER_NAMES, *g2.names]
    nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known[:3]
    raise StructureError(
        f"molecule {name!r} is unknown; the nearest known are {', '.join(nearest)}"
    )


def pack_between(
    molecules: Sequence[tuple[Atoms, int]],
    cell: FloatArray,
    *,
    lower: float,
    upper: float,
    min_distance: float,
    seed: int,
) -> Atoms | None:
    """Return molecules packed between two planes of a rectangular periodic cell.

    Parameters
    ----------
    molecules
        Templates, and how many of each.
    cell
        Edge lengths, Å, shape (3,); periodic along x and y.
    lower, upper
        Heights between which every atom lies, Å.
    min_distance
        Least distance between atoms of different molecules, Å.
    seed
        Packmol's own seed, >= 1; the same seed gives the same packing.

    Returns
    -------
    The molecules in the order given, or None if they do not fit.
    """
    with tempfile.TemporaryDirectory(prefix="aofl-packmol-") as scratch:
        folder = Path(scratch)
        lines = [
            f"tolerance {min_distance:.6f}",
            "filetype xyz",
            "output packed.xyz",
            f"seed {seed}",
            f"nloop {_MAX_LOOPS}",
            f"precision {_PRECISION:.6f}",
            f"pbc 0.0 0.0 0.0 {cell[0]:.9f} {cell[1]:.9f} {cell[2]:.9f}",
        ]
        for index, (template, count) in enumerate(molecules):
            ase.io.write(folder / f"{index}.xyz", template, format="xyz")
            lines += [
                f"structure {index}.xyz",
                f"  number {count}",
                f"  above plane 0.0 0.0 1.0 {lower:.9f}",
                f"  below plane 0.0 0.0 1.0 {upper:.9f}",
                "end structure",
            ]
        (folder / "input").write_text("\n".join(lines) + "\n", encoding="ascii")
        if not _run_packmol(folder):
            return None
        return cast(Atoms, ase.io.read(folder / "packed.xyz", format="xyz"))


def _run_packmol(folder: Path) -> bool:
    """Run Packmol on the file `input` in a folder; return whether everything fits."""
    try:
        # Packmol rewinds its input, so that a pipe will not do.
        with (folder / "input").open("rb") as stdin:
            done = subprocess.run(  # noqa: S603 - a fixed argument list, no shell
                [str(get_binary_path())],
                stdin=stdin,
                cwd=folder,
                capture_output=True,
                timeout=_TIME_OUT_S,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return False
    except OSError as error:
        raise StructureError(
            f"packmol cannot be run ({error}); reinstall the Python package `packmol`"
        ) from error
    return done.returncode == 0 and _SUCCESS in done.stdout.decode(errors="replace")
