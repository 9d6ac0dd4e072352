"""`aofl doctor`: what is installed, and how to get what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from aofl.cli.results import AsJson, print_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from aofl.reference.installed import Finding

BROKEN = 1


def doctor(
    as_json: AsJson = False,
) -> None:
    """Say which codes, libraries and data are found, and how to get what is missing."""
    from aofl import api

    found = api.doctor()
    is_whole = all(finding.is_found for finding in found if finding.group == "core")
    if as_json:
        findings = [finding.to_json() for finding in found]
        print_json({"core_is_whole": is_whole, "findings": findings})
    else:
        from rich.console import Console

        Console().print(render(found))
    if not is_whole:
        raise typer.Exit(BROKEN)


def render(found: list[Finding]) -> RenderableType:
    """Lay out the findings, group by group, and then what would install the missing ones."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    group = None
    for finding in found:
        if finding.group != group:
            group = finding.group
            table.add_row("", Text(f"{group}", style="bold"), "", "")
        mark = Text("✓", style="green") if finding.is_found else Text("-", style="yellow")
        where = finding.where if finding.group != "core" else None  # deep in the environment
        facts = "; ".join(filter(None, (finding.note, where)))
        table.add_row(mark, finding.name, finding.version or "", Text(facts, style="dim"))
    wanted = [finding for finding in found if finding.install]
    advice = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    advice.add_column(no_wrap=True)
    advice.add_column(overflow="fold")
    for finding in wanted:
        advice.add_row(finding.name, Text(finding.install or ""))
    if not wanted:
        return table
    title = Text("how to get what is missing (one reference code is enough)", style="bold")
    return Group(table, Text(), title, Padding(advice, (0, 0, 0, 2)))
