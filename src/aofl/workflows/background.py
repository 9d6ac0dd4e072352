"""Labels that nobody waits for: other processes ask the reference while the run goes on.

Each label is on the disk, in the run directory, before its process takes the next question, so
that a kill loses none that was paid for: the run finds it when it asks again. When a label is
learned is no matter of these processes; `aofl.learning.late_answers` says it.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from ase import Atoms

from aofl.config.references import ReferenceConfig
from aofl.errors import ReferenceFailed
from aofl.records import Label
from aofl.reference import LabelLimits, Reference
from aofl.reference.gate import Expectation, believed_label
from aofl.store import LabelCache
from aofl.workflows.assemble import limited_threads, opened_reference
from aofl.workflows.worker_pool import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A structure to label, its hash, and what the force field expects of the label."""

    digest: str
    atoms: Atoms
    expectation: Expectation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeAsker:
    """Makes the worker of one process; see `aofl.workflows.worker_pool`.

    Attributes
    ----------
    directory
        Where the reference codes work, each process in a directory of its own.
    kept
        Where labels wait for the run.
    threads
        Of linear algebra, as in the run itself.
    """

    config: ReferenceConfig
    limits: LabelLimits
    directory: Path
    kept: Path
    level: str
    threads: int

    def __call__(self, number: int) -> Asker:
        """Return the worker with this number."""
        opened = ExitStack()
        opened.enter_context(limited_threads(self.threads))
        place = self.directory / f"background-{number}"
        reference = opened.enter_context(opened_reference(self.config, place))
        return Asker(reference, self.limits, LabelCache(self.kept, self.level), opened)


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks a reference of its own for one label after the other."""

    reference: Reference
    limits: LabelLimits
    kept: LabelCache
    opened: ExitStack

    def __call__(self, asked: Asked) -> Label | ReferenceFailed:
        """Return a label that can be believed, or why there is none, with its evidence."""
        try:
            label = believed_label(
                self.reference, asked.atoms, limits=self.limits, expectation=asked.expectation
            )
        except ReferenceFailed as error:
            return error
        self.kept.keep(asked.digest, label)
        return label

    def close(self) -> None:
        """End the reference code."""
        self.opened.close()


@dataclass(slots=True)
class Background:
    """A `BackgroundReference` of processes on this machine."""

    make: MakeAsker
    n_workers: int
    _kept: LabelCache = field(init=False)
    _workers: Workers = field(init=False)
    _out: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._kept = LabelCache(self.make.kept, self.make.level)
        self._workers = Workers(self.make, self.n_workers)

    def send(self, digest: str, atoms: Atoms, expectation: Expectation | None) -> None:
        """Let a process label a structure, unless it was sent or labelled before."""
        if digest not in self._out and self._kept.find(digest) is None:
            asked = Asked(digest=digest, atoms=atoms, expectation=expectation)
            self._workers.submit(digest, asked)
            self._out.add(digest)

    def take(self, digest: str) -> Label:
        """Wait for the label of a structure that was sent, and return it.

        Raises
        ------
        ReferenceFailed
            If there is none that can be believed, or its process died.
        AoflError
            If the reference code cannot be started.
        """
        if digest not in self._out:
            if (known := self._kept.find(digest)) is not None:
                return known
            raise ReferenceFailed("it was never sent to a process in the background")
        ended = self._workers.result(digest)
        self._out.remove(digest)
        if ended.error is not None:
            raise ReferenceFailed(ended.error)
        if isinstance(ended.value, ReferenceFailed):
            raise ended.value
        label: Label = ended.value
        return label

    def forget(self, digest: str) -> None:
        """Drop a label that the run has in its data set."""
        self._kept.forget(digest)

    def close(self) -> None:
        """End the processes; labels that are not ready are asked for again when the run goes on."""
        self._workers.close()
