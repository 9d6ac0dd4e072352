"""VASP XDATCAR files: fixed cells with one header, changing cells with one before each frame.

ASE's reader (3.29) cannot stand behind this one: it holds all frames in memory, takes a negative
scale for a length where VASP means the volume, drops the step numbers, fails on a torn last frame,
and ends without a word at the first header that it cannot read, whatever follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from aofl.errors import StoreError
from aofl.records import FloatArray
from aofl.store.text_file import text_file


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """Cell (Å, rows) and atomic numbers."""

    cell: FloatArray
    numbers: list[int]


def iterate_xdatcar(path: Path, elements: Sequence[str] = ()) -> Iterator[Atoms]:
    """Yield the whole frames of an XDATCAR; a torn last one is passed over.

    Parameters
    ----------
    elements
        The element of each kind, for files of VASP 4, which do not name them.

    Raises
    ------
    StoreError
        If the file cannot be read or a frame is damaged.
    """
    with text_file(path, "an XDATCAR") as file:
        header, index = None, 0
        while line := file.readline():
            where = f"{path} frame {index}"
            try:
                if header is None or not _starts_frame(line):
                    header = _next_header(file, elements, where, is_first=index == 0)
                    if header is None:
                        return
                    continue
                atoms = _next_frame(file, header, line)
            except (ValueError, IndexError) as error:
                raise StoreError(
                    f"{where} is no XDATCAR frame near {line.strip()[:50]!r}: {error}"
                ) from error
            if atoms is None:
                return
            yield atoms
            index += 1


def _next_header(
    file: TextIO, elements: Sequence[str], where: str, *, is_first: bool
) -> _Header | None:
    """Read the header after its comment, or None where a later one is torn."""
    lines = list(islice(file, 5))
    lines += [] if _is_counts(lines) else list(islice(file, 1))
    if not is_first and (len(lines) < 5 or not lines[-1].endswith("\n")):
        return None
    return _header(lines, elements, where)


def _next_frame(file: TextIO, header: _Header, line: str) -> Atoms | None:
    """Read the positions after the line that starts a frame, or None where they are torn."""
    rows = [row.split() for row in islice(file, len(header.numbers))]
    if len(rows) < len(header.numbers) or (rows and len(rows[-1]) < 3):
        return None
    scaled = np.array([row[:3] for row in rows], dtype=float).reshape(-1, 3)
    positions = scaled @ header.cell
    return Atoms(
        numbers=header.numbers, positions=positions, cell=header.cell, pbc=True, info=_step(line)
    )


def _starts_frame(line: str) -> bool:
    return not line.strip() or line.strip().lower().startswith("direct")


def _step(line: str) -> dict[str, int]:
    found = re.search(r"=\s*(\d{1,15})", line)
    return {"step": int(found.group(1))} if found else {}


def _is_counts(lines: list[str]) -> bool:
    """Tell whether the fifth line has counts, as in VASP 4, and not elements."""
    return len(lines) == 5 and lines[4].split()[:1] != [] and lines[4].split()[0].isdigit()


def _header(lines: list[str], elements: Sequence[str], where: str) -> _Header:
    """Read scale, cell, elements and counts: the five or six lines after the comment."""
    if len(lines) < 5:
        raise ValueError("the header is cut short")
    scale = float(lines[0].split()[0])
    cell = np.array([line.split()[:3] for line in lines[1:4]], dtype=float).reshape(3, 3)
    cell *= scale if scale > 0 else (-scale / abs(np.linalg.det(cell))) ** (1 / 3)
    if not np.isfinite(cell).all() or abs(np.linalg.det(cell)) < 1e-6:
        raise ValueError("the cell has no volume")
    if _is_counts(lines) and not elements:
        raise StoreError(f"{where} does not name its elements: give them with `--elements Na,O,H`")
    words = list(elements) if _is_counts(lines) else lines[4].split()
    symbols = [word.split("_")[0].split("/")[0] for word in words]
    unknown = [symbol for symbol in symbols if symbol not in atomic_numbers]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no element")
    counts = [int(word) for word in lines[-1].split()]
    if len(counts) != len(symbols):
        raise ValueError(f"{len(symbols)} elements but {len(counts)} counts")
    numbers = [atomic_numbers[s] for s, n in zip(symbols, counts, strict=True) for _ in range(n)]
    return _Header(cell=cell, numbers=numbers)
