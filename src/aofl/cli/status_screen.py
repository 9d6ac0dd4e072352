"""One screen that says where a run stands, from its `summary.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from aofl.cli.live import clock_time

STATUS_STYLES = {
    "done": "bold green",
    "running": "bold blue",
    "failed": "bold red",
    "killed": "bold red",
}
PARTS = (
    "reference",
    "force_field",
    "uncertainty",
    "update",
    "chemistry",
    "compilation",
    "other",
)


def render_status(summary: dict[str, Any]) -> RenderableType:
    """Lay out the summary of a run; what is absent shows as a dash.

    Parameters
    ----------
    summary
        The content of `summary.json`.
    """
    status = str(summary.get("status", "unknown"))
    head = Text.assemble(
        (status, STATUS_STYLES.get(status, "bold yellow")),
        f"  {summary.get('mode', '')}",
        f"  stage {summary['stage']}" if "stage" in summary else "",
        (f"  {summary.get('reason') or ''}", "dim"),
    )
    # Two by two: four side by side do not fit the 80 columns of a plain terminal.
    groups = Table.grid(padding=(0, 4, 1, 0))
    tables = [_facts(title, facts) for title, facts in _groups(summary).items()]
    for pair in (tables[:2], tables[2:]):
        groups.add_row(*pair)
    return Panel(
        Group(head, Text(), groups),
        title=Text("aofl status"),
        subtitle=Text(f"updated {summary.get('updated', '-')}", style="dim"),
        title_align="left",
        subtitle_align="right",
        border_style="dim",
    )


def _groups(summary: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    wall = summary.get("wall_s") or {}
    fraction = summary.get("label_fraction")
    share = "-" if fraction is None else f"{100 * fraction:.2g}%"
    by_element = summary.get("audit_forces_rmse_by_element") or {}
    return {
        "Run": {
            "steps": f"{_number(summary, 'steps')} of {_number(summary, 'target_steps')}",
            "time": _number(summary, "time_fs", "{:.1f} fs"),
            "target": _target(summary),
            "threshold": _number(summary, "threshold_eV_per_A", "{:.3f} eV/Å"),
            "speed-up": _number(summary, "speedup", "{:.3g} x AIMD"),
            "AIMD step": _number(summary, "aimd_step_s", "{:.3g} s"),
        },
        "Decisions": {
            "labels": f"{_number(summary, 'labels')} ({share})",
            **_explored(summary),
            **{name: _number(summary, name) for name in ("skips", "audits")},
            "failed labels": _number(summary, "failed_labels"),
            "rewinds": _number(summary, "rewinds"),
            "  chemistry": _number(summary, "chemistry_rewinds"),
            "  surprise": _number(summary, "surprise_rewinds"),
        },
        "Audit force RMSE": {
            "all": _number(summary, "audit_forces_rmse", "{:.3f} eV/Å"),
            **{str(element): _number(by_element, element, "{:.3f} eV/Å") for element in by_element},
            "frames": _number(summary, "n_audit_frames"),
            "above target": _number(summary, "audits_above_target", "{:.0%} of frames"),
        },
        "Wall time": {
            part.replace("_", " "): clock_time(wall[part]) if part in wall else "-"
            for part in (*PARTS, "total")
        },
    }


def _explored(summary: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels that the run began with, where there were any."""
    found = summary.get("explored")
    if not isinstance(found, Mapping):
        return {}
    return {"  explored": f"{_number(found, 'labels')} ({_number(found, 'label_s', '{:.3g} s')})"}


def _target(summary: Mapping[str, Any]) -> str:
    """Write the target, and the word about it where it cannot be kept."""
    target, reached = (summary.get(f"{name}_eV_per_A") for name in ("target", "reached"))
    if target is None or reached is None or reached <= target:
        return _number(summary, "target_eV_per_A", "{:.3f} eV/Å")
    return f"{target:.3f} eV/Å, out of reach: {reached:.3f}"


def _facts(title: str, facts: Mapping[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row(Text(title, style="bold"))
    for name, value in facts.items():
        table.add_row(Text(name, style="dim"), Text(value))
    return table


def _number(values: Mapping[str, Any], key: str, form: str = "{}") -> str:
    value = values.get(key)
    return "-" if value is None else form.format(value)
