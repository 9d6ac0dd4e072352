"""What the plane-wave codes do alike: retry, go on from the label before, describe.

A code differs by one attempt at a label, and by the settings that change its converged answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from ase import Atoms

from aofl.config.references import PeriodicDft
from aofl.records import Label
from aofl.reference.codes.dft_attempts import DftAttempt, dft_attempts
from aofl.reference.protocol import JSON
from aofl.reference.quality import NUMBERS_ONLY
from aofl.reference.retry import first_believed
from aofl.reference.same_structure import is_same_kind

LOG_TAIL = 200_000  # characters of output kept as evidence


class PlaneWaveReference(ABC):
    """A `Reference` that goes on from the density and wave functions of its last label.

    Attributes
    ----------
    code
        What `describe` calls the code.
    program
        What messages call it.
    files
        Its inputs and outputs that tell why there is no label.
    """

    code: ClassVar[str]
    program: ClassVar[str]
    files: ClassVar[tuple[str, ...]]
    is_semi_empirical = False

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._labelled: Atoms | None = None  # what wave functions are kept of

    def label(self, atoms: Atoms, *, careful: bool = False) -> Label:
        """Return the label of a structure; see `Reference.label`.

        Raises
        ------
        StructureError
            If the structure can never be labelled: an element without data, no cell.
        ReferenceFailed
            If no attempt converged to a label that can be believed.
        """
        bare = self._checked(atoms)
        return first_believed(
            dft_attempts(careful=careful),
            lambda attempt: self._label_once(bare, attempt),
            bare,
            limits=NUMBERS_ONLY,
            who=self.program,
            advice=f"leave this structure out, or look at {self._directory}",
            files=self.evidence,
        )

    def evidence(self) -> dict[str, str]:
        """Return inputs and outputs of the last evaluation."""
        paths = [self._directory / name for name in self.files]
        return {
            path.name: path.read_text(errors="replace")[-LOG_TAIL:]
            for path in paths
            if path.is_file()
        }

    @abstractmethod
    def elements_supported(self) -> frozenset[str] | None:
        """Return the symbols of the elements the code can treat, None where it cannot say."""

    @abstractmethod
    def check(self, atoms: Atoms) -> list[str]:
        """Refuse a structure that can never be labelled; see `ChecksStructures.check`."""

    @abstractmethod
    def _checked(self, atoms: Atoms) -> Atoms:
        """Return the structure without constraints, if the code can label it.

        Raises
        ------
        StructureError
            If it cannot.
        """

    @abstractmethod
    def _label_once(self, atoms: Atoms, attempt: DftAttempt) -> Label:
        """Make one label, or raise `ReferenceFailed`."""

    def _goes_on(self, atoms: Atoms, attempt: DftAttempt) -> bool:
        """Whether an attempt may start from what the last label left."""
        return not attempt.is_fresh and is_same_kind(self._labelled, atoms)


def description(
    reference: PlaneWaveReference,
    config: PeriodicDft,
    version: str | None,
    settings: Mapping[str, JSON],
) -> dict[str, JSON]:
    """Return the level of theory, as `Reference.describe` has it.

    Parameters
    ----------
    settings
        What changes the converged answer of this code alone; what the codes share is added.
    """
    return {
        "code": reference.code,
        "version": version,
        "method": config.functional,
        "dispersion": config.dispersion,
        "settings": {
            "electronic_temperature_K": config.electronic_temperature_K,
            "kpoints": list(config.kpoints),
            **settings,
        },
    }
