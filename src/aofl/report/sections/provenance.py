"""The section on the provenance: what is needed to do it again."""

from __future__ import annotations

from collections.abc import Mapping

from aofl.report.data import RunData
from aofl.report.page import Section, Table


def provenance(data: RunData) -> Section | None:
    """Section 11: what is needed to do it again."""
    run = data.run
    level = run.get("level_of_theory")
    facts = {
        "Created": run.get("created"),
        "Updated": data.summary.get("updated"),
        "Mode": run.get("mode"),
        "Seed": run.get("seed"),
        "Timestep, fs": run.get("timestep_fs"),
        "aofl": run.get("aofl"),
        "Python": run.get("python"),
        **_flat("", run.get("versions")),
        **(_flat("Level of theory: ", level) if isinstance(level, Mapping) else {"Level": level}),
    }
    rows = tuple((name, str(value)) for name, value in facts.items() if value is not None)
    table = Table(
        caption="Versions, seed and level of theory", columns=("item", "value"), rows=rows
    )
    return Section(
        id="provenance",
        title="Provenance",
        text=data.notes,
        tables=(table,) if rows else (),
        listing=data.config,
        listing_title="Resolved configuration (config.yaml)",
    )


def _flat(prefix: str, values: object) -> dict[str, object]:
    """Return a row for each value, those of mappings within too."""
    if not isinstance(values, Mapping):
        return {}
    found: dict[str, object] = {}
    for key, value in values.items():
        inner = _flat(prefix, value)
        found |= inner or {f"{prefix}{str(key).replace('_', ' ')}": value}
    return found
