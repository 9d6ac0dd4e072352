"""One screen that says what an analysis found, from its `results.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

MOST_ROWS = 12


def render_analysis(results: Mapping[str, Any], files: Sequence[Path]) -> RenderableType:
    """Lay out the results of an analysis.

    Parameters
    ----------
    results
        The content of `results.json`.
    files
        What was written.
    """
    unit = "fs" if results["time_unit"] == "fs" else "frames"
    span = results["times"][-1] - results["times"][0]
    composition = " ".join(f"{e}{n}" for e, n in results["elements"].items())
    head = Text(f"{results['n_frames']} frames of {composition}, {span:g} {unit}")
    parts: list[RenderableType] = [head]
    for part in (_species(results), _events(results), _interphase(results), _motion(results)):
        if part is not None:
            parts += [Text(), part]
    parts += [Text(f"\nnote: {note}", style="yellow") for note in results["notes"]]
    if files:
        names = ", ".join(file.name for file in files)
        parts.append(Text(f"\nwritten to {files[0].parent}: {names}", style="dim"))
    return Panel(
        Group(*parts), title=Text(f"aofl analyse {results['source']}"), title_align="left",
        border_style="dim",
    )  # fmt: skip


def _species(results: Mapping[str, Any]) -> Table | None:
    first, last = results["species"][0], results["species"][-1]
    names = sorted(set(first) | set(last), key=lambda n: (-last.get(n, 0), n))
    if not names:
        return None
    table = _table("Molecules", "first frame", "last frame")
    for name in names[:MOST_ROWS]:
        changed = first.get(name, 0) != last.get(name, 0)
        style = "bold" if changed else ""
        table.add_row(Text(name, style=style), str(first.get(name, 0)), str(last.get(name, 0)))
    _and_more(table, len(names))
    return table


def _events(results: Mapping[str, Any]) -> Table | Text:
    events = [event for event in results["events"] if not event["exchange"]]
    counts = Counter(event["reaction"] for event in events)
    n = results["n_exchanges"]
    exchanges = f"exchanges that leave the same molecules, such as of a proton: {n}" if n else ""
    if not counts:
        return Text("no reactions" + (f"; {exchanges}" if exchanges else ""))
    seen = Counter(e["reaction"] for e in events if e["seen_by_reference"])
    first = {e["reaction"]: e["time"] for e in reversed(events)}
    is_known = any(e["seen_by_reference"] is not None for e in events)
    columns = ("events", f"first at, {results['time_unit']}", "seen by reference")
    table = _table("Reactions", *columns[: 3 if is_known else 2])
    for reaction, n in counts.most_common(MOST_ROWS):
        last = [f"{seen[reaction]} of {n}"] if is_known else []
        table.add_row(Text(reaction), str(n), f"{first[reaction]:g}", *last)
    _and_more(table, len(counts))
    if exchanges:
        table.add_row(Text(exchanges, style="dim"))
    return table


def _interphase(results: Mapping[str, Any]) -> Table | None:
    metal = {name: n for name, n in results["metal"].items() if n}
    rows: dict[str, str] = {}
    for motif, n in results["solids"].items():
        sizes = results["solid_clusters"][motif]
        rows[f"solid {motif}"] = f"{n} formula units, largest cluster {max(sizes)}"
    if results["coordinated_single_anions"]:
        rows["single anions on metal ions"] = str(results["coordinated_single_anions"])
    if metal:
        rows["metal atoms"] = ", ".join(f"{n} {name}" for name, n in metal.items())
        taken = f"{results['metal_consumed']} atoms, {results['electrons_taken']} electrons"
        rows["metal consumed"] = taken
    if results["gas"]:
        rows["gas"] = ", ".join(f"{n} {name}" for name, n in results["gas"].items())
    if not rows:
        return None
    table = _table("Interphase, last frame", "")
    for name, value in rows.items():
        table.add_row(Text(name), Text(value))
    return table


def _motion(results: Mapping[str, Any]) -> Table | None:
    if not results["diffusion"]:
        return None
    table = _table("Diffusion", "D, cm²/s", "error", "MSD ~ t^a")
    for element, value in results["diffusion"].items():
        style = "" if value["is_diffusive"] else "dim"
        table.add_row(
            Text(element),
            Text(f"{value['D_cm2_per_s']:.2g}", style=style),
            Text(f"{value['error_cm2_per_s']:.1g}", style=style),
            Text(f"{value['exponent']:.2f}", style=style),
        )
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column(Text(title, style="bold"))
    for column in columns:
        table.add_column(column)
    return table


def _and_more(table: Table, n: int) -> None:
    if n > MOST_ROWS:
        table.add_row(Text(f"and {n - MOST_ROWS} more", style="dim"))
