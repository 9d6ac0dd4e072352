"""What CP2K writes about one label: whether the SCF converged, warnings, charges.

CP2K 2023.1 goes on after an SCF that did not converge and hands out its forces like any others;
the words in the output are the only sign. The output is flushed after the SCF: what comes later,
such as the line of the total energy, may be missing when the forces are there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aofl.records import FloatArray

_ENDED = re.compile(
    r"SCF run converged in +(?P<cycles>\d+) steps|SCF run NOT converged|"
    r"outer SCF loop FAILED to converge"
)
_FULL_BANDS = "Add more MOs for proper smearing"
_CYCLE = re.compile(r"^ +\d+ \S+(/Diag\.| DIIS| ASD| CG) ", re.MULTILINE)
_CHARGES = "Hirshfeld Charges"
_FIGURE = re.compile(r"^[\s\\/_|O]+(?=\s|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cp2kReport:
    """What the output says about one label.

    Attributes
    ----------
    is_converged
        None where it says neither: the output is cut off.
    cycles
        SCF cycles of the last run, None where it did not converge.
    has_full_bands
        Whether the smearing fills the highest orbital in the last cycle: there are too few.
    """

    is_converged: bool | None
    cycles: int | None
    has_full_bands: bool


def read_report(text: str) -> Cp2kReport:
    """Return what the output of one label says; of several SCF runs the last one counts."""
    ends = list(_ENDED.finditer(text))
    cycles = ends[-1]["cycles"] if ends else None
    return Cp2kReport(
        is_converged=cycles is not None if ends else None,
        cycles=int(cycles) if cycles is not None else None,
        has_full_bands=_has_full_bands(text),
    )


def read_charges(text: str) -> FloatArray | None:
    """Return Hirshfeld's net charges, e, shape (n,): the last column of the last table."""
    start = text.rfind(_CHARGES)
    if start < 0:
        return None
    rows = [line.split() for line in text[start:].splitlines()]
    values = [float(row[-1]) for row in rows if row and row[0].isdigit()]
    return np.array(values) if values else None


def abort_message(text: str) -> str | None:
    """Return the words of CP2K's own abort, None where there is none."""
    start = text.rfind("[ABORT]")
    if start < 0:
        return None
    # The words stand in a box, to the right of a little figure; the place in the source is last.
    lines = [line.strip(" *") for line in text[start:].splitlines()[:6]]
    words = " ".join(_FIGURE.sub("", line).strip() for line in lines).replace("[ABORT]", "")
    return " ".join(words.split()) or None


def _has_full_bands(text: str) -> bool:
    """Whether the last cycle warned: those of the atomic guess often do, and it means nothing."""
    last = text.rfind(_FULL_BANDS)
    return last >= 0 and len(_CYCLE.findall(text, last)) <= 1


def read_from(path: Path, offset: int) -> str:
    """Return the text of a file from a byte on, empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read().decode(errors="replace")
    except OSError:
        return ""
