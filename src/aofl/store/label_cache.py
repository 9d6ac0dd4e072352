"""Labels shared by runs: the same structure at the same level of theory is computed once.

One JSON file a label, named by the hash of structure and level, written atomically: several runs
may use one directory. Floats in JSON round-trip exactly. A damaged file is passed over and
replaced: a cache is never the only place of a label.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from aofl.errors import StoreError
from aofl.records import FloatArray, Label
from aofl.store.atomic import cannot, write_atomic
from aofl.store.journal import jsonable

logger = logging.getLogger(__name__)

_ARRAYS = ("forces", "stress", "charges")


class LabelCache:
    """Labels of one level of theory in a directory.

    Parameters
    ----------
    directory
        Where they are; made at the first label.
    level
        The level of theory; labels of another one are never found.
    """

    def __init__(self, directory: Path, level: str) -> None:
        self._directory = directory
        self._level = level

    def find(self, digest: str) -> Label | None:
        """Return the label of the structure with this `structure_hash`, None if there is none."""
        path = self._path(digest)
        try:
            record = json.loads(path.read_bytes())
            if (record["structure"], record["level"]) != (digest, self._level):
                raise ValueError("it is the label of something else")
            return _label(record["label"])
        except FileNotFoundError:
            return None
        except OSError as error:
            raise cannot("read", path, error) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning("%s is damaged and passed over: %s", path, error)
            return None

    def keep(self, digest: str, label: Label) -> None:
        """Write a label.

        Raises
        ------
        StoreError
            If a number is not finite or the disk refuses.
        """
        path = self._path(digest)
        numbers = [label.energy, *(v for n in _ARRAYS if (v := getattr(label, n)) is not None)]
        if not all(np.isfinite(values).all() for values in numbers):
            raise StoreError("a label with numbers that are not finite is never written")
        record = {"structure": digest, "level": self._level, "label": jsonable(asdict(label))}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot("create", path.parent, error) from error
        write_atomic(path, json.dumps(record, allow_nan=False).encode() + b"\n")

    def forget(self, digest: str) -> None:
        """Drop a label that is kept elsewhere now; none is dropped where there is none.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        path = self._path(digest)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise cannot("remove", path, error) from error

    def _path(self, digest: str) -> Path:
        name = hashlib.sha256(f"{digest} {self._level}".encode()).hexdigest()
        return self._directory / name[:2] / f"{name}.json"


def _label(record: dict[str, Any]) -> Label:
    return Label(
        energy=float(record["energy"]),
        forces=np.array(record["forces"], dtype=np.float64).reshape(-1, 3),
        stress=_array(record["stress"]),
        charges=_array(record["charges"]),
        seconds=float(record["seconds"]),
        attempts=int(record["attempts"]),
    )


def _array(values: Any) -> FloatArray | None:
    return None if values is None else np.array(values, dtype=np.float64)
