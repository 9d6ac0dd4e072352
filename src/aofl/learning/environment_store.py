"""The bank of labelled environments of one element, bounded in size."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from aofl.records import FloatArray, IntArray

BANK_SIZE = 2000  # environments per element


@dataclass(slots=True)
class EnvironmentStore:
    """Labelled environments of one element: unit vectors (k, m) and where they came from."""

    vectors: FloatArray
    labels: list[int] = field(default_factory=list)
    atoms: list[int] = field(default_factory=list)

    def nearest(self, environments: FloatArray) -> tuple[FloatArray, IntArray]:
        """Return cosine distance to and index of the nearest entry for each row (k, m)."""
        if len(self.labels) == 0:
            return np.full(len(environments), np.inf), np.full(len(environments), -1)
        similarity = environments @ self.vectors.T
        index = similarity.argmax(axis=1)
        return 1.0 - similarity[np.arange(len(index)), index], index

    def add(self, environments: FloatArray, label: int, atoms: IntArray, spacing: float) -> None:
        """Add environments that are farther than `spacing` from all entries, while room is left.

        Parameters
        ----------
        environments, atoms
            Unit vectors (k, m), and which atoms of the label they are, (k,).
        """
        distance, _ = self.nearest(environments)
        new = np.flatnonzero(distance > spacing)[: max(0, BANK_SIZE - len(self.labels))]
        self.vectors = np.concatenate([self.vectors, environments[new]])
        self.labels += [label] * len(new)
        self.atoms += [int(k) for k in atoms[new]]
