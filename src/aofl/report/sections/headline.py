"""The first section: what ran, and the four figures that people ask for first."""

from __future__ import annotations

from collections.abc import Mapping

from aofl.analysis.accuracy import audit_accuracy, own_seconds, speedup_readings
from aofl.bayes.error_statistics import total
from aofl.report.data import RunData
from aofl.report.numbers import number
from aofl.report.page import Card, Section
from aofl.report.sections.chemistry import has_molecules

FEW_AUDITS = 5
MODES = {
    "aimd": "every force from the reference (AIMD)",
    "cofl": "conventional on-the-fly learning",
    "aofl": "accelerated on-the-fly learning",
    "mlff": "production with a frozen force field",
}
LEVEL_KEYS = ("name", "method", "functional", "xc", "code")
SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def headline(data: RunData) -> Section:
    """Section 1: the run in a sentence and in four cards."""
    return Section(
        id="headline",
        title=title(data),
        badge=str(data.summary.get("status", "unfinished")),
        text=(_what_ran(data), *_state(data)),
        cards=tuple(
            card for card in (_labelled(data), _error(data), _speed(data), _reactions(data)) if card
        ),
    )


def title(data: RunData) -> str:
    """Name the system and its temperature, as far as they are known."""
    system = "".join(data.elements)
    if data.start is not None:
        system = str(data.start.get_chemical_formula(mode="metal")).translate(SUBSCRIPT)
    temperature = number(data.run, "temperature_K")
    return " at ".join(
        part for part in (system or data.name, f"{temperature:g} K" if temperature else "") if part
    )


def steps_done(data: RunData) -> int:
    """Count the steps: from the summary, or else from the last recorded step."""
    recorded = int(data.thermo["step"][-1]) if len(data.thermo["step"]) else 0
    return max(int(number(data.summary, "steps") or 0), recorded)


def _what_ran(data: RunData) -> str:
    n_atoms, timestep = number(data.run, "n_atoms"), number(data.run, "timestep_fs")
    steps, target = steps_done(data), number(data.run, "steps")
    mode = str(data.run.get("mode", ""))
    parts = [
        f"{n_atoms:.0f} atoms" if n_atoms else "",
        f"{_grouped(steps)}{f' of {_grouped(target)}' if target else ''} steps"
        + (f" of {timestep:g} fs ({_span(steps * timestep)})" if timestep else ""),
        MODES.get(mode, mode),
    ]
    return f"{', '.join(part for part in parts if part)}. Reference: {_reference(data)}."


def _reference(data: RunData) -> str:
    level = data.run.get("level_of_theory")
    if isinstance(level, Mapping):
        names = [str(level[key]) for key in LEVEL_KEYS if level.get(key)]
        name = ", ".join(dict.fromkeys(names)) or "see provenance"
    else:
        name = str(level) if level else "not recorded"
    if data.run.get("semi_empirical"):
        return f"{name}, a semi-empirical method, not DFT"
    return name


def _state(data: RunData) -> tuple[str, ...]:
    reason = data.summary.get("reason")
    if data.summary.get("status") in ("stopped", "failed") and reason:
        return (f"The run ended early: {reason}",)
    if not data.summary:
        return ("The run has no summary: it was ended before it could write one.",)
    return ()


def _labelled(data: RunData) -> Card | None:
    steps = steps_done(data)
    labels = int(number(data.summary, "labels") or len(data.labels))
    fraction = number(data.summary, "label_fraction")
    if fraction is None and steps:
        fraction = labels / steps
    if fraction is None:
        return None
    skips = int(number(data.summary, "skips") or 0)
    notes: tuple[str, ...] = (f"{_grouped(labels)} labels in {_grouped(steps)} steps",)
    if skips:
        notes += (f"{_grouped(skips)} further calls skipped as known",)
    return Card(name="Steps labelled", value=f"{100 * fraction:.3g}", unit="%", notes=notes)


def _error(data: RunData) -> Card | None:
    if data.run.get("mode") == "aimd":
        return None
    audits = data.audits
    rmse = total(audit_accuracy(audits).values()).rmse
    if rmse is None:
        return Card(
            name="Force error on audits", value="\u2013", unit="", notes=("no audit frame yet",)
        )
    frames = f"RMSE on {len(audits)} audit frame{'s' if len(audits) > 1 else ''}"
    notes = (frames, "too few to rely on") if len(audits) < FEW_AUDITS else (frames,)
    return Card(name="Force error on audits", value=f"{1000 * rmse:.0f}", unit="meV/Å", notes=notes)


def _speed(data: RunData) -> Card | None:
    wall = data.summary.get("wall_s")
    own = own_seconds(wall) if isinstance(wall, Mapping) else None
    per_call, steps = number(data.summary, "aimd_step_s"), number(data.summary, "steps")
    if data.run.get("mode") == "aimd" or not own or not per_call or not steps:
        return None
    speed = speedup_readings(per_call * steps, own)
    readings: tuple[str, ...] = ("slower than AIMD so far",)
    if speed.factor >= 1:
        readings = (
            f"wall time down by {speed.wall_time_down_percent:.1f} %",
            f"rate up by {_grouped(speed.rate_up_percent)} %",
        )
    return Card(
        name="Speed-up over AIMD", value=f"{speed.factor:.3g}", unit="\u00d7", notes=readings
    )


def _reactions(data: RunData) -> Card | None:
    if not has_molecules(data):
        return None
    n = len(data.reactions)
    first = data.reactions[0] if n else None
    notes: tuple[str, ...] = ("no molecule has changed for good",)
    if first is not None:
        n_seen = sum(bool(event.is_seen) for event in data.reactions)
        notes = (
            f"first {first.reaction} at {first.time_fs:.0f} fs",
            f"the reference was asked within {n_seen} of them",
        )
    return Card(name="Reactions", value=str(n), unit="", notes=notes)


def _span(time_fs: float) -> str:
    return f"{time_fs:g} fs" if time_fs < 100 else f"{time_fs / 1000:.2f} ps"


def _grouped(count: float) -> str:
    """Write a count with thin spaces between the thousands."""
    return f"{count:,.0f}".replace(",", "\u202f")
