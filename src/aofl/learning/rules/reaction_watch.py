"""What the chemistry rule remembers: the reaction being watched, and what labels have shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from aofl.chemistry.snapshot import ChemistrySnapshot
from aofl.plain import from_plain

FIRST_GAP_FS = 4.0
LAST_GAP_FS = 64.0
MOST_DOUBLINGS = 12  # of the gap: 16 ps


@dataclass(slots=True)
class ReactionWatch:
    """What the rule remembers. Steps count from the start of the run.

    Attributes
    ----------
    gap
        Steps from the last label to the next; None while nothing is watched.
    due
        Step of the next label.
    kinds
        The kinds of change that are watched.
    familiar
        Kind of change to how often its gap has doubled: its labels without surprise, halved by
        each surprise.
    labelled
        Kind of change to the step of its last label.
    no_rewind_before
        A change before this step is labelled where it is: it has been rewound once.
    n_rewinds
        So far.
    species, contacts
        Keys of molecules, and touching elements, that some label has shown.
    longest
        Elements, such as "C-O", to the longest bond between them that a label has shown, Å.
    """

    gap: int | None = None
    due: int = 0
    kinds: list[str] = field(default_factory=list)
    familiar: dict[str, int] = field(default_factory=dict)
    labelled: dict[str, int] = field(default_factory=dict)
    no_rewind_before: int = 0
    n_rewinds: int = 0
    species: list[str] = field(default_factory=list)
    contacts: list[str] = field(default_factory=list)
    longest: dict[str, float] = field(default_factory=dict)

    @property
    def is_on(self) -> bool:
        """Whether a reaction is being watched."""
        return self.gap is not None

    def familiarity(self, changes: Iterable[str]) -> int:
        """Return how often the gap of the least known of some changes has doubled."""
        return min(self.familiar.get(kind, 0) for kind in changes)

    def is_due(self, changes: Iterable[str], step: int, timestep_fs: float) -> bool:
        """Return whether some change is of a kind whose last label is longer ago than its gap."""
        return any(
            kind not in self.labelled
            or step - self.labelled[kind] >= gap_after(self.familiar.get(kind, 0), timestep_fs)
            for kind in changes
        )

    def note_rewind(self, step: int, timestep_fs: float) -> None:
        """Remember that the run goes back from `step`: the same change is not rewound again."""
        self.n_rewinds += 1
        self.no_rewind_before = step + steps_in(LAST_GAP_FS, timestep_fs)

    def note_label(
        self, sighting: ChemistrySnapshot, step: int, *, is_surprise: bool, timestep_fs: float
    ) -> None:
        """Learn from a label what is known now, and when to ask next.

        Parameters
        ----------
        is_surprise
            Whether the label showed an error above the threshold.
        """
        self.species = sorted({*self.species, *sighting.species})
        self.contacts = sorted({*self.contacts, *sighting.contacts})
        for pair, length in sighting.longest.items():
            self.longest[pair] = max(length, self.longest.get(pair, 0.0))
        for kind in {*self.kinds, *sighting.changes} if is_surprise else ():
            self.familiar[kind] = self.familiar.get(kind, 0) // 2
        if sighting.changes:
            self.kinds = sorted({*self.kinds, *sighting.changes})
            self.gap = gap_after(self.familiarity(self.kinds), timestep_fs)
            for kind in sighting.changes:
                self.labelled[kind] = step
                self.familiar[kind] = self.familiar.get(kind, 0) + (not is_surprise)
        elif self.gap is not None and not is_surprise:
            self.gap *= 2
        if self.gap is not None and self.gap > steps_in(LAST_GAP_FS, timestep_fs):
            self.gap, self.kinds = None, []
        self.due = step + (self.gap or 0)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Self:
        """Return what `to_json` described."""
        return from_plain(cls, state)


def gap_after(doublings: int, timestep_fs: float) -> int:
    """Return the gap of a kind of change, in steps."""
    return steps_in(FIRST_GAP_FS, timestep_fs) << min(doublings, MOST_DOUBLINGS)


def steps_in(time_fs: float, timestep_fs: float) -> int:
    """Return the steps that a time takes, at least one."""
    return max(1, round(time_fs / timestep_fs))
