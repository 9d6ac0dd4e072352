"""The oracle: the reference code behind a gate, a cache and the data set; the only effect.

A label is on the disk, with its provenance, before it is handed out; a structure that the data
set or the cache knows is never computed again. What got no label is kept in quarantine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
        try:
            return self._answer(question, atoms_of(question.frame))
        except ReferenceFailed as error:
            return NoLabel(failure=error)

    def _answer(self, question: Question, atoms: Atoms) -> Answer:
        """Return what is known of the structure, or what the reference says."""
        digest = structure_hash(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc)
        found = self.dataset.find(digest) if self.dataset is not None else None
        if self.dataset is not None and found is not None:
            # Paid for before a kill, so its cost counts.
            known = self.dataset[found].label
            self.ids.append(found)
            self.timing.count_reference(known.seconds)
            return Answer(label=known, label_id=found)
        label = self._cache.find(digest) if self._cache is not None else None
        events: tuple[SpotChecked, ...] = ()
        if label is None:
            label, events = self._asked(question, atoms)
            self.timing.reference_calls.append(label.seconds)
            if self._cache is not None:
                self._cache.keep(digest, label)
        self.ids.append(self._store(question, label))
        return Answer(label=label, label_id=self.ids[-1], events=events)

    def _asked(self, question: Question, atoms: Atoms) -> tuple[Label, tuple[SpotChecked, ...]]:
        """Return a label of the reference; what got none goes into quarantine.

        Raises
        ------
        ReferenceFailed
            If no label can be believed.
        """
        expectation = None
        if question.prediction is not None and question.expected_errors is not None:
            expectation = Expectation(
                prediction=question.prediction, errors=question.expected_errors
            )
        try:
            with self.timing.part("reference"):
                label = believed_label(
                    self.reference, atoms, limits=self._limits, expectation=expectation
                )
                return label, self._spot_check(question, atoms, label)
        except ReferenceFailed as error:
            if self.quarantine is None:
                raise
            facts = {"reason": str(error), "level": self.level, **question.provenance}
            where = keep_in_quarantine(self.quarantine, atoms, facts, error.evidence)
            raise ReferenceFailed(f"{error}; kept in {where}", error.evidence) from error

    @property
    def _limits(self) -> LabelLimits:
        return LabelLimits(
            net_force=1e-3 * self.settings.max_net_force_meV_per_A,
            force=self.settings.max_force_eV_per_A,
            outlier_factor=self.settings.outlier_factor,
        )

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


def atoms_of(frame: Frame) -> Atoms:
    """Return a frame as the reference codes read it, without constraints: labels know none."""
    at, notes = frame.structure, frame.annotations
    atoms = Atoms(at.numbers, at.positions, cell=at.cell, pbc=at.pbc)
    atoms.info.update(notes.get("info", {}))
    for name, values in notes.get("arrays", {}).items():
        atoms.set_array(name, np.asarray(values))
    return atoms
