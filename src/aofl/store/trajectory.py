"""The trajectory: append-only extended XYZ with exact numbers, readable by any tool."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms

from aofl.records import FloatArray
from aofl.store.append_only import AppendOnlyFile
from aofl.store.extxyz import format_frame, iterate_frames, parse_frame


class Trajectory(AppendOnlyFile):
    """Frames of a run.

    After a kill the last frame may be torn: cut the file back to the offset of the checkpoint.
    """

    def append(
        self, atoms: Atoms, *, energy: float, forces: FloatArray, step: int, time_fs: float
    ) -> None:
        """Append one frame with its momenta.

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
        text = format_frame(
            numbers=atoms.numbers,
            positions=atoms.positions,
            cell=np.asarray(atoms.cell),
            pbc=atoms.pbc,
            info={"energy": energy, "step": step, "time_fs": time_fs},
            arrays={"momenta": momenta, "forces": forces},
        )
        self.append_bytes(text.encode())


def iterate_trajectory(path: Path, *, may_be_torn: bool = True) -> Iterator[Atoms]:
    """Yield the whole frames of a trajectory, plain or `.gz`; a torn last one is passed over.

    Energy and forces are results of the attached calculator; `info` has `step` and `time_fs`.

    Parameters
    ----------
    may_be_torn
        As for `aofl.store.extxyz.iterate_frames`.

    Raises
    ------
    StoreError
        If the file cannot be read or a frame is damaged.
    """
    for index, text in enumerate(iterate_frames(path, may_be_torn=may_be_torn)):
        yield parse_frame(text, f"{path} frame {index}")
