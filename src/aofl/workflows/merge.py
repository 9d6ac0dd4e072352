"""Join labelled data sets in one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aofl.store import LabelKeys, check_is_new, write_labels
from aofl.workflows.labelled_frames import LabelledFrames, labelled_frames


def merge(paths: Sequence[Path], out: Path, *, keys: LabelKeys | None = None) -> LabelledFrames:
    """Write the labels of files into a new one, in their order, and return what was read.

    Every label passes the gate of labels to learn from (`aofl.workflows.labelled_frames`): faults
    are left out, a label that comes again is written once, each with its reason in what is
    returned. The file it came from, its frame and its level of theory stay with each label.

    Parameters
    ----------
    keys
        Names of energy, forces, stress and virial in the files; None takes the usual ones.

    Raises
    ------
    StoreError
        If `out` exists, the labels are of several levels of theory, or they cannot be believed.
    """
    check_is_new(out)
    read = labelled_frames(paths, keys)
    if all(entry.provenance.get("level") is None for entry in read.labels):
        note = (
            "no label says its level of theory: that they are of one was judged by their energies "
            "alone"
        )
        read = replace(read, notes=[*read.notes, note])
    write_labels(out, read.labels)
    return read
