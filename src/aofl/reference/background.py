"""The contract of labels that nobody waits for: sent now, taken later, by hash."""

from __future__ import annotations

from typing import Protocol

from ase import Atoms

from aofl.records import Label
from aofl.reference.gate import Expectation


class BackgroundReference(Protocol):
    """What labels structures beside the run; `aofl.workflows.background` has the one of a run."""

    def send(self, digest: str, atoms: Atoms, expectation: Expectation | None) -> None:
        """Begin to label a structure, unless it was sent before."""
        ...

    def take(self, digest: str) -> Label:
        """Wait for the label of a structure that was sent.

        Raises
        ------
        ReferenceFailed
            If there is none that can be believed.
        """
        ...

    def forget(self, digest: str) -> None:
        """Drop a label that the run keeps itself now."""
        ...
