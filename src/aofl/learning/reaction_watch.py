"""What the chemistry rule remembers: the reaction being watched, and what labels have shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from aofl.chemistry.snapshot import ChemistrySnapshot

FIRST_GAP_FS = 4.0
LAST_GAP_FS = 64.0
MOST_DOUBLINGS = 12  # of the gap: 16 ps


@dataclass(frozen=True, slots=True)
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
    atom
        An atom of the bond that changed last; None while nothing is watched.
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
    kinds: tuple[str, ...] = ()
    familiar: Mapping[str, int] = field(default_factory=dict)
    labelled: Mapping[str, int] = field(default_factory=dict)
    no_rewind_before: int = 0
    n_rewinds: int = 0
    species: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    longest: Mapping[str, float] = field(default_factory=dict)
    atom: int | None = None

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

    def rewound(self, step: int, timestep_fs: float) -> ReactionWatch:
        """Return the watch after the run went back from `step`: not for the same change again."""
        until = step + steps_in(LAST_GAP_FS, timestep_fs)
        return replace(self, n_rewinds=self.n_rewinds + 1, no_rewind_before=until)

    def labelled_at(
        self, step: int, seen: ChemistrySnapshot, *, is_surprise: bool, timestep_fs: float
    ) -> ReactionWatch:
        """Return the watch after a label: what is known now, and when to ask next.

        Parameters
        ----------
        is_surprise
            Whether the label showed an error above the threshold.
        """
        watch, changes = self.knowing(seen), seen.changes
        if is_surprise:
            watch = watch._less_familiar({*watch.kinds, *changes})
        watch = watch._timed(step, changes, is_surprise=is_surprise, timestep_fs=timestep_fs)
        atom = seen.atom if seen.atom is not None else self.atom
        watch = replace(watch, atom=atom if watch.is_on else None)
        return watch._counted(step, changes, is_surprise=is_surprise)

    def sent_at(self, step: int, timestep_fs: float) -> ReactionWatch:
        """Return the watch after a question that nobody waits for, as if it were no surprise."""
        watch = self._timed(step, (), is_surprise=False, timestep_fs=timestep_fs)
        return replace(watch, atom=watch.atom if watch.is_on else None)

    def surprised(self, step: int, then: ReactionWatch) -> ReactionWatch:
        """Return the watch after the answer to such a question was a surprise.

        It goes on as it was `then`, when the question was sent: its gap has not doubled.
        """
        if then.gap is None:
            return self
        gap = then.gap if self.gap is None else min(self.gap, then.gap)
        due = step + gap if self.gap is None else min(self.due, step + gap)
        kinds = tuple(sorted({*self.kinds, *then.kinds}))
        atom = then.atom if self.atom is None else self.atom
        watch = replace(self, gap=gap, due=due, kinds=kinds, atom=atom)
        return watch._less_familiar(then.kinds)

    def knowing(self, seen: ChemistrySnapshot) -> ReactionWatch:
        """Remember the molecules, contacts and longest bonds that a label has shown."""
        longest = dict(self.longest)
        for pair, length in seen.longest.items():
            longest[pair] = max(length, longest.get(pair, 0.0))
        return replace(
            self,
            species=tuple(sorted({*self.species, *seen.species})),
            contacts=tuple(sorted({*self.contacts, *seen.contacts})),
            longest=longest,
        )

    def _less_familiar(self, kinds: Iterable[str]) -> ReactionWatch:
        """Take half of the doublings back from every kind that a surprise is about."""
        familiar = dict(self.familiar)
        for kind in sorted(kinds):
            familiar[kind] = familiar.get(kind, 0) // 2
        return replace(self, familiar=familiar)

    def _timed(
        self, step: int, changes: tuple[str, ...], *, is_surprise: bool, timestep_fs: float
    ) -> ReactionWatch:
        """Set the gap to the next label, which ends the watch where it has grown long."""
        gap, kinds = self.gap, self.kinds
        if changes:
            kinds = tuple(sorted({*kinds, *changes}))
            gap = gap_after(self.familiarity(kinds), timestep_fs)
        elif gap is not None and not is_surprise:
            gap *= 2
        if gap is not None and gap > steps_in(LAST_GAP_FS, timestep_fs):
            gap, kinds = None, ()
        return replace(self, gap=gap, kinds=kinds, due=step + (gap or 0))

    def _counted(self, step: int, changes: tuple[str, ...], *, is_surprise: bool) -> ReactionWatch:
        """Remember a label of each kind of change; one without surprise doubles its gap."""
        familiar, labelled = dict(self.familiar), dict(self.labelled)
        for kind in changes:
            labelled[kind] = step
            familiar[kind] = familiar.get(kind, 0) + (not is_surprise)
        return replace(self, familiar=familiar, labelled=labelled)


def gap_after(doublings: int, timestep_fs: float) -> int:
    """Return the gap of a kind of change, in steps."""
    return steps_in(FIRST_GAP_FS, timestep_fs) << min(doublings, MOST_DOUBLINGS)


def steps_in(time_fs: float, timestep_fs: float) -> int:
    """Return the steps that a time takes, at least one."""
    return max(1, round(time_fs / timestep_fs))
