"""The oracle: the reference code behind a gate, a cache and the data set; the only effect.

A label is on the disk, with its provenance, before it is handed out; a structure that the data
set or the cache knows is never computed again. What got no label is kept in quarantine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from ase import Atoms

from aofl.config.schema import LabelsConfig
from aofl.errors import ReferenceFailed
from aofl.learning.observation import Frame
from aofl.learning.question import Answer, NoLabel, Question
from aofl.learning.timing import Timing
from aofl.records import Label, LabelledStructure
from aofl.records.events import SpotChecked
from aofl.reference import LabelLimits, Reference
from aofl.reference.background import BackgroundReference
from aofl.reference.gate import Expectation, believed_label
from aofl.reference.level import level_of
from aofl.reference.protocol import evidence_of
from aofl.reference.spot_check import spot_check
from aofl.rng import generator
from aofl.store import Dataset, LabelCache, keep_in_quarantine, structure_hash


@dataclass(slots=True, kw_only=True)
class Oracle:
    """Asks the reference code and keeps what it says.

    Attributes
    ----------
    settings
        When a label is believed.
    dataset
        Where labels are kept; None keeps nothing.
    quarantine
        Where structures without a label are kept; None keeps none.
    background
        What answers questions that are sent; None lets them be asked when they are collected.
    seed
        Of the spot checks.
    ids
        Ids of the labels handed out, in order; with a data set they index it.

    Raises
    ------
    StoreError
        If the data set holds labels of another level of theory.
    """

    reference: Reference
    timing: Timing
    settings: LabelsConfig = field(default_factory=LabelsConfig)
    dataset: Dataset | None = None
    quarantine: Path | None = None
    background: BackgroundReference | None = None
    seed: int = 0
    ids: list[int] = field(default_factory=list)
    level: str = field(init=False)
    _cache: LabelCache | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.level = level_of(self.reference.describe())
        if self.dataset is not None:
            self.dataset.check_level(self.level)
        if self.settings.cache is not None:
            self._cache = LabelCache(Path(self.settings.cache).expanduser(), self.level)

    def ask(self, question: Question) -> Answer | NoLabel:
        """Return a label with its id, or why there is none."""
        return self._answered(question, None)

    def send(self, question: Question) -> None:
        """Let the question be answered beside the run, unless the answer is known."""
        atoms = atoms_of(question.frame)
        digest = hash_of(atoms)
        if self.background is not None and self._known(digest) is None:
            self.background.send(digest, atoms, _expectation(question))

    def collect(self, question: Question) -> Answer | NoLabel:
        """Wait for the answer to a question that was sent."""
        return self._answered(question, self.background)

    def _answered(
        self, question: Question, background: BackgroundReference | None
    ) -> Answer | NoLabel:
        try:
            return self._answer(question, background)
        except ReferenceFailed as error:
            return NoLabel(failure=error)

    def _answer(self, question: Question, background: BackgroundReference | None) -> Answer:
        """Return what is known of the structure, or what the reference says, here or beside us."""
        atoms = atoms_of(question.frame)
        digest = hash_of(atoms)
        found = self.dataset.find(digest) if self.dataset is not None else None
        if self.dataset is not None and found is not None:
            known = self.dataset[found].label
            self.ids.append(found)
            if background is None:  # waited for before a kill, so its cost counts
                self.timing.count_reference(known.seconds)
            else:
                background.forget(digest)
            return Answer(label=known, label_id=found)
        cached = self._cache.find(digest) if self._cache is not None else None
        label = None if cached is None else replace(cached, core=question.core)
        events: tuple[SpotChecked, ...] = ()
        if label is None:
            believed = partial(self._believed, question, atoms)
            get = believed if background is None else partial(background.take, digest)
            label, events = self._asked(question, atoms, get)
            self.timing.reference_calls.append(label.seconds)
            if self._cache is not None:
                self._cache.keep(digest, label)
        self.ids.append(self._store(question, label))
        if background is not None:
            background.forget(digest)
        return Answer(label=label, label_id=self.ids[-1], events=events)

    def _known(self, digest: str) -> object | None:
        """Return whatever is on the disk about a structure."""
        found = self.dataset.find(digest) if self.dataset is not None else None
        if found is None and self._cache is not None:
            return self._cache.find(digest)
        return found

    def _believed(self, question: Question, atoms: Atoms) -> Label:
        return believed_label(
            self.reference,
            atoms,
            limits=limits_of(self.settings),
            expectation=_expectation(question),
            core=question.core,
        )

    def _asked(
        self, question: Question, atoms: Atoms, get: Callable[[], Label]
    ) -> tuple[Label, tuple[SpotChecked, ...]]:
        """Return a label of the reference; what got none goes into quarantine.

        Raises
        ------
        ReferenceFailed
            If no label can be believed.
        """
        try:
            with self.timing.part("reference"):
                label = get()
                return label, self._spot_check(question, atoms, label)
        except ReferenceFailed as error:
            if self.quarantine is None:
                raise
            facts = {"reason": str(error), "level": self.level, **question.provenance}
            where = keep_in_quarantine(self.quarantine, atoms, facts, error.evidence)
            raise ReferenceFailed(f"{error}; kept in {where}", error.evidence) from error

    def _spot_check(
        self, question: Question, atoms: Atoms, label: Label
    ) -> tuple[SpotChecked, ...]:
        """Hold a force of every so many labels against two energies; return the event of it."""
        every = self.settings.spot_check_every
        if every is None or (len(self.ids) + 1) % every:
            return ()
        files = evidence_of(self.reference)
        try:
            difference = spot_check(
                self.reference.label,
                atoms,
                label,
                tolerance=1e-3 * self.settings.spot_check_tolerance_meV_per_A,
                rng=generator(self.seed, "spot_check", len(self.ids)),
            )
        except ReferenceFailed as error:
            raise ReferenceFailed(str(error), {**files, **error.evidence}) from error
        return (SpotChecked(**question.provenance, difference_eV_per_A=difference),)

    def _store(self, question: Question, label: Label) -> int:
        if self.dataset is None:
            return len(self.ids)
        structure, prediction = question.frame.structure, question.prediction
        entry = LabelledStructure(
            numbers=structure.numbers,
            positions=structure.positions,
            cell=structure.cell,
            pbc=structure.pbc,
            label=label,
            predicted_forces=None if prediction is None else prediction.forces,
            provenance={**question.provenance, "level": self.level},
        )
        return self.dataset.append(entry)


def limits_of(settings: LabelsConfig) -> LabelLimits:
    """Return what labels must keep to under some settings."""
    return LabelLimits(
        net_force=1e-3 * settings.max_net_force_meV_per_A,
        force=settings.max_force_eV_per_A,
        outlier_factor=settings.outlier_factor,
    )


def hash_of(atoms: Atoms) -> str:
    """Return the `structure_hash` of some atoms."""
    return structure_hash(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc)


def _expectation(question: Question) -> Expectation | None:
    if question.prediction is None or question.expected_errors is None:
        return None
    return Expectation(prediction=question.prediction, errors=question.expected_errors)


def atoms_of(frame: Frame) -> Atoms:
    """Return a frame as the reference codes read it, without constraints: labels know none."""
    at, notes = frame.structure, frame.annotations
    atoms = Atoms(at.numbers, at.positions, cell=at.cell, pbc=at.pbc)
    atoms.info.update(notes.get("info", {}))
    for name, values in notes.get("arrays", {}).items():
        atoms.set_array(name, np.asarray(values))
    return atoms
