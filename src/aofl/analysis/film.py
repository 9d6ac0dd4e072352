"""A trajectory thinned to what a person looks at: positions, bonds and molecules frame by frame.

Frames are taken evenly, and all of them around the first reactions, within a limit that depends on
the number of atoms. Molecules are put together across the boundaries of the cell, and shifted back
by whole cells when their centre has left it by a quarter: an atom that shakes at a boundary does
not jump from side to side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms

from aofl.analysis.told_reactions import ReactionEvent
from aofl.chemistry.bonds import Bonds
from aofl.chemistry.graph import connect
from aofl.chemistry.limits import COVALENT
from aofl.chemistry.species import species_of_frame
from aofl.records import FloatArray, IntArray

MOST_FRAMES = 1500
MOST_COORDINATES = 4_500_000  # two bytes each
EVEN_SHARE = 2 / 3
LEAD, TAIL = 25.0, 50.0  # fs; of frames that have no times, fifths of that
OUTSIDE = 0.25  # of the cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """The frames that were kept.

    Attributes
    ----------
    symbols
        Of the atoms.
    steps, times
        Of the frames; times in fs, or frames where those are not known.
    positions
        Å, shape (n_frames, n_atoms, 3).
    cells
        Å, shape (n_frames, 3, 3).
    bonds
        Covalent pairs of each frame, shape (n_bonds, 2).
    species
        The name of the molecule of each atom, frame by frame; a metal atom has its symbol.
    pbc
        Along which vectors of the cell the structure is periodic.
    errors
        Frame to the force error of each atom, rms over x, y, z, eV/Å, where a label showed it.
    deviations
        Frame to the calibrated deviation of the force error of each atom, rms over x, y, z, eV/Å,
        where a force field was asked for it.
    n_all
        Frames of the trajectory.
    stride
        Each how-manieth was taken.
    n_around
        Reactions around which all frames were taken.
    """

    symbols: tuple[str, ...]
    steps: tuple[int, ...]
    times: tuple[float, ...]
    positions: FloatArray
    cells: FloatArray
    bonds: tuple[IntArray, ...]
    species: tuple[tuple[str, ...], ...]
    pbc: tuple[bool, bool, bool]
    errors: dict[int, FloatArray]
    deviations: dict[int, FloatArray] = field(default_factory=dict)
    n_all: int
    stride: int
    n_around: int

    def atoms(self, frame: int) -> Atoms:
        """Return a frame as it is shown."""
        return Atoms(
            self.symbols, self.positions[frame], cell=self.cells[frame], pbc=np.array(self.pbc)
        )


def film(
    frames: Iterable[Atoms],
    n_all: int,
    events: Sequence[ReactionEvent],
    clock: Callable[[int, Atoms], float | None],
    *,
    unit: str = "fs",
    errors: Mapping[int, FloatArray] | None = None,
) -> Film | None:
    """Thin a trajectory; None if it has no frame.

    Parameters
    ----------
    n_all
        How many frames there are.
    events
        In the order of time.
    clock
        Time of a frame from its index and itself; None for one that does not count.
    unit
        Of times: fs or frames.
    errors
        Step to the force errors that a label showed, eV/Å, shape (n_atoms,).
    """
    kept: list[_Frame] = []
    stride, most, spans = 1, 0, list[tuple[float, float]]()
    symbols: tuple[str, ...] = ()
    n_extra, around, cut = 0, set[int](), set[int]()
    for index, atoms in enumerate(frames):
        time = clock(index, atoms)
        if time is None:
            continue
        if not symbols:
            symbols = tuple(atoms.get_chemical_symbols())
            most = max(2, min(MOST_FRAMES, MOST_COORDINATES // (3 * len(symbols))))
            stride = -(-n_all // max(1, int(EVEN_SHARE * most)))
            spans = _spans(events, 1.0 if unit == "fs" else 0.2)
        inside = [k for k, (begin, end) in enumerate(spans) if begin <= time <= end]
        is_even = index % stride == 0
        if not is_even and (not inside or n_extra >= int((1 - EVEN_SHARE) * most)):
            cut.update(inside)
            continue
        n_extra += not is_even
        around.update(inside)
        kept.append(_frame(atoms, index, time))
    if not kept:
        return None
    steps = [one.step for one in kept]
    known = errors or {}
    return Film(
        symbols=symbols,
        steps=tuple(steps),
        times=tuple(one.time for one in kept),
        positions=np.array([one.positions for one in kept]),
        cells=np.array([one.cell for one in kept]),
        bonds=tuple(one.bonds for one in kept),
        species=tuple(one.species for one in kept),
        pbc=kept[0].pbc,
        errors={k: known[step] for k, step in enumerate(steps) if step in known},
        n_all=n_all,
        stride=stride,
        n_around=len(around - cut),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    step: int
    time: float
    positions: FloatArray
    cell: FloatArray
    pbc: tuple[bool, bool, bool]
    bonds: IntArray
    species: tuple[str, ...]


def _spans(events: Sequence[ReactionEvent], scale: float) -> list[tuple[float, float]]:
    """Return from when to when each of the first reactions is looked at closely."""
    return [(e.began_fs - scale * LEAD, e.time_fs + scale * TAIL) for e in events[:MOST_FRAMES]]


def _frame(atoms: Atoms, index: int, time: float) -> _Frame:
    bonds = connect(atoms)
    covalent = bonds.of_kind(COVALENT)
    names = atoms.get_chemical_symbols()
    molecules = species_of_frame(atoms, bonds)
    positions = atoms.positions.copy()
    for members, kind in molecules:
        for atom in members:
            names[atom] = kind.name
    _put_together(positions, covalent)
    _shift_back(positions, [list(members) for members, _ in molecules], atoms)
    return _Frame(
        step=int(atoms.info.get("step", index)),
        time=time,
        positions=positions,
        cell=atoms.cell.array.copy(),
        pbc=(bool(atoms.pbc[0]), bool(atoms.pbc[1]), bool(atoms.pbc[2])),
        bonds=np.unique(covalent.pairs, axis=0),
        species=tuple(names),
    )


def _put_together(positions: FloatArray, covalent: Bonds) -> None:
    """Place each atom beside the one it is bonded to, in place."""
    to: dict[int, list[tuple[int, FloatArray]]] = {}
    for (i, j), vector in zip(covalent.pairs.tolist(), covalent.vectors, strict=True):
        to.setdefault(i, []).append((j, vector))
        to.setdefault(j, []).append((i, -vector))
    placed: set[int] = set()
    for start in to:
        waiting = [] if start in placed else [start]
        placed.add(start)
        while waiting:
            atom = waiting.pop()
            for other, vector in to[atom]:
                if other not in placed:
                    positions[other] = positions[atom] + vector
                    placed.add(other)
                    waiting.append(other)


def _shift_back(positions: FloatArray, molecules: list[list[int]], atoms: Atoms) -> None:
    """Shift molecules and single atoms that have left the cell back by whole cells, in place."""
    if not atoms.pbc.any():
        return
    cell = atoms.cell.complete().array
    members = {atom for molecule in molecules for atom in molecule}
    groups = [*molecules, *([atom] for atom in range(len(atoms)) if atom not in members)]
    centres = np.array([positions[group].mean(axis=0) for group in groups])
    scaled = centres @ np.linalg.inv(cell)
    is_out = ((scaled < -OUTSIDE) | (scaled > 1 + OUTSIDE)) & atoms.pbc
    shifts = -np.floor(scaled) * is_out @ cell
    for group, shift in zip(groups, shifts, strict=True):
        positions[group] += shift
