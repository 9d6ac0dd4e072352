"""The reactions of a run as `events.jsonl` tells them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aofl.chemistry.reaction_event import is_exchange
from aofl.chemistry.species import Pair
from aofl.records import Event, OtherEvent
from aofl.records.events import ReactionHappened, SpeciesCounted


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionEvent:
    """A reaction that lasted: names of molecules before and after, and the bonds that changed."""

    step: int
    time_fs: float
    began_fs: float
    reaction: str
    reactants: tuple[str, ...]
    products: tuple[str, ...]
    broken: tuple[Pair, ...]
    formed: tuple[Pair, ...]
    height: float | None
    electrons: int | None
    is_seen: bool | None
    is_hot: bool | None = None

    @property
    def is_exchange(self) -> bool:
        """Whether the molecules are the same before and after."""
        return is_exchange(self.reaction)

    @property
    def n_bonds(self) -> int:
        """How many bonds changed."""
        return len(self.broken) + len(self.formed)


def read_molecules(events: Iterable[Event | OtherEvent]) -> dict[str, int]:
    """Return the molecules at the start by name, as far as they were written down."""
    counted = (event.counts for event in events if isinstance(event, SpeciesCounted))
    return next(counted, {})


def read_reaction(event: ReactionHappened) -> ReactionEvent:
    """Return what the report shows of a reaction."""
    return ReactionEvent(
        step=event.step,
        time_fs=event.time_fs,
        began_fs=event.time_fs if event.began_fs is None else event.began_fs,
        reaction=event.reaction,
        reactants=event.reactants,
        products=event.products,
        broken=event.broken,
        formed=event.formed,
        height=event.height_A,
        electrons=event.electrons,
        is_seen=event.seen_by_reference,
        is_hot=event.in_excursion,
    )
