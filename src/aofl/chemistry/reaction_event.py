"""One elementary reaction: what it was before and after, where, when, and whether it adds up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aofl.chemistry.species import Pair, Species


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A reaction between two assignments of atoms to molecules that both lived long enough.

    Attributes
    ----------
    reactants, products
        Sorted by name, one entry for each molecule.
    broken, formed
        Covalent bonds as pairs of atoms.
    frame_before
        The last frame in which nothing of it had happened yet.
    frame, time_fs
        The first frame, and its time, in which all of it had happened.
    began_fs
        Time of the first frame in which some of it had happened.
    height
        Mean height of the bonds that changed along the surface normal, Å; None where the cell has
        no surface.
    seen_by_reference
        Whether a label was made between `frame_before` and the moment the event was certain; None
        where that is not known.
    """

    reactants: tuple[Species, ...]
    products: tuple[Species, ...]
    broken: tuple[Pair, ...]
    formed: tuple[Pair, ...]
    frame_before: int
    frame: int
    time_fs: float
    began_fs: float
    height: float | None = None
    seen_by_reference: bool | None = None

    @property
    def reaction(self) -> str:
        """The reaction as it is written, such as "H- + H2O -> H2 + OH-"."""
        return reaction(self.reactants, self.products)

    @property
    def is_atom_balanced(self) -> bool:
        """Whether both sides have the same atoms."""
        return _elements(self.reactants) == _elements(self.products)

    @property
    def electrons(self) -> int | None:
        """Electrons taken up by the molecules, from the metal; None if a charge is not known.

        Charge balance: sum of charges before - electrons = sum of charges after.
        """
        before = [species.charge for species in self.reactants]
        after = [species.charge for species in self.products]
        if None in before or None in after:
            return None
        return sum(q for q in before if q is not None) - sum(q for q in after if q is not None)

    def to_json(self) -> dict[str, Any]:
        """Return the event as plain data, as it stands in `events.jsonl` and `results.json`."""
        return {
            "reaction": self.reaction,
            "reactants": [species.name for species in self.reactants],
            "products": [species.name for species in self.products],
            "reactant_keys": [species.key for species in self.reactants],
            "product_keys": [species.key for species in self.products],
            "broken": [list(pair) for pair in self.broken],
            "formed": [list(pair) for pair in self.formed],
            "time_fs": self.time_fs,
            "began_fs": self.began_fs,
            "frame_before": self.frame_before,
            "frame": self.frame,
            "height_A": self.height,
            "atoms_balanced": self.is_atom_balanced,
            "electrons": self.electrons,
            "seen_by_reference": self.seen_by_reference,
        }


def reaction(reactants: Iterable[Species], products: Iterable[Species]) -> str:
    """Write a reaction; isomers without a name of their own carry four digits of their key."""
    left, right = list(reactants), list(products)
    keys: dict[str, set[str]] = {}
    for species in (*left, *right):
        keys.setdefault(species.name, set()).add(species.key)
    doubtful = {name for name, found in keys.items() if len(found) > 1}
    return f"{_side(left, doubtful)} -> {_side(right, doubtful)}"


def is_exchange(written: str) -> bool:
    """Tell whether a written reaction has the same molecules on both sides.

    A proton that goes from H2O to OH- is such an exchange: bonds change, what there is does not.
    """
    left, arrow, right = written.partition(" -> ")
    return bool(arrow) and left == right


def mark_seen(events: Sequence[Event], labels: Iterable[int], window: int) -> list[Event]:
    """Say of each event whether a label was made within it.

    Parameters
    ----------
    labels
        Frames (or steps, as in the events) at which labels were made.
    window
        How many frames after the event it took to be certain of it.
    """
    frames = np.sort(np.fromiter(labels, dtype=np.int64))
    marked = []
    for event in events:
        first, last = np.searchsorted(frames, [event.frame_before, event.frame + window + 1])
        marked.append(replace(event, seen_by_reference=bool(last > first)))
    return marked


def _side(species: Sequence[Species], doubtful: set[str]) -> str:
    names = sorted(
        f"{s.name} [{s.key.partition(':')[2][:4]}]" if s.name in doubtful else s.name
        for s in species
    )
    return " + ".join(f"{n} {name}" if n > 1 else name for name, n in Counter(names).items())


def _elements(species: Iterable[Species]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in species:
        for symbol, number in re.findall(r"([A-Z][a-z]?)(\d*)", one.formula):
            counts[symbol] += int(number or 1)
    return counts
