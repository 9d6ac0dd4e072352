"""From a structure to a label that can be believed: known already, or asked for and checked.

A label is on the disk, with its provenance, before it is handed out; a structure that the data
set or the cache knows is never computed again. What got no label is kept in quarantine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from aofl.config.schema import LabelsConfig
from aofl.errors import ReferenceFailed
from aofl.learning.timing import Timing
from aofl.records import FloatArray, Label, LabelledStructure, Prediction
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
    on_event
        Called with one JSON-able record for each spot check.
    ids
        Ids of the labels handed out, in order; with a data set they index it.

    Raises
    ------
    StoreError
        If the data set holds labels of another level of theory.
    """

    reference: Reference
    wall: Timing
    settings: LabelsConfig = field(default_factory=LabelsConfig)
    dataset: Dataset | None = None
    quarantine: Path | None = None
    seed: int = 0
    on_event: Callable[[dict[str, Any]], None] = lambda record: None
    ids: list[int] = field(default_factory=list)
    level: str = field(init=False)
    _cache: LabelCache | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.level = level_of(self.reference.describe())
        if self.dataset is not None:
            self.dataset.check_level(self.level)
        if self.settings.cache is not None:
            self._cache = LabelCache(Path(self.settings.cache).expanduser(), self.level)

    def label(
        self,
        atoms: Atoms,
        prediction: Prediction | None,
        *,
        expected_errors: FloatArray | None,
        provenance: dict[str, Any],
    ) -> Label:
        """Return a label; its id is the last of `ids`.

        Parameters
        ----------
        prediction
            What the force field says, stored beside the label.
        expected_errors
            What the force field takes its force error to be, rms over x, y, z, eV/Å, shape (n,);
            None where it is too young to doubt a label.
        provenance
            Step, time and rule, to be stored with the label.

        Raises
        ------
        ReferenceFailed
            If no label can be believed; nothing is stored as one.
        """
        digest = structure_hash(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc)
        found = self.dataset.find(digest) if self.dataset is not None else None
        if self.dataset is not None and found is not None:
            # Paid for before a kill, so its cost counts.
            known = self.dataset[found].label
            self.ids.append(found)
            self.wall.count_reference(known.seconds)
            return known
        label = self._cache.find(digest) if self._cache is not None else None
        if label is None:
            label = self._asked(atoms, prediction, expected_errors, provenance)
            self.wall.reference_calls.append(label.seconds)
            if self._cache is not None:
                self._cache.keep(digest, label)
        self.ids.append(self._store(atoms, label, prediction, provenance))
        return label

    def _asked(
        self,
        atoms: Atoms,
        prediction: Prediction | None,
        expected_errors: FloatArray | None,
        provenance: dict[str, Any],
    ) -> Label:
        """Return a label of the reference; what got none goes into quarantine."""
        expectation = None
        if prediction is not None and expected_errors is not None:
            expectation = Expectation(prediction=prediction, errors=expected_errors)
        try:
            with self.wall.part("reference"):
                label = believed_label(
                    self.reference, atoms, limits=self._limits, expectation=expectation
                )
                self._spot_check(atoms, label, provenance)
            return label
        except ReferenceFailed as error:
            if self.quarantine is None:
                raise
            facts = {"reason": str(error), "level": self.level, **provenance}
            where = keep_in_quarantine(self.quarantine, atoms, facts, error.evidence)
            raise ReferenceFailed(f"{error}; kept in {where}", error.evidence) from error

    @property
    def _limits(self) -> LabelLimits:
        return LabelLimits(
            net_force=1e-3 * self.settings.max_net_force_meV_per_A,
            force=self.settings.max_force_eV_per_A,
            outlier_factor=self.settings.outlier_factor,
        )

    def _spot_check(self, atoms: Atoms, label: Label, provenance: dict[str, Any]) -> None:
        every = self.settings.spot_check_every
        if every is None or (len(self.ids) + 1) % every:
            return
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
        self.on_event({**provenance, "event": "spot_check", "difference_eV_per_A": difference})

    def _store(
        self,
        atoms: Atoms,
        label: Label,
        prediction: Prediction | None,
        provenance: dict[str, Any],
    ) -> int:
        if self.dataset is None:
            return len(self.ids)
        entry = LabelledStructure(
            numbers=atoms.numbers.astype(np.int64),
            positions=atoms.positions,
            cell=atoms.cell.array,
            pbc=atoms.pbc,
            label=label,
            predicted_forces=None if prediction is None else prediction.forces,
            provenance={**provenance, "level": self.level},
        )
        return self.dataset.append(entry)
