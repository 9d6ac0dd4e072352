"""The labels of neighbouring runs, read while those runs go on writing them.

Label files only grow, so what was read is a number of bytes for each neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aofl.errors import StoreError
from aofl.records import LabelledStructure
from aofl.store.extxyz import iterate_frames, parse_frame
from aofl.store.label_names import LabelNames
from aofl.store.labelled_frames import labelled_structure
from aofl.store.run_directory import RunDirectory

SHARED_BY = "shared_by"  # in the provenance of a label that came from a neighbour


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedLabel:
    """A label of a neighbour, and where in its file the next one begins, bytes."""

    neighbour: str
    entry: LabelledStructure
    end: int


def new_labels(directory: Path, own: Path, taken: Mapping[str, int]) -> Iterator[SharedLabel]:
    """Yield what the neighbours have labelled since, neighbours in the order of their names.

    What a neighbour has itself from another one is passed over, but for its place.

    Parameters
    ----------
    directory
        The run directories in it are the neighbours.
    own
        The run directory that asks.
    taken
        Neighbour to bytes of its label file that were read before.

    Raises
    ------
    StoreError
        If a label file is damaged.
    """
    for path in sorted(directory.iterdir()):
        labels, start = RunDirectory(path=path).labels, taken.get(path.name, 0)
        if path == own or not labels.is_file() or labels.stat().st_size <= start:
            continue
        yield from _labels_after(labels, start, path.name)


def _labels_after(path: Path, start: int, neighbour: str) -> Iterator[SharedLabel]:
    end = start
    for text in iterate_frames(path, start=start):
        where, end = f"{path} byte {end}", end + len(text.encode())
        entry = labelled_structure(parse_frame(text, where), LabelNames(), where)
        if entry is None:
            raise StoreError(f"{where} has no REF_energy and REF_forces")
        yield SharedLabel(neighbour=neighbour, entry=entry, end=end)
