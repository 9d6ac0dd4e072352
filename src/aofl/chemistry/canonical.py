"""A canonical key for a small labelled graph: equal for equal molecules, whatever their order.

Colour refinement (B. Weisfeiler and A. Leman, 1968): each atom starts with its element and the
elements found at each bond distance from it, then takes in its neighbours' colours until no
further atoms are told apart. The start with distances, and a second refinement with each
representative atom marked in turn, separate what plain refinement confuses, such as decalin and
bicyclopentyl. Mirror images and conformers are the same graph and have the same key.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

from ase.data import chemical_symbols

MARKED_UP_TO = 120  # atoms; the second refinement costs n refinements

Adjacency = list[list[int]]


def hill_formula(numbers: Iterable[int]) -> str:
    """Return the formula in Hill order: C, H, then the others by alphabet; without C all so."""
    counts = Counter(chemical_symbols[z] for z in numbers)
    first = [symbol for symbol in ("C", "H") if "C" in counts and symbol in counts]
    order = [*first, *sorted(set(counts) - set(first))]
    return "".join(f"{symbol}{counts[symbol] if counts[symbol] > 1 else ''}" for symbol in order)


def graph_key(numbers: Sequence[int], edges: Iterable[tuple[int, int]]) -> str:
    """Return the key of a molecule: its formula, a colon and ten digits from its bonds.

    Parameters
    ----------
    numbers
        Atomic numbers.
    edges
        Bonded pairs as positions in `numbers`.
    """
    near: Adjacency = [[] for _ in numbers]
    for i, j in edges:
        near[i].append(j)
        near[j].append(i)
    colours = _refine([_surroundings(i, numbers, near) for i in range(len(numbers))], near)
    marked = []
    if len(numbers) <= MARKED_UP_TO:
        counts = Counter(colours)
        for colour in sorted(counts):
            k = colours.index(colour)
            start = [f"{c}{'*' if i == k else ''}" for i, c in enumerate(colours)]
            marked.append(f"{colour}x{counts[colour]}:{_sorted(_refine(start, near))}")
    return f"{hill_formula(numbers)}:{_digest(_sorted(colours) + ';'.join(marked), 5)}"


def _surroundings(start: int, numbers: Sequence[int], near: Adjacency) -> str:
    """Write down the elements at each bond distance from an atom, nearest first."""
    seen, shell, parts = {start}, [start], []
    while shell:
        parts.append(",".join(str(z) for z in sorted(numbers[i] for i in shell)))
        shell = sorted({j for i in shell for j in near[i]} - seen)
        seen.update(shell)
    return "|".join(parts)


def _refine(start: Sequence[str], near: Adjacency) -> list[str]:
    colours = [_digest(text, 8) for text in start]
    n_colours = 0
    while len(set(colours)) > n_colours:
        n_colours = len(set(colours))
        colours = [
            _digest(colours[i] + _sorted(colours[j] for j in near[i]), 8)
            for i in range(len(colours))
        ]
    return colours


def _sorted(colours: Iterable[str]) -> str:
    return ",".join(sorted(colours))


def _digest(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()
