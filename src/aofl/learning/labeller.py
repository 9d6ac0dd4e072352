"""From a structure to a label that can be believed: known already, or asked for and checked.

A label is on the disk, with its provenance, before it is handed out; a structure that the data
set knows is never computed again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from ase import Atoms

from aofl.learning.wall import WallClock
from aofl.records import Label, LabelledStructure, Prediction
from aofl.reference import LabelLimits, Reference, check_label
from aofl.reference.quality import check_against_prediction
from aofl.store import Dataset, structure_hash


@dataclass(slots=True, kw_only=True)
class Labeller:
    """Asks the reference code and keeps what it says.

    Attributes
    ----------
    dataset
        Where labels are kept; None keeps nothing.
    ids
        Ids of the labels handed out, in order; with a data set they index it.
    """

    reference: Reference
    wall: WallClock
    dataset: Dataset | None = None
    limits: LabelLimits = field(default_factory=LabelLimits)
    ids: list[int] = field(default_factory=list)

    def label(
        self,
        atoms: Atoms,
        prediction: Prediction | None,
        *,
        is_trusted: bool,
        provenance: dict[str, object],
    ) -> Label:
        """Return a label; its id is the last of `ids`.

        Parameters
        ----------
        prediction
            What the force field says, stored beside the label.
        is_trusted
            Whether a label far from the prediction is an outlier.

        Raises
        ------
        ReferenceFailed
            If no label can be believed; nothing is stored.
        """
        known = self._known(atoms)
        if known is not None:
            return known
        with self.wall.part("reference"):
            label = self.reference.label(atoms)
            check_label(label, atoms, limits=self.limits)
            if prediction is not None and is_trusted:
                check_against_prediction(label, prediction.energy / len(atoms), limits=self.limits)
        self.wall.reference_calls.append(label.seconds)
        self.ids.append(self._store(atoms, label, prediction, provenance))
        return label

    def _known(self, atoms: Atoms) -> Label | None:
        """Return the label of the data set; it was paid for before a kill, so its cost counts."""
        if self.dataset is None:
            return None
        digest = structure_hash(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc)
        found = self.dataset.find(digest)
        if found is None:
            return None
        label = self.dataset[found].label
        self.ids.append(found)
        self.wall.count_reference(label.seconds)
        return label

    def _store(
        self,
        atoms: Atoms,
        label: Label,
        prediction: Prediction | None,
        provenance: dict[str, object],
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
            provenance=provenance,
        )
        return self.dataset.append(entry)
