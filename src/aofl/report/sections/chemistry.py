"""The section on what reacted: molecules over time, each reaction, and how often it was seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from aofl.analysis.told_reactions import ReactionEvent
from aofl.chemistry.limits import NON_METALS
from aofl.report.data import RunData
from aofl.report.figures.network import MOST_REACTIONS, network
from aofl.report.page import Illustration, Moment, Section, Table, counted

MOST_ROWS, MOST_KINDS = 40, 6
NONE = "No reaction is certain."


def chemistry(data: RunData) -> Section | None:
    """Section 7: the reactions, where there are atoms that can have covalent bonds."""
    if not has_molecules(data):
        return None
    return Section(
        id="chemistry",
        title="Chemistry",
        figures=_figures(data),
        tables=(_summary(data), _each(data)) if data.reactions else (),
        text=_text(data),
    )


def has_molecules(data: RunData) -> bool:
    """Tell whether the run follows molecules: it has non-metals, and has looked at them."""
    return bool(data.molecules) and not NON_METALS.isdisjoint(data.elements)


def _figures(data: RunData) -> tuple[Illustration, ...]:
    """Return the network of the reactions; none without a reaction."""
    if not data.reactions:
        return ()
    drawn = Illustration(
        drawing=network(data.reactions),
        label="Network of reactions and molecules",
        caption="A square is a reaction with its reverse, told under the pointer; arrows lead from "
        "what it used when it was seen first to what it made. A click on a square shows that in "
        f"the trajectory. Up to {MOST_REACTIONS} reactions, the most frequent ones, are shown.",
    )
    return (drawn,)


def _text(data: RunData) -> tuple[str, ...]:
    lines = [f"Molecules at the start: {_listed(data.molecules)}."]
    lines.append(f"After the reactions: {_listed(after(data))}." if data.reactions else NONE)
    lines += _exchanges(data)
    n_lasting = sum(event.n_bonds for event in data.changes)
    n_passing = len(data.bonds) - n_lasting
    if n_passing > 0:
        changes = "bond change" if n_passing == 1 else "bond changes"
        lines.append(
            f"{n_passing} further {changes} did not last long enough, or came too late in the "
            "run, to be counted as a reaction."
        )
    return tuple(lines)


def _listed(molecules: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in molecules.items()) or "none"


def _exchanges(data: RunData) -> list[str]:
    """Tell of the exchanges by kind, none where there are none."""
    if not data.exchanges:
        return []
    kinds = Counter(event.reaction for event in data.exchanges)
    told = ", ".join(f"{name} ({n})" for name, n in kinds.most_common(MOST_KINDS))
    more = f" and {len(kinds) - MOST_KINDS} kinds more" if len(kinds) > MOST_KINDS else ""
    word = exchange_word(data)
    return [f"{word[0].upper()}{word[1:]}s, not counted as reactions: {told}{more}."]


def exchange_word(data: RunData) -> str:
    """Return "proton exchange" if only hydrogen changed partners in every one, else "exchange"."""
    symbols = data.symbols
    pairs = [pair for event in data.exchanges for pair in (*event.broken, *event.formed)]
    is_proton = bool(pairs) and all(
        any(atom < len(symbols) and symbols[atom] == "H" for atom in pair) for pair in pairs
    )
    return "proton exchange" if is_proton else "exchange"


def after(data: RunData) -> dict[str, int]:
    """Return the molecules that the reactions leave."""
    counts = Counter(data.molecules)
    for event in data.reactions:
        counts.subtract(event.reactants)
        counts.update(event.products)
    return {name: n for name, n in sorted(counts.items()) if n > 0}


def _summary(data: RunData) -> Table:
    groups: dict[str, list[ReactionEvent]] = {}
    for event in data.reactions:
        groups.setdefault(event.reaction, []).append(event)
    is_known = any(event.is_seen is not None for event in data.reactions)
    seen = (f"{seen_by(data)}, times",) if is_known else ()
    rows = tuple(
        (
            name,
            len(events),
            Moment(text=f"{events[0].time_fs:.0f}", time=events[0].time_fs),
            *([sum(bool(e.is_seen) for e in events)] if seen else []),
        )
        for name, events in groups.items()
    )
    return Table(
        caption="Reactions by kind",
        columns=("reaction", "times", f"first at, {data.time_unit}", *seen),
        rows=rows,
    )


def _each(data: RunData) -> Table:
    events: Sequence[ReactionEvent] = data.reactions[:MOST_ROWS]
    to_metal = data.course.to_metal if data.course is not None else ()
    columns: dict[str, list[object]] = {  # what matters most comes first: phones show no more
        f"time, {data.time_unit}": [
            Moment(text=f"{event.time_fs:.1f}", time=event.time_fs) for event in events
        ],
        "reaction": [event.reaction for event in events],
        "far too hot": ["yes" if event.is_hot else "" for event in events],
        seen_by(data): [{True: "yes", False: "no", None: ""}[e.is_seen] for e in events],
        "from the metal, Å": [_number(one) for one in to_metal[: len(events)]],
        "electrons taken up": ["" if e.electrons is None else e.electrons for e in events],
        "height, Å": [_number(event.height) for event in events],
        "step": [event.step for event in events],
    }
    shown = {name: cells for name, cells in columns.items() if any(cell != "" for cell in cells)}
    return Table(
        caption=counted("Reactions", len(data.reactions), len(events)),
        columns=tuple(shown),
        rows=tuple(zip(*shown.values(), strict=True)),
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def seen_by(data: RunData) -> str:
    """Say who was asked, as the reference is DFT or not."""
    is_dft = bool(data.run) and not data.run.get("semi_empirical")
    return "seen by DFT" if is_dft else "seen by the reference"
