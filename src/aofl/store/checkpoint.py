"""Exact snapshots of a run: arrays and one JSON blob in an `.npz` file, never pickle.

The file is replaced atomically, carries a checksum of its content, and the one before is kept
beside it (`checkpoint.previous.npz`). Floats in the JSON round-trip exactly; numbers that are
not finite are refused, because a run that holds one must not be continued. Older ones stay in
`checkpoints/`, thinned out as they grow many, so that a run can be branched from its past.

A reader takes no more memory than a small multiple of the size of the file, whatever its header
says: members are stored, never compressed, and shapes are compared with sizes first.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import math
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from aofl.errors import StoreError
from aofl.store.atomic import cannot, write_atomic

logger = logging.getLogger(__name__)

_ARRAY = "array."
_STATE = "state"
_CHECKSUM = "checksum"
_LARGEST_ARCHIVE = 32  # checkpoints of the past; then every second one goes


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes
    ----------
    arrays, state
        As they were saved.
    fallback_reason
        Why the checkpoint before the last one was taken; None where the last one was good.
    """

    arrays: dict[str, npt.NDArray[Any]]
    state: dict[str, Any]
    fallback_reason: str | None = None


def save_checkpoint(
    path: Path,
    arrays: Mapping[str, npt.NDArray[Any]],
    state: Mapping[str, Any],
    *,
    step: int | None = None,
) -> None:
    """Write a checkpoint and keep the one before beside it.

    At every instant at least one whole checkpoint is on the disk.

    Parameters
    ----------
    arrays
        Arrays of plain numbers or booleans, of any shape.
    state
        Everything else, as JSON.
    step
        The number under which it is kept for later branches; None keeps no copy.

    Raises
    ------
    StoreError
        If the state is not JSON, has a number that is not finite, an array has no plain type,
        or the disk refuses.
    """
    data = _encode(arrays, state)
    if path.exists():
        _keep_as_previous(path)
    write_atomic(path, data)
    if step is not None:
        _archive(path, step)


def load_checkpoint(path: Path) -> Checkpoint:
    """Return the last checkpoint, or the one before where the last is missing or damaged.

    Raises
    ------
    StoreError
        If neither can be read.
    """
    try:
        return read_checkpoint(path)
    except StoreError as error:
        reason = str(error)
    before = previous_checkpoint(path)
    try:
        found = read_checkpoint(before)
    except StoreError as error:
        raise StoreError(
            f"no checkpoint can be read: {reason}; {error}; branch from an older one with `--from` "
            "and `--to`, or begin a new run with what this one has learned (docs/run-directory.md)"
        ) from error
    logger.warning("%s; going on from %s", reason, before.name)
    return replace(found, fallback_reason=reason)


def checkpoint_at(path: Path, step: int) -> Checkpoint:
    """Return the latest checkpoint of the past that is not after a step; damaged ones are skipped.

    Raises
    ------
    StoreError
        If there is none that can be read.
    """
    reason = f"{_archive_of(path)} holds none"
    for number in reversed([k for k in _archived_steps(path) if k <= step]):
        try:
            return read_checkpoint(_archive_path(path, number))
        except StoreError as error:
            reason = str(error)
            logger.warning("%s; going further back", error)
    raise StoreError(f"there is no checkpoint up to step {step}: {reason}; choose a later step")


def drop_checkpoints_after(path: Path, step: int) -> None:
    """Remove the checkpoints of a future that a rewind has undone."""
    for number in _archived_steps(path):
        if number > step:
            _remove(_archive_path(path, number))


def previous_checkpoint(path: Path) -> Path:
    """Return where the checkpoint before the last one is kept."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def _keep_as_previous(path: Path) -> None:
    """Give a checkpoint a second name, so that it is there under the first one all the time."""
    before = previous_checkpoint(path)
    temporary = before.with_name(f".{before.name}.tmp")
    try:
        try:
            temporary.unlink(missing_ok=True)
            temporary.hardlink_to(path)
        except OSError:  # a file system without hard links: for an instant, only the second name
            temporary = path
        os.replace(temporary, before)  # noqa: PTH105 - see `write_atomic`
    except OSError as error:
        raise cannot("rename", path, error) from error


def _archive(path: Path, step: int) -> None:
    target = _archive_path(path, step)
    try:
        target.parent.mkdir(exist_ok=True)
        target.unlink(missing_ok=True)
        target.hardlink_to(path)
    except OSError:
        try:
            write_atomic(target, path.read_bytes())  # a file system without hard links
        except OSError as error:
            raise cannot("write", target, error) from error
    steps = _archived_steps(path)
    if len(steps) > _LARGEST_ARCHIVE:
        for number in steps[1:-1:2]:
            _remove(_archive_path(path, number))


def _archive_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}s")


def _archive_path(path: Path, step: int) -> Path:
    return _archive_of(path) / f"{step:010d}{path.suffix}"


def _archived_steps(path: Path) -> list[int]:
    names = (file.stem for file in _archive_of(path).glob(f"*{path.suffix}"))
    return sorted(int(name) for name in names if name.isdecimal())


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot("remove", path, error) from error


def _encode(arrays: Mapping[str, npt.NDArray[Any]], state: Mapping[str, Any]) -> bytes:
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise StoreError(f"the array {name!r} of a checkpoint has type {array.dtype}")
    try:
        text = json.dumps(dict(state), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise StoreError(f"the state of a checkpoint cannot be written: {error}") from error
    members = {_ARRAY + name: array for name, array in arrays.items()}
    members[_STATE] = np.frombuffer(text, dtype=np.uint8)
    members[_CHECKSUM] = _digest(members)
    buffer = io.BytesIO()
    np.savez(buffer, **members)  # type: ignore[arg-type]  # no member is called allow_pickle
    return buffer.getvalue()


def read_checkpoint(path: Path) -> Checkpoint:
    """Return the checkpoint in one file.

    Raises
    ------
    StoreError
        If it cannot be read or is damaged.
    """
    try:
        members = _members(path.read_bytes())
        checksum = members.pop(_CHECKSUM)
        is_sound = np.array_equal(checksum, _digest(members))
        state = json.loads(members.pop(_STATE).tobytes())
    except OSError as error:
        raise cannot("read", path, error) from error
    except Exception as error:  # a damaged archive makes zipfile and numpy raise nearly anything
        raise StoreError(f"{path} is damaged: {error}") from error
    if not is_sound or not isinstance(state, dict):
        raise StoreError(f"{path} is damaged: its checksum does not fit")
    arrays = {name.removeprefix(_ARRAY): array for name, array in members.items()}
    return Checkpoint(arrays=arrays, state=state)


def _members(data: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an `.npz` file that `np.savez` wrote."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        is_packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
        if is_packed or sum(entry.file_size for entry in entries) > len(data):
            raise ValueError("its members are compressed or larger than the file")
        return {e.filename.removesuffix(".npy"): _array(archive.read(e)) for e in entries}


def _array(data: bytes) -> npt.NDArray[Any]:
    """Return the array of an `.npy` file, whose header must fit its size."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"an array has format version {version}")
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    n_bytes = math.prod(shape) * dtype.itemsize
    if (
        dtype.kind not in "biuf"
        or min(shape, default=0) < 0
        or n_bytes != len(data) - stream.tell()
    ):
        raise ValueError(f"an array of type {dtype} and shape {shape} does not fit its size")
    flat = np.frombuffer(data, dtype, offset=stream.tell())
    return flat.reshape(shape, order="F" if is_fortran else "C").copy()


def _digest(members: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.uint8]:
    """Return the SHA-256 of names, types, shapes and bytes, as 32 numbers."""
    digest = hashlib.sha256()
    for name in sorted(members):
        array = members[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return np.frombuffer(digest.digest(), dtype=np.uint8)
