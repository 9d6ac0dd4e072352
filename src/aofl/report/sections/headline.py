"""The first section: what ran, the answers in words, and the four figures behind them."""

from __future__ import annotations

from aofl.analysis.accuracy import audit_accuracy
from aofl.bayes.error_statistics import total
from aofl.report.data import RunData
from aofl.report.numbers import number
from aofl.report.page import Card, Section
from aofl.report.sections.answers import answers, reference_in_words, speed_up
from aofl.report.sections.chemistry import exchange_word, has_molecules
from aofl.report.verdict import FEW_AUDITS

MODES = {
    "aimd": "every force from the reference (AIMD)",
    "cofl": "conventional on-the-fly learning",
    "aofl": "accelerated on-the-fly learning",
    "mlff": "production with a frozen force field",
}
SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def headline(data: RunData) -> Section:
    """Section 1: the run in a sentence and in four cards."""
    return Section(
        id="headline",
        title=title(data),
        badge=str(data.summary.get("status", "unfinished")),
        text=(_what_ran(data), *_state(data)),
        answers=answers(data),
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


def _what_ran(data: RunData) -> str:
    n_atoms, timestep = number(data.run, "n_atoms"), number(data.run, "timestep_fs")
    steps, target = data.steps, number(data.run, "steps")
    mode = str(data.run.get("mode", ""))
    parts = [
        f"{n_atoms:.0f} atoms" if n_atoms else "",
        f"{_grouped(steps)}{f' of {_grouped(target)}' if target else ''} steps"
        + (f" of {timestep:g} fs ({_span(steps * timestep)})" if timestep else ""),
        MODES.get(mode, mode),
    ]
    return f"{', '.join(part for part in parts if part)}. Reference: {reference_in_words(data)}."


def _state(data: RunData) -> tuple[str, ...]:
    reason = data.summary.get("reason")
    if data.summary.get("status") in ("stopped", "failed") and reason:
        return (f"The run ended early: {reason}",)
    if not data.summary:
        return ("The run has no summary: it was ended before it could write one.",)
    return ()


def _labelled(data: RunData) -> Card | None:
    steps = data.steps
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
    speed = speed_up(data)
    if speed is None:
        return None
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
    if n_exchanges := len(data.exchanges):
        word = exchange_word(data)
        notes += (f"and {n_exchanges} {word}{'s' if n_exchanges > 1 else ''}",)
    return Card(name="Reactions", value=str(n), unit="", notes=notes)


def _span(time_fs: float) -> str:
    return f"{time_fs:g} fs" if time_fs < 100 else f"{time_fs / 1000:.2f} ps"


def _grouped(count: float) -> str:
    """Write a count with thin spaces between the thousands."""
    return f"{count:,.0f}".replace(",", "\u202f")
