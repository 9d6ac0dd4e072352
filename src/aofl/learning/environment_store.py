"""The environment store of one element: what labels have shown of it, bounded in size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aofl.records import FloatArray, IntArray

STORE_SIZE = 2000  # environments per element


@dataclass(frozen=True, slots=True)
class EnvironmentStore:
    """Labelled environments of one element: unit vectors (k, m) and where they came from."""

    vectors: FloatArray
    labels: tuple[int, ...] = ()
    atoms: tuple[int, ...] = ()

    @classmethod
    def empty(cls, length: int) -> EnvironmentStore:
        """Return a store for vectors of a length."""
        return cls(np.empty((0, length)))

    def nearest(self, environments: FloatArray) -> tuple[FloatArray, IntArray]:
        """Return cosine distance to and index of the nearest entry for each row (k, m)."""
        if len(self.labels) == 0:
            return np.full(len(environments), np.inf), np.full(len(environments), -1)
        similarity = environments @ self.vectors.T
        index = similarity.argmax(axis=1)
        return 1.0 - similarity[np.arange(len(index)), index], index

    def extended(
        self, environments: FloatArray, label: int, atoms: IntArray, spacing: float
    ) -> EnvironmentStore:
        """Return the store with the environments farther than `spacing` from all of its entries.

        Parameters
        ----------
        environments, atoms
            Unit vectors (k, m), and which atoms of the label they are, (k,).
        spacing
            Cosine distance. Beyond `STORE_SIZE` entries nothing is added.
        """
        distance, _ = self.nearest(environments)
        new = np.flatnonzero(distance > spacing)[: max(0, STORE_SIZE - len(self.labels))]
        return EnvironmentStore(
            np.concatenate([self.vectors, environments[new]]),
            (*self.labels, *[label] * len(new)),
            (*self.atoms, *[int(k) for k in atoms[new]]),
        )
