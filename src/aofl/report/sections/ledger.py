"""The section on the ledger: decisions with their reasons, and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from aofl.plain import to_plain
from aofl.records import Event, OtherEvent
from aofl.records.events import Resumed
from aofl.report.data import Decision, RunData
from aofl.report.page import Section, Table, counted

FIRST, LAST, MOST_ROWS = 6, 10, 40
TROUBLES = (
    "resumed", "label_failed", "label_rejected", "rewind", "drift", "target", "excursion",
    "start_doubted", "uncertain", "stopped",
)  # fmt: skip


def ledger(data: RunData) -> Section | None:
    """Section 10: the decisions with their reasons, and what went wrong."""
    tables = []
    if data.decisions:
        tables.append(_decision_table("Decisions", data.decisions))
    rewinds = [d for d in data.decisions if d.action == "rewind"]
    if rewinds:
        tables.append(_decision_table("Rewinds", rewinds))
    troubles = [event for event in data.events if event.event in TROUBLES]
    if troubles:
        rows = [_trouble_row(event) for event in troubles[-MOST_ROWS:]]
        tables.append(
            Table(
                caption=counted("Failures and other events", len(troubles), len(rows)),
                columns=("step", "event", "what was said"),
                rows=tuple(rows),
            )
        )
    return Section(id="ledger", title="Ledger", tables=tuple(tables)) if tables else None


def _decision_table(title: str, decisions: Sequence[Decision]) -> Table:
    shown = list(decisions)
    if len(shown) > FIRST + LAST:
        shown = shown[:FIRST] + shown[-LAST:]
    return Table(
        caption=counted(title, len(decisions), len(shown)),
        columns=("step", "action", "rule", "reason"),
        rows=tuple((d.step, d.action, d.rule.replace("_", " "), d.reason) for d in shown),
    )


def _trouble_row(event: Event | OtherEvent) -> tuple[object, ...]:
    told = event.said if isinstance(event, OtherEvent) else to_plain(event)
    if isinstance(event, Resumed):
        changed = [f"{name} {before} -> {now}" for name, (before, now) in event.changed.items()]
        return (event.step, event.event, ", ".join(changed))
    said = {k: v for k, v in told.items() if k not in ("step", "time_fs", "event")}
    message = said.pop("message", said.pop("reason", ""))
    rest = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in said.items())
    text = "; ".join(str(part) for part in (message, rest) if part)
    return (told.get("step", ""), event.event.replace("_", " "), text)
