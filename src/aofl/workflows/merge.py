"""Join labelled data sets in one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aofl.store import LabelKeys, RunDirectory, check_is_new, is_campaign, write_labels
from aofl.workflows.labelled_frames import LabelledFrames, labelled_frames
from aofl.workflows.run_status import walkers_of


def merge(paths: Sequence[Path], out: Path, *, keys: LabelKeys | None = None) -> LabelledFrames:
    """Write the labels of files into a new one, in their order, and return what was read.

    Every label passes the gate of labels to learn from (`aofl.workflows.labelled_frames`): faults
    are left out, a label that comes again is written once, each with its reason in what is
    returned. The file it came from, its frame and its level of theory stay with each label.

    Parameters
    ----------
    paths
        Files; a run directory stands for its labels, a campaign for those of all its walkers.
    keys
        Names of energy, forces, stress and virial in the files; None takes the usual ones.

    Raises
    ------
    StoreError
        If `out` exists, the labels are of several levels of theory, or they cannot be believed.
    """
    check_is_new(out)
    read = labelled_frames([file for path in paths for file in _files(path)], keys)
    if all(entry.provenance.get("level") is None for entry in read.labels):
        note = (
            "no label says its level of theory: that they are of one was judged by their energies "
            "alone"
        )
        read = replace(read, notes=[*read.notes, note])
    write_labels(out, read.labels)
    return read


def _files(path: Path) -> list[Path]:
    """Return the files of labels that a path stands for."""
    if is_campaign(path):
        return [RunDirectory(path=run).labels for run in walkers_of(path)]
    return [RunDirectory(path=path).labels if path.is_dir() else path]
