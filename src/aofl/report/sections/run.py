"""The sections of the report: plain functions of the run's data, each of which may have nothing.

A new section is a function `data -> Section | None` and its place in `SECTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from aofl.analysis.accuracy import audit_accuracy
from aofl.bayes.error_statistics import total
from aofl.plain import to_plain
from aofl.records import ErrorSums, Event, OtherEvent
from aofl.records.rule_names import RANDOM_AUDIT
from aofl.report.data import AUDIT_RULES, Decision, RunData
from aofl.report.events import number
from aofl.report.figures import run as figures
from aofl.report.near_reactions import WINDOW_FS, audits_by_chemistry
from aofl.report.page import Illustration, Section, Table, counted
from aofl.report.sections.chemistry import chemistry
from aofl.report.sections.headline import FEW_AUDITS, headline
from aofl.report.sections.interphase import interphase
from aofl.report.sections.reaction_pictures import reaction_pictures
from aofl.report.sections.stages import stages

FIRST, LAST, MOST_ROWS = 6, 10, 40


def energy_and_temperature(data: RunData) -> Section | None:
    """Section 2: is the dynamics sound."""
    if not len(data.thermo["time_fs"]):
        return None
    return Section(
        id="dynamics",
        title="Energy and temperature",
        figures=(
            Illustration(
                drawing=figures.energy_and_temperature(
                    data.thermo, number(data.run, "temperature_K")
                ),
                label="Potential energy and temperature over time",
                caption="The thin line is every recorded step, the thick one a running mean: a "
                "sound run levels off, and a reaction shows as a lasting step in the energy. "
                "Corrected means without the jumps at labels and updates; with the kinetic energy "
                "added it is conserved where there is no thermostat.",
            ),
        ),
    )


def error_over_time(data: RunData) -> Section | None:
    """Section 3: what the model believes of itself, and what labels then showed."""
    if not np.isfinite(data.thermo["predicted_error_eV_per_A"]).any():
        return None
    return Section(
        id="error",
        title="Estimated and true force error",
        figures=(
            Illustration(
                drawing=figures.error_over_time(data.thermo, data.decisions, AUDIT_RULES),
                label="Calibrated error estimate, threshold and true errors over time",
                caption="The line is the model's calibrated estimate of its force error; marks "
                "are the largest error of an atom (rms over x, y, z) when the reference was asked: "
                "where the estimate is honest, few marks lie far above the line.",
            ),
        ),
    )


def reference_calls(data: RunData) -> Section | None:
    """Section 4: when the reference was asked, and when a call was spared."""
    if not data.decisions:
        return None
    calls = "Semi-empirical reference" if data.run.get("semi_empirical") else "DFT"
    last = data.thermo["time_fs"][-1] if len(data.thermo["time_fs"]) else 0.0
    return Section(
        id="calls",
        title=f"{calls} calls and skips",
        figures=(
            Illustration(
                drawing=figures.calls_over_time(data.decisions, data.bonds, float(last)),
                label="Cumulative reference calls by rule and skips over time",
                caption="Each tick is one decision, each curve counts them: a curve that flattens "
                "means the model has learned what it meets, and steps beside a bond event mean "
                "that the chemistry was new to it.",
            ),
        ),
    )


def accuracy(data: RunData) -> Section | None:
    """Section 5: the only figures of accuracy, from audit frames."""
    if data.run.get("mode") == "aimd":
        return None
    audits = data.audits
    if not audits:
        text = "No audit frame was recorded yet, so the accuracy of this run is not known."
        return Section(id="accuracy", title="Accuracy on audits", text=(text,))
    sums = audit_accuracy(audits)
    return Section(
        id="accuracy",
        title="Accuracy on audits",
        text=_how_far_to_trust(data),
        figures=(
            Illustration(
                drawing=figures.parity(audits, list(sums)),
                label="Predicted against reference forces per element",
                caption="Each point is one force component of an audit frame, as predicted before "
                "it was learned; on the diagonal, prediction and reference agree.",
            ),
        ),
        tables=(_error_table({**sums, "all": total(sums.values())}), *_quiet_and_reactive(data)),
    )


def cost_split(data: RunData) -> Section | None:
    """Section 6: where the wall time went, and what AIMD would have taken."""
    wall = data.summary.get("wall_s")
    parts = {part: number(wall, part) or 0.0 for part in figures.PARTS} if wall else {}
    if not sum(parts.values()):
        return None
    per_call, steps = number(data.summary, "aimd_step_s"), number(data.summary, "steps")
    aimd = per_call * steps if per_call and steps else None
    basis = f"{per_call or 0:.2g} s, the lower decile of the calls, times {steps or 0:.0f} steps"
    return Section(
        id="cost",
        title="Cost",
        figures=(
            Illustration(
                drawing=figures.cost(parts, aimd),
                label="Wall time by part, and the AIMD estimate",
                caption="The first bar is the wall time of this run by what it was spent on"
                + (f"; AIMD of the same steps is estimated as {basis}." if aimd else "."),
            ),
        ),
    )


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


SECTIONS: tuple[Callable[[RunData], Section | None], ...] = (
    headline,
    energy_and_temperature,
    error_over_time,
    reference_calls,
    accuracy,
    cost_split,
    chemistry,
    reaction_pictures,
    interphase,
    stages,
    ledger,
    provenance,
)

TROUBLES = (
    "resumed", "label_failed", "label_rejected", "rewind", "drift", "uncertain", "stopped"
)  # fmt: skip


def _how_far_to_trust(data: RunData) -> tuple[str, ...]:
    """Say what the audit figures rest on."""
    n_audits = len(data.audits)
    n_random = sum(a.info.get("aofl_rule") == RANDOM_AUDIT for a in data.labels)
    basis = (
        f"{n_audits} audit frame{'s' if n_audits > 1 else ''}, {n_random} of them drawn at "
        "random: chosen without looking at their own error, and predicted before they were "
        "learned. Frames that a rule asked for are the hard ones and are not counted here."
    )
    if n_audits < FEW_AUDITS:
        return (f"Fewer than {FEW_AUDITS} audit frames: read the figures as a first hint.", basis)
    return (basis,)


def _error_table(sums: Mapping[str, ErrorSums]) -> Table:
    return Table(
        caption="Force errors on audit frames, meV/Å",
        columns=("element", "RMSE", "MAE", "largest", "components"),
        rows=tuple(
            (
                e,
                f"{1e3 * (s.rmse or 0):.0f}",
                f"{1e3 * (s.mae or 0):.0f}",
                f"{1e3 * s.max:.0f}",
                s.n,
            )
            for e, s in sums.items()
        ),
    )


def _quiet_and_reactive(data: RunData) -> tuple[Table, ...]:
    """Return the audits apart by whether a reaction was near, if any has its errors on record."""
    parts = [part for part in audits_by_chemistry(data) if part.n_frames]
    if not parts:
        return ()
    return (
        Table(
            caption=f"Audits within {WINDOW_FS:g} fs of a reaction, and the others",
            columns=("part of the run", "frames", "RMSE, meV/Å", "inside the 90 % interval"),
            rows=tuple(
                (p.name, p.n_frames, f"{1e3 * (p.sums.rmse or 0):.0f}", percent(p.coverage))
                for p in parts
            ),
        ),
    )


def percent(share: float | None) -> str:
    """Write a share as percent, a dash where it is not known."""
    return "\u2013" if share is None else f"{100 * share:.0f} %"


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
    said = {k: v for k, v in told.items() if k not in ("step", "time_fs", "event")}
    message = said.pop("message", said.pop("reason", ""))
    rest = ", ".join(f"{name} {value}" for name, value in said.items())
    text = "; ".join(str(part) for part in (message, rest) if part)
    return (told.get("step", ""), event.event.replace("_", " "), text)


def _flat(prefix: str, values: object) -> dict[str, object]:
    if not isinstance(values, Mapping):
        return {}
    return {f"{prefix}{str(key).replace('_', ' ')}": value for key, value in values.items()}
