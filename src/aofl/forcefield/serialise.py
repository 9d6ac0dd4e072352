"""A force field as one HDF5 file: plain numbers and a JSON header, nothing that could run.

The Gram matrix is in it, so a loaded force field predicts, tells its uncertainty and goes on
learning, all as the saved one would. `SCHEMA` counts up when the layout changes; readers of every
older layout stay, and settings that an older file does not have are
as they were then.

A reader takes memory and time in proportion to the size of the file, whatever its header says, and
follows no link to another file. The HDF5 library can search a damaged file for ever, so the block
in front of it, which HDF5 leaves to its users, holds a SHA-256 of the rest, looked at before.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from aofl.ace.basis import BasisSettings, fewest_columns
from aofl.ace.kernels.local import N_DRAWS
from aofl.bayes.posterior import Statistics
from aofl.durable import synchronise_path
from aofl.errors import ModelError
from aofl.forcefield.gathered import Gathered
from aofl.forcefield.model_state import ModelState, ProductionState
from aofl.forcefield.rows import FORCES, KINDS, NOISES
from aofl.records import FloatArray

SCHEMA = 4
HDF5 = b"\x89HDF\r\n\x1a\n"  # how a file of HDF5 begins
SEAL, SEAL_SIZE = "aofl model, SHA-256 of what follows this block: ", 512
# What h5py and numpy raise on a file that is damaged, or that somebody made up.
_UNREADABLE = (
    OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError, OverflowError,
    RecursionError, MemoryError,
)  # fmt: skip


def write_model(state: ModelState | ProductionState, path: Path) -> None:
    """Write the state of a force field, atomically.

    Raises
    ------
    ModelError
        If the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.writing")
    header = {
        "schema": SCHEMA,
        "elements": state.elements,
        "settings": asdict(state.settings),
        "n_labels": state.n_labels,
        "level": state.level,
        "units": "eV, Å",
    }
    try:
        with h5py.File(temporary, "w", locking=False, userblock_size=SEAL_SIZE) as file:
            file.attrs["header"] = json.dumps(header)
            file["reference_energies"] = state.reference_energies
            file["calibration"] = state.calibration
            match state:
                case ModelState():
                    file["scales"] = state.scales
                    _write_data(file.create_group("labels"), state.data)
                case ProductionState():
                    _write_weights(file.create_group("production"), state)
        seal(temporary)
        synchronise_path(temporary)
        temporary.replace(path)
        synchronise_path(path.parent)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)  # HDF5 has long ones
        advice = "look at the name, the free space and the permissions"
        raise ModelError(f"cannot write the model {path}: {reason}; {advice}") from error
    finally:
        with suppress(OSError):  # there is none after a success, nor in a place that is none
            temporary.unlink()


def read_model(path: Path) -> ModelState | ProductionState:
    """Return the state of the force field in a file.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or of a newer schema than this version reads.
    """
    if not path.is_file():
        raise ModelError(f"there is no model {path}; give the path of a model.h5")
    _check_seal(path)
    with faults_named(path), h5py.File(path, "r", locking=False) as file:
        header = json.loads(str(file.attrs["header"]))
        _check_schema(header, path)
        elements, settings = list(header["elements"]), BasisSettings(**header["settings"])
        n_columns, predicts_only = fewest_columns(len(elements), settings), "production" in file
        _check_size(file, path, n_columns if predicts_only else n_columns * (n_columns + 1) // 2)
        known: dict[str, Any] = {
            "elements": elements,
            "settings": settings,
            "reference_energies": _read_by_species(file, "reference_energies", header),
            "calibration": _read_calibration(file, header),
            "n_labels": int(header["n_labels"]),
            "level": header.get("level"),
        }
        if predicts_only:
            return ProductionState(**known, **_read_weights(_own(file, "production")))
        data, scales = _read_by_kinds(file) if header["schema"] < 4 else _read_data(file)
        return ModelState(**known, data=data, scales=scales)


def seal(path: Path) -> None:
    """Write the sum of what a model file holds into the block in front of it."""
    with path.open("r+b") as file:
        file.seek(SEAL_SIZE)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        file.write(f"{SEAL}{digest}\n".encode())


def _check_seal(path: Path) -> None:
    """Refuse a file that is not as it was written; files of before there was a seal have none.

    Raises
    ------
    ModelError
        If the sum does not fit, or the file is no HDF5.
    """
    with faults_named(path), path.open("rb") as file:
        block = file.read(SEAL_SIZE)
        if block.startswith(HDF5):
            return
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not block.startswith(f"{SEAL}{digest}\n".encode()):
            raise ValueError("its content does not fit its SHA-256; restore it from a copy")


@contextmanager
def faults_named(path: Path) -> Iterator[None]:
    """Turn what a damaged file leads to, at the latest in its fit, into one error with its path."""
    try:
        yield
    except ModelError as error:
        raise ModelError(f"cannot read {path}: {error}") from error
    except _UNREADABLE as error:
        raise ModelError(f"{path} is not a model of aofl or is damaged: {error}") from error


def _check_size(file: h5py.File, path: Path, n_numbers: int) -> None:
    """Refuse a header that speaks of more than the file holds, and whatever is not in the file.

    Of a model that learns on the file grows with the square of its columns, of one that predicts
    only with their number: `n_numbers` is what the basis needs at least.
    """
    room = path.stat().st_size
    found: list[tuple[str, Any]] = []
    file.visititems(lambda name, item: found.append((name, item)))
    for name, item in found:
        if not isinstance(item, h5py.Dataset):
            continue
        if item.external or item.is_virtual or item.dtype.kind != "f" or item.nbytes > room:
            raise ModelError(
                f"{name} has {item.nbytes} bytes of type {item.dtype} in a file of {room} bytes; "
                "expected floats that are all in the file"
            )
    if n_numbers * 8 > room:
        raise ModelError(f"its basis needs {n_numbers} numbers, which {room} bytes do not hold")


def _own(group: h5py.Group, name: str) -> Any:
    """Return a member that is in the file itself."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ModelError(f"{name} is missing or a link")
    return group[name]


def _read(group: h5py.Group, name: str) -> FloatArray:
    """Return the numbers of a data set, which are finite."""
    values = np.array(_own(group, name)[:], dtype=np.float64)
    if not np.isfinite(values).all():
        raise ModelError(f"{name} has numbers that are not finite")
    return values


def _read_by_species(file: h5py.File, name: str, header: dict[str, Any]) -> FloatArray:
    values = _read(file, name)
    if values.shape != (len(header["elements"]),):
        raise ModelError(f"it holds {values.size} {name} for {len(header['elements'])} elements")
    return values


def _read_calibration(file: h5py.File, header: dict[str, Any]) -> FloatArray:
    """Return the two factors of each element; files of schema 1 held one for both."""
    values = _read(file, "calibration")
    n = len(header["elements"])
    if values.shape == (n,):
        return np.stack([values, values], axis=1)
    if values.shape != (n, 2):
        raise ModelError(f"its calibration has shape {values.shape}; expected ({n}, 2)")
    return values


def _positive(file: h5py.File, name: str) -> FloatArray:
    """Return scales or noises, which are positive."""
    values = _read(file, name)
    if values.size == 0 or values.min() <= 0.0:
        raise ModelError(f"one of its {name} is not positive")
    return values


def _check_schema(header: dict[str, Any], path: Path) -> None:
    if header["schema"] > SCHEMA:
        raise ModelError(
            f"{path} has model schema {header['schema']}; this version reads up to {SCHEMA}: "
            "update aofl"
        )


def _write_weights(group: h5py.Group, state: ProductionState) -> None:
    group["mean"], group["draws"], group["noise"] = state.mean, state.draws, state.noise


def _read_weights(group: h5py.Group) -> dict[str, Any]:
    """Return mean, draws and noise, which belong together."""
    mean, draws = _read(group, "mean"), _read(group, "draws")
    noise = float(_own(group, "noise")[()])
    if mean.ndim != 1 or draws.shape != (mean.size, N_DRAWS) or not 0 < noise < math.inf:
        raise ModelError(
            f"it holds weights of shape {mean.shape}, draws of {draws.shape} and noise {noise}"
        )
    return {"mean": mean, "draws": draws, "noise": noise}


def _write_data(group: h5py.Group, data: Gathered) -> None:
    statistics = data.statistics
    # Column by column of the upper triangle, as it lies in memory.
    columns = [statistics.gram[: k + 1, k] for k in range(len(statistics.moment))]
    group.create_dataset("gram_columns", data=np.concatenate(columns))
    group["moment"], group["force_squares"] = statistics.moment, data.force_squares
    group.attrs["square"], group.attrs["count"] = statistics.square, statistics.count
    group.attrs["n_forces"] = data.n_forces


def _read_data(file: h5py.File) -> tuple[Gathered, FloatArray]:
    """Return what was gathered, and the scales of the prior."""
    group = _own(file, "labels")
    statistics, force_squares = _read_statistics(group), _read(group, "force_squares")
    if force_squares.shape != statistics.moment.shape:
        raise ModelError(f"it holds {force_squares.size} squares of {statistics.moment.size}")
    gathered = Gathered(statistics, force_squares, int(group.attrs["n_forces"]))
    return gathered, _positive(file, "scales")


def _read_by_kinds(file: h5py.File) -> tuple[Gathered, FloatArray]:
    """Return the same from schemas 1 to 3: statistics by kind, each kind with a noise of its own.

    Rows and scales are brought to the noise of the forces, so what is predicted stays as it was.
    """
    scales, noises = _positive(file, "scales"), _positive(file, "noises")
    if noises.shape != (len(KINDS),):
        raise ModelError(f"it holds {noises.size} noises; expected {len(KINDS)}")
    unit = noises / noises[FORCES] * NOISES[FORCES]
    kinds = [_read_statistics(_own(file, kind)) for kind in KINDS]
    forces = kinds[FORCES]
    total = Statistics(
        gram=sum((k.gram / u**2 for k, u in zip(kinds, unit, strict=True)), np.zeros(())),
        moment=sum((k.moment / u**2 for k, u in zip(kinds, unit, strict=True)), np.zeros(())),
        square=sum(k.square / u**2 for k, u in zip(kinds, unit, strict=True)),
        count=sum(k.count for k in kinds),
    )
    gathered = Gathered(total, np.diag(forces.gram).copy(), forces.count)
    return gathered, scales / noises[FORCES] * NOISES[FORCES]


def _read_statistics(group: h5py.Group) -> Statistics:
    """Return statistics; schemas 1 to 3 held the upper triangle row by row."""
    by_rows = "gram_upper" in group
    moment = _read(group, "moment")
    upper = _read(group, "gram_upper" if by_rows else "gram_columns")
    n_columns = moment.size
    size = n_columns * (n_columns + 1) // 2
    if moment.shape != (n_columns,) or upper.shape != (size,):
        raise ModelError(
            f"it holds a moment of shape {moment.shape} and a Gram matrix of {upper.size} numbers; "
            f"expected ({n_columns},) and {size}"
        )
    gram = np.zeros((n_columns, n_columns), order="F")
    if by_rows:
        gram[np.triu_indices(n_columns)] = upper
    else:
        ends = np.cumsum(np.arange(n_columns + 1))
        for k in range(n_columns):
            gram[: k + 1, k] = upper[ends[k] : ends[k + 1]]
    square, count = float(group.attrs["square"]), int(group.attrs["count"])
    if not np.isfinite(square):
        raise ModelError("a sum of squares is not finite")
    return Statistics(gram, moment, square, count)
