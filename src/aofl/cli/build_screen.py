"""The screen of `aofl build`: what was asked for and got."""

from __future__ import annotations

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table

from aofl.system import System, summary_lines


def render_system(system: System) -> RenderableType:
    """Return the summary of a built structure for a terminal."""
    atoms = system.atoms
    cell = " x ".join(f"{length:.2f}" for length in atoms.cell.lengths())
    n_frozen = len({int(i) for one in atoms.constraints for i in one.get_indices()})
    head = f"{atoms.get_chemical_formula()}, {len(atoms)} atoms, {cell} Å, {n_frozen} frozen"
    found = summary_lines(system)
    if not found:
        return head
    table = Table(box=SIMPLE)
    table.add_column("", no_wrap=True)
    for name in ("number", "asked", "got"):
        table.add_column(name, justify="right")
    table.add_column("unit", no_wrap=True)
    for line in found:
        table.add_row(
            line.name,
            "" if line.count is None else str(line.count),
            "" if line.asked is None else f"{line.asked:.3f}",
            f"{line.got:.3f}",
            line.unit,
        )
    return Group(head, table)
