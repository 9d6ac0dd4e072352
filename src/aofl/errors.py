"""The exceptions of the package.

Every message says what is wrong, where, the value, what was expected and what to do next. The
command line prints the message alone and exits with code 2 for bad input, 1 for a failed run.
"""

from __future__ import annotations

from collections.abc import Mapping

STOPPED_EARLY = 3  # exit code of a run that left by a signal or the wall time


class AoflError(Exception):
    """Base class of all errors that the package raises on purpose."""


class ConfigError(AoflError):
    """The configuration is wrong: file, key, value or type."""


class StructureError(AoflError):
    """A structure cannot be built or used: overlap, composition, cell."""


class ReferenceFailed(AoflError):  # noqa: N818 - the field says "the SCF failed"
    """The reference code gave no label that can be trusted.

    Parameters
    ----------
    evidence
        What helps to find out why, by file name: input and output of the code, as text.
    """

    def __init__(self, message: str, evidence: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.evidence = dict(evidence or {})


class ModelError(AoflError):
    """The force field cannot be fitted, read or applied: element, shape, version."""


class StoreError(AoflError):
    """A run directory or a file in it cannot be read, written or locked."""


class RunStopped(AoflError):  # noqa: N818 - a clean stop, not a fault of the program
    """The run stopped itself cleanly and says what to do next."""
