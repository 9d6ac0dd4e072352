"""What must be known of the past to follow reactions: plain frozen data that JSON can hold.

To JSON it goes by hand: its mappings have tuples of atoms for keys, which JSON objects cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from aofl.chemistry.species import Members, Pair, Species
from aofl.records import IntArray

Pairs = frozenset[Pair]


@dataclass(frozen=True, slots=True)
class Toggle:
    """When and where a pair began to differ from its settled state: fs, Å along the normal."""

    frame_before: int
    frame: int
    time_fs: float
    height: float | None


@dataclass(frozen=True, slots=True)
class Variant:
    """What a molecule is that geometry names, and what it seems to have become since when."""

    species: Species
    other: Species | None = None
    since: Toggle | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerState:
    """All that must be known of the past.

    Attributes
    ----------
    frame, time_fs
        Of the last frame that was seen.
    bonded
        Raw covalent bonds of that frame as (i, j), an image each, shape (n_bonds, 2).
    settled
        Bonds of the settled assignment.
    pending
        Pairs that differ from it, with when they began to.
    touched
        What the settled molecules that they belong to were when they were first touched.
    variants
        The settled molecules of which geometry says what they are; see `aofl.chemistry.variants`.
    watched_fs
        When these were last looked at.
    raw
        How often each reaction happened in the raw assignment, written with generic names.
    n_events
        How many events there were.
    """

    frame: int
    time_fs: float
    bonded: IntArray
    settled: Pairs
    pending: Mapping[Pair, Toggle]
    touched: Mapping[Members, Species]
    variants: Mapping[Members, Variant]
    watched_fs: float
    raw: Mapping[str, int]
    n_events: int

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain data, for a checkpoint."""
        return {
            "frame": self.frame,
            "time_fs": self.time_fs,
            "bonded": self.bonded.tolist(),
            "settled": [list(pair) for pair in sorted(self.settled)],
            "pending": [
                [*pair, t.frame_before, t.frame, t.time_fs, t.height]
                for pair, t in sorted(self.pending.items())
            ],
            "touched": [
                [list(members), asdict(self.touched[members])] for members in sorted(self.touched)
            ],
            "variants": [
                [list(members), asdict(self.variants[members])] for members in sorted(self.variants)
            ],
            "watched_fs": self.watched_fs,
            "raw": dict(sorted(self.raw.items())),
            "n_events": self.n_events,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """Return the state that `to_json` wrote."""
        return cls(
            frame=state["frame"],
            time_fs=state["time_fs"],
            bonded=np.array(state["bonded"], dtype=np.int64).reshape(-1, 2),
            settled=frozenset((i, j) for i, j in state["settled"]),
            pending={(i, j): Toggle(*toggle) for i, j, *toggle in state["pending"]},
            touched={tuple(m): Species(**species) for m, species in state["touched"]},
            variants={tuple(m): _variant(v) for m, v in state["variants"]},
            watched_fs=state["watched_fs"],
            raw=dict(state["raw"]),
            n_events=state["n_events"],
        )


def _variant(state: Mapping[str, Any]) -> Variant:
    other, since = state["other"], state["since"]
    return Variant(
        Species(**state["species"]),
        Species(**other) if other else None,
        Toggle(**since) if since else None,
    )
