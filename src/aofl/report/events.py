"""What happened to bonds and molecules, as `events.jsonl` tells it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aofl.chemistry.species import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class BondEvent:
    """A bond that formed or broke."""

    step: int
    time_fs: float
    change: str
    atoms: tuple[int, ...]
    elements: tuple[str, ...]


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

    @property
    def n_bonds(self) -> int:
        """How many bonds changed."""
        return len(self.broken) + len(self.formed)


def number(mapping: Mapping[str, Any], key: str) -> float | None:
    """Return a finite number of a JSON object, or None where there is none."""
    value = mapping.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def of_kind(events: Iterable[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    """Return the events of one kind."""
    return [event for event in events if event.get("event") == kind]


def read_molecules(events: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the molecules at the start by name, as far as they were written down."""
    for event in of_kind(events, "species"):
        counts = event.get("counts")
        if isinstance(counts, Mapping):
            return {str(name): n for name, n in counts.items() if isinstance(n, int)}
    return {}


def read_reaction(event: Mapping[str, Any]) -> ReactionEvent:
    """Read a line of `events.jsonl` that tells of a reaction."""
    electrons, seen = number(event, "electrons"), event.get("seen_by_reference")
    return ReactionEvent(
        step=int(event["step"]),
        time_fs=float(event["time_fs"]),
        began_fs=number(event, "began_fs") or float(event["time_fs"]),
        reaction=str(event["reaction"]),
        reactants=tuple(str(name) for name in event["reactants"]),
        products=tuple(str(name) for name in event["products"]),
        broken=_pairs(event["broken"]),
        formed=_pairs(event["formed"]),
        height=number(event, "height_A"),
        electrons=None if electrons is None else int(electrons),
        is_seen=seen if isinstance(seen, bool) else None,
    )


def _pairs(pairs: Iterable[Iterable[int]]) -> tuple[Pair, ...]:
    return tuple((int(i), int(j)) for i, j in pairs)


def read_bond(event: Mapping[str, Any]) -> BondEvent:
    """Read a line of `events.jsonl` that tells of a bond."""
    return BondEvent(
        step=int(event["step"]),
        time_fs=float(event["time_fs"]),
        change=str(event["change"]),
        atoms=tuple(int(i) for i in event["atoms"]),
        elements=tuple(str(e) for e in event["elements"]),
    )
