"""The labelled structures of a run: append-only extended XYZ, the ground truth of a model.

A label is on the disk before its id is handed out, and reads back bit for bit, so that a model
can be rebuilt from this file alone. Provenance is flattened into `info` with the prefix `aofl_`.
"""

from __future__ import annotations

import gzip
import hashlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ase.stress import voigt_6_to_full_3x3_stress

from aofl.errors import StoreError
from aofl.records import LabelledStructure
from aofl.store.append_only import AppendOnlyFile, closed_on_error
from aofl.store.atomic import cannot, write_atomic
from aofl.store.extxyz import format_frame, iterate_frames, parse_frame
from aofl.store.label_names import LabelNames
from aofl.store.labelled_frames import CORE, PREFIX, labelled_structure, levels


def structure_hash(
    numbers: npt.ArrayLike, positions: npt.ArrayLike, cell: npt.ArrayLike, pbc: npt.ArrayLike
) -> str:
    """Return the SHA-256 of the exact bytes of a structure, in hexadecimal.

    Equal structures to the last bit, in the same order of atoms, have equal hashes; nothing
    else does.
    """
    digest = hashlib.sha256()
    digest.update(np.ascontiguousarray(numbers, dtype="<i8").tobytes())
    digest.update(np.ascontiguousarray(positions, dtype="<f8").tobytes())
    digest.update(np.ascontiguousarray(cell, dtype="<f8").tobytes())
    digest.update(np.ascontiguousarray(pbc, dtype="u1").tobytes())
    return digest.hexdigest()


def write_labels(path: Path, entries: Iterable[LabelledStructure]) -> None:
    """Write labelled structures to a new file, which reads as those of a run do.

    Each gets the keys `id` and `hash` in its provenance; a name that ends with `.gz` is compressed.

    Raises
    ------
    StoreError
        If the file exists, a number is not finite, or the disk refuses.
    """
    check_is_new(path)
    data = "".join(_format_entry(_named(e, k)) for k, e in enumerate(entries)).encode()
    write_atomic(path, gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def check_is_new(path: Path) -> None:
    """Refuse a file that exists.

    Raises
    ------
    StoreError
        With the name of the file.
    """
    if path.exists():
        raise StoreError(f"{path} exists and is not overwritten; give another name")


class Dataset:
    """The labelled structures of one file, in the order they were labelled; the id is the index.

    The structures stay on the disk and are read when asked for; in memory a label takes 16 bytes,
    its place in the file and the head of its hash, so that a run of a million steps stays small.

    Parameters
    ----------
    path
        The file; it is made where it does not exist. A torn last frame is cut off.

    Raises
    ------
    StoreError
        If the file is damaged anywhere else, or a structure is not the one it was labelled as.
    """

    def __init__(self, path: Path) -> None:
        self._ends = array("Q")
        self._heads = array("Q")
        for text in iterate_frames(path) if path.exists() else ():
            self._remember(_read_entry(text, path, len(self)), len(text.encode()))
        self._file = AppendOnlyFile(path, is_durable=True)
        with closed_on_error(self._file):
            self._file.truncate(self._end)

    def append(self, entry: LabelledStructure) -> int:
        """Write one labelled structure to the disk and return its id.

        Its provenance gets the keys `id` and `hash`. The same structure may be appended twice;
        `find` then gives the first.

        Raises
        ------
        StoreError
            If a number is not finite or the disk refuses; the data set is unchanged.
        """
        label_id = len(self)
        text = _format_entry(_named(entry, label_id))
        # What is remembered is what a reader of the file will see, not the caller's arrays.
        stored = _read_entry(text, self._file.path, label_id)
        data = text.encode()
        self._file.append_bytes(data)
        self._remember(stored, len(data))
        return label_id

    def find(self, digest: str) -> int | None:
        """Return the id of the structure with this `structure_hash`, None if it has no label."""
        heads = np.frombuffer(self._heads, dtype=np.uint64)
        # The array cannot grow while numpy looks into it, so the candidates are plain numbers.
        candidates = np.flatnonzero(heads == _head(digest)).tolist()
        del heads
        return next((k for k in candidates if self[k].provenance["hash"] == digest), None)

    def check_level(self, level: str) -> None:
        """Refuse to go on at another level of theory than the labels have.

        Raises
        ------
        StoreError
            With the levels that differ.
        """
        others = levels(self) - {level, None}
        if others:
            raise StoreError(
                f"{self._file.path} holds labels of {' and of '.join(sorted(map(str, others)))}, "
                f"and the reference now makes those of {level}: set the reference back, or start "
                "a new run"
            )

    def close(self) -> None:
        """Close the file; the entries stay readable."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, label_id: int) -> LabelledStructure:
        if not 0 <= label_id < len(self):
            raise IndexError(f"the data set has {len(self)} labels, asked for {label_id}")
        start = self._ends[label_id - 1] if label_id else 0
        path = self._file.path
        try:
            with path.open("rb") as file:
                file.seek(start)
                text = file.read(self._ends[label_id] - start).decode()
        except OSError as error:
            raise cannot("read", path, error) from error
        except UnicodeDecodeError as error:
            raise StoreError(f"{path} is not extended XYZ text: {error}") from error
        return _read_entry(text, path, label_id)

    def __iter__(self) -> Iterator[LabelledStructure]:
        return (self[k] for k in range(len(self)))

    @property
    def _end(self) -> int:
        return self._ends[-1] if self._ends else 0

    def _remember(self, entry: LabelledStructure, n_bytes: int) -> None:
        self._ends.append(self._end + n_bytes)
        self._heads.append(_head(entry.provenance["hash"]))


def _head(digest: str) -> int:
    """Return the first 64 bits of a hash."""
    return int(digest[:16], 16)


def _named(entry: LabelledStructure, label_id: int) -> LabelledStructure:
    """Return an entry with its id, and the hash of its structure."""
    digest = structure_hash(entry.numbers, entry.positions, entry.cell, entry.pbc)
    return replace(entry, provenance={**entry.provenance, "id": label_id, "hash": digest})


def _format_entry(entry: LabelledStructure) -> str:
    label = entry.label
    info: dict[str, Any] = {"REF_energy": float(label.energy)}
    if label.stress is not None:
        info["REF_stress"] = voigt_6_to_full_3x3_stress(label.stress).ravel()
    provenance = {**entry.provenance, "seconds": float(label.seconds), "attempts": label.attempts}
    info |= {PREFIX + key: value for key, value in provenance.items()}
    arrays = {
        "REF_forces": label.forces,
        "REF_charges": label.charges,
        CORE: None if label.core is None else np.isin(np.arange(len(entry.numbers)), label.core),
        "predicted_forces": entry.predicted_forces,
    }
    return format_frame(
        numbers=entry.numbers,
        positions=entry.positions,
        cell=entry.cell,
        pbc=entry.pbc,
        info=info,
        arrays={name: values for name, values in arrays.items() if values is not None},
    )


def _read_entry(text: str, path: Path, index: int) -> LabelledStructure:
    where = f"{path} frame {index}"
    entry = labelled_structure(parse_frame(text, where), LabelNames(), where)
    if entry is None:
        raise StoreError(f"{where} has no REF_energy and REF_forces")
    digest = structure_hash(entry.numbers, entry.positions, entry.cell, entry.pbc)
    if (entry.provenance.get("id"), entry.provenance.get("hash")) != (index, digest):
        raise StoreError(
            f"{where} is not the structure that was labelled: its id or hash does not fit, "
            "the file was changed; restore it from a copy"
        )
    return entry
