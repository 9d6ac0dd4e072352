"""Exact snapshots of a run: arrays and one JSON blob in an `.npz` file, never pickle.

The file is replaced atomically, carries a checksum of its content, and the one before is kept
beside it (`checkpoint.previous.npz`). Floats in the JSON round-trip exactly; numbers that are
not finite are refused, because a run that holds one must not be continued.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
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
    path: Path, arrays: Mapping[str, npt.NDArray[Any]], state: Mapping[str, Any]
) -> None:
    """Write a checkpoint and keep the one before beside it.

    At every instant at least one whole checkpoint is on the disk.

    Parameters
    ----------
    arrays
        Arrays of plain numbers or booleans, of any shape.
    state
        Everything else, as JSON.

    Raises
    ------
    StoreError
        If the state is not JSON, has a number that is not finite, an array has no plain type,
        or the disk refuses.
    """
    data = _encode(arrays, state)
    try:
        if path.exists():
            path.replace(previous_checkpoint(path))
    except OSError as error:
        raise cannot("rename", path, error) from error
    write_atomic(path, data)


def load_checkpoint(path: Path) -> Checkpoint:
    """Return the last checkpoint, or the one before where the last is missing or damaged.

    Raises
    ------
    StoreError
        If neither can be read.
    """
    try:
        return Checkpoint(**_read(path))
    except StoreError as error:
        reason = str(error)
    before = previous_checkpoint(path)
    try:
        content = _read(before)
    except StoreError as error:
        raise StoreError(
            f"no checkpoint can be read: {reason}; {error}; start again with the labels kept"
        ) from error
    logger.warning("%s; going on from %s", reason, before.name)
    return Checkpoint(**content, fallback_reason=reason)


def previous_checkpoint(path: Path) -> Path:
    """Return where the checkpoint before the last one is kept."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


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


def _read(path: Path) -> dict[str, Any]:
    try:
        # From memory: given a path, numpy leaves the file open when it is no archive.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            members = {name: file[name] for name in file.files}
        checksum = members.pop(_CHECKSUM)
        is_sound = np.array_equal(checksum, _digest(members))
        state = json.loads(members.pop(_STATE).tobytes())
    except OSError as error:
        raise cannot("read", path, error) from error
    except Exception as error:  # a damaged archive makes zipfile and numpy raise nearly anything
        raise StoreError(f"{path} is damaged: {error}") from error
    if not is_sound:
        raise StoreError(f"{path} is damaged: its checksum does not fit")
    return {
        "arrays": {name.removeprefix(_ARRAY): array for name, array in members.items()},
        "state": state,
    }


def _digest(members: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.uint8]:
    """Return the SHA-256 of names, types, shapes and bytes, as 32 numbers."""
    digest = hashlib.sha256()
    for name in sorted(members):
        array = members[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return np.frombuffer(digest.digest(), dtype=np.uint8)
