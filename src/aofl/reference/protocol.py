"""The contract of a reference code: one structure in, one label out, or a clear refusal.

Everything that learns knows a reference code through this protocol alone. A reference never
hands out a label that it does not believe, and it can say at which level of theory it works.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias, runtime_checkable

from ase import Atoms

from aofl.records import Label

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


class Reference(Protocol):
    """What labels structures with energies and forces."""

    @property
    def is_semi_empirical(self) -> bool:
        """Whether the method is fitted rather than first-principles; reports say so."""
        ...

    def label(self, atoms: Atoms, *, careful: bool = False) -> Label:
        """Return the label of a structure; constraints of the atoms never change it.

        Parameters
        ----------
        atoms
            The structure; it is not changed.
        careful
            Whether a first label of this structure was doubted: begin from nothing that was
            kept, another way or tighter, at the same level of theory.

        Raises
        ------
        ReferenceFailed
            If no label can be trusted; go on without it, or ask for a nearby structure.
        StructureError
            If the structure can never be labelled, such as for an unsupported element.
        """
        ...

    def describe(self) -> dict[str, JSON]:
        """Return the level of theory: keys `code`, `version`, `method`, `settings`.

        `functional`, `dispersion` and `basis` are named where there are any. Labels with equal
        descriptions may be learned together; others may not (`aofl.reference.level`).
        """
        ...

    def elements_supported(self) -> frozenset[str] | None:
        """Return the symbols of the elements the code can treat, None where it cannot say."""
        ...


@runtime_checkable
class KeepsFiles(Protocol):
    """A reference whose code reads and writes files, or leaves them behind."""

    def evidence(self) -> dict[str, str]:
        """Return inputs and outputs of the last evaluation as texts by file name."""
        ...


@runtime_checkable
class ChecksStructures(Protocol):
    """A reference that can say before a label that it will never give one."""

    def check(self, atoms: Atoms) -> list[str]:
        """Return which data of the code a structure will be labelled with, for people.

        Raises
        ------
        StructureError
            If the structure can never be labelled: an element without data, an open boundary.
        """
        ...


def evidence_of(reference: Reference) -> dict[str, str]:
    """Return the files of the last evaluation, none where the code has none."""
    return reference.evidence() if isinstance(reference, KeepsFiles) else {}
