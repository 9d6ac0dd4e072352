"""Labels for given frames: resumable, several at once, and nothing lost.

The directory holds `labels.extxyz` (see `aofl.store.Dataset`), `failures.jsonl` with the reason
for each frame that has no label, and `labelling.json` with the level of theory. A frame whose
structure has a label is never computed again, so a killed command goes on where it was.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from ase import Atoms

from aofl.config.references import ReferenceConfig
from aofl.errors import ReferenceFailed, StoreError
from aofl.records import Label, LabelledStructure
from aofl.reference import LabelLimits, Reference
from aofl.reference.gate import believed_label
from aofl.reference.level import level_of
from aofl.store import (
    Dataset,
    Journal,
    RunDirectory,
    jsonable,
    keep_in_quarantine,
    make_directory,
    read_journal,
    structure_hash,
    write_atomic,
)
from aofl.store.extxyz import iterate_numbered, parse_frame
from aofl.workflows.assemble import make_reference, opened_reference
from aofl.workflows.worker_pool import run_tasks

MakeReference = Callable[[Path], Reference]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelProgress:
    """Where the labelling of a file stands.

    Attributes
    ----------
    n_frames
        Frames of the file.
    n_labelled, n_failed
        How many of them have a label, and how many are listed as failed.
    n_new
        Labels made by this call.
    newest
        What happened last, for people; empty at the start.
    """

    n_frames: int
    n_labelled: int = 0
    n_failed: int = 0
    n_new: int = 0
    newest: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the numbers for machines."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeLabeller:
    """Makes the worker of one process: its own reference, in its own directory.

    Attributes
    ----------
    make_reference
        Gets the directory; a function of a module, so that it can be sent to a process.
    directory
        Where the directories `work` and `quarantine` of the workers are made.
    """

    make_reference: MakeReference
    directory: Path

    def __call__(self, number: int) -> FrameLabeller:
        """Return the labeller of worker `number`."""
        reference = self.make_reference(self.directory / "work" / f"worker-{number}")
        return FrameLabeller(reference, self.directory / "quarantine" / f"worker-{number}")


class FrameLabeller:
    """Labels one structure after the other; what gets no label leaves its files in quarantine."""

    def __init__(self, reference: Reference, quarantine: Path) -> None:
        self._reference = reference
        self._quarantine = quarantine

    def __call__(self, atoms: Atoms) -> Label:
        """Return a label that passed the checks.

        Raises
        ------
        ReferenceFailed, StructureError
            If there is none.
        """
        try:
            return believed_label(self._reference, atoms, limits=LabelLimits())
        except ReferenceFailed as error:
            if not error.evidence:
                raise
            facts = {"reason": str(error)}
            where = keep_in_quarantine(self._quarantine, atoms, facts, error.evidence)
            raise ReferenceFailed(f"{error}; kept in {where}") from error

    def close(self) -> None:
        """End the processes of the reference code, if it has any."""
        close = getattr(self._reference, "close", None)
        if close is not None:
            close()


def label(
    frames: Path,
    out: Path,
    reference: ReferenceConfig,
    *,
    workers: int = 1,
    retry_failed: bool = False,
    on_progress: Callable[[LabelProgress], None] = lambda progress: None,
) -> LabelProgress:
    """Label the frames of a file into a directory; go on there if it was begun before.

    The labels are made in other processes, so a script calls this below
    `if __name__ == "__main__":`.

    Parameters
    ----------
    frames
        Any file that ASE reads, also compressed.
    out
        Gets `labels.extxyz` (`REF_energy`, `REF_forces`, ...), in the order in which the labels
        were made, `failures.jsonl` and `labelling.json`.
    workers
        Processes, each with its own reference code.
    retry_failed
        Whether frames that failed before are tried again.

    Raises
    ------
    ConfigError, StoreError
        If the reference code is not there, the file cannot be read, or `out` holds labels of
        another level of theory.
    """
    structures = read_frames(frames)
    with opened_reference(reference, out / "work") as made:
        level, is_semi_empirical = made.describe(), made.is_semi_empirical
    progress = LabelProgress(n_frames=len(structures))
    for progress in label_frames(
        structures,
        out,
        partial(make_reference, reference),
        source=frames.name,
        level=level,
        is_semi_empirical=is_semi_empirical,
        n_workers=workers,
        retry_failed=retry_failed,
    ):
        on_progress(progress)
    return progress


def read_frames(path: Path) -> list[Atoms]:
    """Return all frames of any file that ASE reads, also compressed.

    Raises
    ------
    StoreError
        If the file cannot be read, is empty, or is extended XYZ that ends within a frame.
    """
    if path.name.removesuffix(".gz").endswith((".xyz", ".extxyz")):
        return _extended_xyz(path)
    try:
        frames = list(ase.io.iread(path, index=":"))
    except Exception as error:  # ASE raises nearly anything on a file that it does not know
        raise StoreError(
            f"cannot read frames from {path}: {error or type(error).__name__}"
        ) from error
    if not frames:
        raise StoreError(f"{path} has no frames")
    return frames


def _extended_xyz(path: Path) -> list[Atoms]:
    """Return all frames, those after a blank line too, where ASE's reader ends."""
    torn: list[int] = []
    texts = iterate_numbered(path, may_be_torn=False, on_torn=torn.append)
    frames = [parse_frame(text, f"{path} frame {k}") for k, (_, text) in enumerate(texts)]
    if torn:
        raise StoreError(
            f"cannot read frames from {path}: it ends within frame {len(frames)}; copy it again, "
            "or take that frame out"
        )
    if not frames:
        raise StoreError(f"{path} has no frames")
    return frames


def label_frames(
    frames: list[Atoms],
    out: Path,
    make: MakeReference,
    *,
    source: str,
    level: dict[str, Any],
    is_semi_empirical: bool,
    n_workers: int = 1,
    retry_failed: bool = False,
) -> Iterator[LabelProgress]:
    """Label frames into a directory; yield where it stands, first before anything is computed.

    Parameters
    ----------
    out
        The directory; made where it does not exist, gone on with where it does.
    source
        What the provenance calls the origin of the frames.
    level
        The level of theory, as `Reference.describe` says it.
    retry_failed
        Whether frames that failed before are tried again.

    Raises
    ------
    StoreError
        If the directory holds labels of another level of theory, or is in use.
    """
    make_directory(out)
    with RunDirectory(path=out).lock():
        _check_level(out, {"level_of_theory": level, "semi_empirical": is_semi_empirical})
        dataset = Dataset(out / "labels.extxyz")
        journal = Journal(out / "failures.jsonl", is_durable=True)
        try:
            dataset.check_level(level_of(level))
            work = _Work(frames, dataset, journal, {"source": source, "level": level_of(level)})
            todo = work.todo(retry_failed=retry_failed)
            yield work.progress
            labeller = MakeLabeller(make_reference=make, directory=out)
            bare = [_bare(frames[index]) for index in todo]
            for ended in run_tasks(bare, labeller, n_workers=n_workers):
                index = todo[ended.key]
                if ended.error is None:
                    work.keep(index, ended.value)
                else:
                    work.note_failure(index, ended.error)
                yield work.progress
        finally:
            dataset.close()
            journal.close()


class _Work:
    """The frames of a file against what the directory knows of them."""

    def __init__(
        self, frames: list[Atoms], dataset: Dataset, journal: Journal, provenance: dict[str, Any]
    ) -> None:
        self._frames = frames
        self._dataset = dataset
        self._journal = journal
        self._provenance = provenance
        self._hashes = [structure_hash(a.numbers, a.positions, a.cell.array, a.pbc) for a in frames]
        self._frames_of = Counter(self._hashes)
        self._labelled = {h for h in self._frames_of if dataset.find(h) is not None}
        self._failed = {record["hash"] for record in read_journal(journal.path)}
        self._failed &= self._frames_of.keys() - self._labelled  # labelled after all: not failed
        self._new = 0
        self._newest = ""

    @property
    def progress(self) -> LabelProgress:
        """Where the work stands; frames of the same structure count each."""
        return LabelProgress(
            n_frames=len(self._frames),
            n_labelled=sum(self._frames_of[digest] for digest in self._labelled),
            n_failed=sum(self._frames_of[digest] for digest in self._failed),
            n_new=self._new,
            newest=self._newest,
        )

    def todo(self, *, retry_failed: bool) -> list[int]:
        """Return the frames to compute, each structure once."""
        seen = self._labelled | (set() if retry_failed else self._failed)
        chosen = []
        for index, digest in enumerate(self._hashes):
            if digest not in seen:
                chosen.append(index)
            seen.add(digest)
        return chosen

    def keep(self, index: int, label: Label) -> None:
        """Write a label to the disk."""
        atoms = self._frames[index]
        self._dataset.append(
            LabelledStructure(
                numbers=atoms.numbers.astype(np.int64),
                positions=atoms.positions,
                cell=atoms.cell.array,
                pbc=atoms.pbc,
                label=label,
                provenance={**self._provenance, "frame": index},
            )
        )
        self._labelled.add(self._hashes[index])
        self._failed.discard(self._hashes[index])
        self._new += 1
        self._newest = f"frame {index}: {label.energy:.6f} eV in {label.seconds:.2f} s"

    def note_failure(self, index: int, error: str) -> None:
        """Write down why a frame has no label."""
        digest = self._hashes[index]
        self._journal.append({**self._provenance, "frame": index, "hash": digest, "error": error})
        self._failed.add(digest)
        self._newest = f"frame {index} failed: {error}"


def _bare(atoms: Atoms) -> Atoms:
    """Return the structure alone: constraints and momenta are no affair of a label."""
    return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)


def _check_level(out: Path, record: dict[str, Any]) -> None:
    """Write what the labels of a directory are, or refuse labels of another kind."""
    path = out / "labelling.json"
    wanted = jsonable(record)
    if not path.exists():
        write_atomic(path, json.dumps(wanted, indent=2).encode() + b"\n")
        return
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} cannot be read: {error}; restore it or choose another --out"
        ) from error
    if found != wanted:
        raise StoreError(
            f"{out} holds labels of another level of theory, {json.dumps(found)} and not "
            f"{json.dumps(wanted)}: choose another --out"
        )
