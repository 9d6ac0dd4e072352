"""The verdict of a rule on a step, and the labelled environment that it may name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Action = Literal["accept", "skip", "label", "rewind", "stop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """The labelled environment nearest to an atom: label id, atom in it, cosine distance."""

    label: int
    atom: int
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one rule says about one step, with its reason.

    `value` and `threshold` have the unit `unit`; `atom` is the atom that decided, if one did.
    `is_doubt`: a rewind on the word of the force field alone, while the structure may be sound.
    `is_follow_up`: a label some time after a bond has changed, where nothing else asks for one.
    """

    action: Action
    rule: str
    reason: str
    atom: int | None = None
    element: str | None = None
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    neighbour: Neighbour | None = None
    is_doubt: bool = False
    is_follow_up: bool = False
