"""The trajectory: exact frames of extended XYZ in compressed parts, readable by any tool.

`trajectory.0001.extxyz.gz` and so on hold one gzip member per frame, so a frame is in the file as
a whole or is a torn tail, and each part reads as ordinary compressed extended XYZ (ASE opens it by
name; `cat` of all parts is a valid file too). A full part is never touched again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import atomic_masses

from aofl.durable import synchronise_path
from aofl.errors import StoreError
from aofl.records import FloatArray
from aofl.store.append_only import AppendOnlyFile
from aofl.store.atomic import cannot
from aofl.store.chunks import iterate_members, pack, part_number, part_path, parts
from aofl.store.closing import Closing
from aofl.store.extxyz import format_frame, frames_of_text, iterate_frames, parse_frame

PART_BYTES = 64 << 20


class Trajectory(Closing):
    """Frames of a run.

    After a kill the last frame may be torn: cut back to the offset of the checkpoint.

    Parameters
    ----------
    path
        The name without number, `trajectory.extxyz`. A plain file of that name, written by an
        older version, is kept as the first part.
    part_bytes
        A part that has reached this size is followed by the next one.

    Raises
    ------
    StoreError
        If a part is missing or the disk refuses.
    """

    def __init__(self, path: Path, *, part_bytes: int = PART_BYTES) -> None:
        self.path = path
        self._part_bytes = part_bytes
        self._file: AppendOnlyFile | None = None
        self._before = 0
        self._open_last()

    @property
    def offset(self) -> int:
        """The size of all parts in bytes: where the next frame begins."""
        return self._before + (self._file.offset if self._file else 0)

    def append(
        self, atoms: Atoms, *, energy: float, forces: FloatArray, step: int, time_fs: float
    ) -> None:
        """Append one frame with its momenta, and its masses where they are not the elements' own.

        Parameters
        ----------
        energy, forces
            What drives the dynamics here, eV and eV/Å, shape (n_atoms, 3).

        Raises
        ------
        StoreError
            If a number is not finite or the disk refuses.
        """
        momenta = atoms.arrays.get("momenta", np.zeros_like(atoms.positions))
        masses = atoms.get_masses()
        isotopes = {} if np.allclose(masses, atomic_masses[atoms.numbers]) else {"masses": masses}
        text = format_frame(
            numbers=atoms.numbers,
            positions=atoms.positions,
            cell=np.asarray(atoms.cell),
            pbc=atoms.pbc,
            info={"energy": energy, "step": step, "time_fs": time_fs},
            arrays={"momenta": momenta, **isotopes, "forces": forces},
        )
        self._part_to_write().append_bytes(pack(text.encode()))

    def truncate(self, offset: int) -> None:
        """Drop everything from `offset` on, for good; later parts first, so that none is missing.

        Raises
        ------
        StoreError
            If the parts are shorter than that: frames that a checkpoint counts on are gone.
        """
        if not 0 <= offset <= self.offset:
            raise StoreError(
                f"the parts of {self.path} have {self.offset} bytes where the checkpoint expects "
                f"at least {offset}: one was cut or removed; restore it from a copy"
            )
        while self._file is not None and self._before >= offset:
            self.close()
            self._remove(self._file.path)
            self._open_last()
        if self._file is not None:
            self._file.truncate(offset - self._before)

    def sync(self) -> None:
        """Wait until all appended frames are on the disk; call it before a checkpoint."""
        if self._file is not None:
            self._file.sync()

    def close(self) -> None:
        """Close the part in use; appending afterwards is an error."""
        if self._file is not None:
            self._file.close()

    def _open_last(self) -> None:
        found = parts(self.path)
        try:
            self._before = sum(part.stat().st_size for part in found[:-1])
        except OSError as error:
            raise cannot("read", self.path, error) from error
        self._file = AppendOnlyFile(found[-1]) if found else None

    def _part_to_write(self) -> AppendOnlyFile:
        """Return the last part, or the next one where it is full or not compressed."""
        file = self._file
        if file is not None and file.path != self.path and file.offset < self._part_bytes:
            return file
        number = part_number(self.path, file.path) + 1 if file is not None else 1
        if file is not None:
            file.sync()  # `sync` reaches the last part only
            file.close()
            self._before += file.offset
        self._file = AppendOnlyFile(part_path(self.path, number))
        return self._file

    def _remove(self, part: Path) -> None:
        try:
            part.unlink()
            synchronise_path(part.parent)
        except OSError as error:
            raise cannot("remove", part, error) from error


def iterate_trajectory(path: Path) -> Iterator[Atoms]:
    """Yield the whole frames of the trajectory of a run; a torn last one is passed over.

    Energy and forces are results of the attached calculator; `info` has `step` and `time_fs`.

    Parameters
    ----------
    path
        The name without number, `DIR/trajectory.extxyz`, for all parts; or one part.

    Raises
    ------
    StoreError
        If there is none, it cannot be read, or a frame is damaged.
    """
    for text, where in _frames(path):
        yield parse_frame(text, where)


def count_frames(path: Path) -> int:
    """Return how many whole frames `iterate_trajectory` finds, without parsing them."""
    return sum(1 for _ in _frames(path))


def _frames(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the text of each frame, and where it is."""
    found = [path] if path.suffix == ".gz" else parts(path)
    if not found:
        raise StoreError(f"there is no trajectory {path}")
    for part in found:
        texts = _frames_of_part(part) if part.suffix == ".gz" else iterate_frames(part)
        for index, text in enumerate(texts):
            yield text, f"{part} frame {index}"


def _frames_of_part(part: Path) -> Iterator[str]:
    for member in iterate_members(part):
        try:
            text = member.decode()
        except UnicodeDecodeError as error:
            raise StoreError(f"{part} is not extended XYZ text: {error}") from error
        yield from frames_of_text(text, part)
