"""The plot of the reaction network: molecules and the reactions that join them.

A reaction and its reverse are one square; an arrow leads from what it uses to it, and from it to
what it makes, in the direction that was seen first. Species stand in the order in which they
appeared, from left to right, so the plot is the same each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from aofl.analysis.told_reactions import ReactionEvent
from aofl.report.figures.plot import BLUE, ORANGE, Panel, Plot, Trace

MOST_REACTIONS = 24
Sides = tuple[tuple[str, ...], tuple[str, ...]]
Place = tuple[float, float]


def network(reactions: Sequence[ReactionEvent]) -> Plot:
    """Draw the most frequent reactions and their molecules."""
    forward, backward, first = _counted(reactions)
    totals = {sides: forward[sides] + backward[sides] for sides in first}
    shown = sorted(totals, key=lambda sides: (-totals[sides], first[sides].time_fs))
    shown = sorted(shown[:MOST_REACTIONS], key=lambda sides: first[sides].time_fs)
    depth = _depths(shown)
    places = _places(shown, depth)
    squares = {sides: _middle(sides, places, k) for k, sides in enumerate(shown)}
    arrows = []
    for sides, square in squares.items():
        arrows += [(*places[name], *square) for name in dict.fromkeys(sides[0])]
        arrows += [(*square, *places[name]) for name in dict.fromkeys(sides[1])]
    names = list(places)
    words = [
        f"{first[sides].reaction}: {forward[sides]} forward, {backward[sides]} back"
        for sides in shown
    ]
    return Plot(
        name="network",
        panels=(Panel(is_bare=True),),
        traces=(
            Trace(
                name="molecule", x=[places[name][0] for name in names],
                y=[places[name][1] for name in names], colour=BLUE, style="points",
                texts=tuple(names), width=2.2,
            ),
            Trace(
                name="reaction and its reverse", x=[squares[sides][0] for sides in shown],
                y=[squares[sides][1] for sides in shown], colour=ORANGE, style="points",
                texts=tuple(words), times=tuple(first[sides].time_fs for sides in shown),
            ),
        ),
        arrows=tuple(arrows),
        height=170 + 46 * max(Counter(depth.values()).values()),
    )  # fmt: skip


def _counted(
    reactions: Sequence[ReactionEvent],
) -> tuple[Counter[Sides], Counter[Sides], dict[Sides, ReactionEvent]]:
    """Return how often each reaction ran forward and back, and its first event."""
    forward, backward = Counter[Sides](), Counter[Sides]()
    first: dict[Sides, ReactionEvent] = {}
    for event in reactions:
        sides = (tuple(sorted(event.reactants)), tuple(sorted(event.products)))
        if sides[::-1] in first:
            backward[sides[::-1]] += 1
        else:
            forward[sides] += 1
            first.setdefault(sides, event)
    return forward, backward, first


def _depths(shown: Sequence[Sides]) -> dict[str, int]:
    """Return in which column each molecule stands: one after those that it was first made of."""
    depth: dict[str, int] = {}
    for left, right in shown:
        for name in left:
            depth.setdefault(name, 0)
        after = 1 + max((depth[name] for name in left), default=0)
        for name in right:
            depth.setdefault(name, after)
    return depth


def _places(shown: Sequence[Sides], depth: dict[str, int]) -> dict[str, Place]:
    """Return where each molecule stands: columns are centred."""
    columns: dict[int, list[str]] = {}
    for name, column in depth.items():
        columns.setdefault(column, []).append(name)
    return {
        name: (2.0 * column, 0.5 * (len(names) - 1) - row)
        for column, names in columns.items()
        for row, name in enumerate(names)
    }


def _middle(sides: Sides, places: dict[str, Place], k: int) -> Place:
    """Return where a reaction stands: between its sides, a little off for those that coincide."""
    centres = [
        [sum(places[name][axis] for name in side) / len(side) for side in sides if side]
        for axis in (0, 1)
    ]
    x, y = (sum(values) / len(values) for values in centres)
    return x + 0.12 * ((k % 3) - 1), y + 0.16 * ((k % 5) - 2)
