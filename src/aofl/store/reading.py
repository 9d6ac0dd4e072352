"""How files of other programs are read: what the user adds, and who is told what was assumed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from aofl.records import FloatArray
from aofl.store.elements import Elements


def _nobody(note: str) -> None:
    """Hear a note and do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What belongs to a trajectory beside its file.

    Attributes
    ----------
    elements
        Of types, names or atoms, for files that do not say it.
    cell
        Å, rows, shape (3, 3), for files without a cell; zeros say that there is none.
    is_unwrapped
        Whether positions are those of paths that no periodic boundary has cut, whatever the file
        says of it.
    say
        Told what was assumed and what was left out, one clause each; more than once, too.
    """

    elements: Elements = field(default_factory=Elements)
    cell: FloatArray | None = None
    is_unwrapped: bool = False
    say: Callable[[str], None] = _nobody
