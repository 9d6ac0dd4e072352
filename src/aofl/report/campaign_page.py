"""The page on a campaign: its walkers, their cost and accuracy, and what happened in all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aofl.analysis.pooled import Pooled, PooledReaction, Story, pooled
from aofl.analysis.rates import Rate, Turnover
from aofl.bayes.error_statistics import total
from aofl.records import LEARNING_MODES, ErrorSums
from aofl.report.data import AUDIT_RULES, RunData
from aofl.report.figures.compare import labels_over_time
from aofl.report.figures.cost import wall_times
from aofl.report.numbers import number
from aofl.report.page import Card, Illustration, Link, Section, Table, counted, render
from aofl.report.sections.headline import title

DASH = "\u2013"
MOST_EVENTS = 60
RESTS_ON = "from the run directories of the walkers. Accuracy is quoted on audit frames only"
UNKNOWN = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """One walker of the page; `data` is None before it has begun, `group` as in `Story`."""

    name: str
    group: str
    report: str
    data: RunData | None


def story_of(walker: Walker) -> Story | None:
    """Return what happened in a walker as its events tell it; None before it has begun."""
    data = walker.data
    if data is None:
        return None
    return Story(
        name=walker.name,
        group=walker.group,
        initial=data.molecules,
        events=tuple(
            Turnover(time_fs=e.time_fs, reaction=e.reaction, used=e.reactants, made=e.products)
            for e in data.reactions
        ),
        start_fs=0.0,
        end_fs=number(data.summary, "time_fs") or 0.0,
    )


def campaign_record(walkers: Sequence[Walker], status: str) -> dict[str, Any]:
    """Return the figures of a campaign as plain data."""
    begun = [walker.data for walker in walkers if walker.data is not None]
    found = _together(walkers)
    return {
        "status": status,
        "walkers": len(walkers),
        "time_ps": 1e-3 * sum(number(data.summary, "time_fs") or 0.0 for data in begun),
        "labels": sum(int(number(data.summary, "labels") or 0) for data in begun),
        "audit_rmse": _audits(begun)[0].rmse,
        "audit_frames": _audits(begun)[1],
        "reactions_seen": sum(len(data.reactions) for data in begun),
        **found.to_json(),
    }


def campaign_page(walkers: Sequence[Walker], status: str, name: str) -> str:
    """Return the page as HTML that needs no network; it links to the pages of the walkers."""
    record, found = campaign_record(walkers, status), _together(walkers)
    begun = {w.name: w.data for w in walkers if w.data is not None}
    sections = [
        _headline(walkers, record, status),
        Section(id="walkers", title="Walkers", tables=(_walkers(walkers),)),
        _cost(begun),
        _chemistry(walkers, found),
    ]
    version = next((str(data.run.get("aofl", "")) for data in begun.values()), "")
    return render(sections, name=name, version=version, rests_on=RESTS_ON)


def _together(walkers: Sequence[Walker]) -> Pooled:
    return pooled([story for walker in walkers if (story := story_of(walker)) is not None])


def _audits(runs: Sequence[RunData]) -> tuple[ErrorSums, int]:
    audits = [d for data in runs for d in data.decisions if d.rule in AUDIT_RULES and d.errors]
    return total(part for audit in audits for part in audit.errors.values()), len(audits)


def _headline(walkers: Sequence[Walker], record: Mapping[str, Any], status: str) -> Section:
    begun = [walker.data for walker in walkers if walker.data is not None]
    groups = list(dict.fromkeys(walker.group for walker in walkers if walker.group))
    full = [title(data) for data in begun]
    titles = dict.fromkeys(one.partition(" at ")[0] if groups else one for one in full)
    is_shared = any(data.run.get("mode") in LEARNING_MODES for data in begun)
    shared = "; labels are shared between them" if is_shared else ""
    differ = f"Conditions: {', '.join(groups)}." if groups else ""
    rmse = record["audit_rmse"]
    return Section(
        id="headline",
        title=f"{len(walkers)} walkers: {', '.join(titles) or 'none has begun'}",
        badge=status,
        text=tuple(line for line in (differ, f"Each is a run of its own{shared}.") if line),
        cards=(
            Card(name="Simulated time", value=f"{record['time_ps']:.3g}", unit="ps", notes=()),
            Card(name="Labels", value=f"{record['labels']}", unit="", notes=()),
            Card(
                name="Force error",
                value=DASH if rmse is None else f"{1e3 * rmse:.0f}",
                unit="meV/Å",
                notes=(f"RMSE over {record['audit_frames']} audits of all walkers",),
            ),
            Card(name="Reactions", value=f"{record['reactions_seen']}", unit="", notes=()),
        ),
    )


def _walkers(walkers: Sequence[Walker]) -> Table:
    return Table(
        caption="Where each stands",
        columns=("walker", "differs in", "status", "steps", "time, ps", "labels",
                 "audit RMSE, meV/Å", "audits", "reactions"),
        rows=tuple(_row(walker) for walker in walkers),
    )  # fmt: skip


def _row(walker: Walker) -> tuple[object, ...]:
    data = walker.data
    if data is None:
        return (walker.name, walker.group, UNKNOWN, *[DASH] * 6)
    sums, frames = _audits([data])
    link = Link(text=walker.name, href=walker.report) if walker.report else walker.name
    return (
        link,
        walker.group,
        str(data.summary.get("status", UNKNOWN)),
        data.steps,
        _text(number(data.summary, "time_fs"), 1e-3),
        _text(number(data.summary, "labels")),
        _text(sums.rmse, 1e3),
        frames,
        len(data.reactions),
    )


def _cost(begun: Mapping[str, RunData]) -> Section:
    seconds = {
        name: {part: float(s) for part, s in (data.summary.get("wall_s") or {}).items()}
        for name, data in begun.items()
    }
    known = {name: parts for name, parts in seconds.items() if parts}
    timed = {name: data for name, data in begun.items() if len(data.thermo.get("time_fs", ()))}
    shown = []
    if timed:
        drawing, caption = labels_over_time(timed), "Labels that each walker has asked for."
        shown.append(Illustration(drawing=drawing, label="Labels over time", caption=caption))
    if known:
        drawing, caption = wall_times(known), "Where the wall time of each walker went."
        shown.append(Illustration(drawing=drawing, label="Wall time by part", caption=caption))
    return Section(id="cost", title="Labels and cost", figures=tuple(shown))


def _chemistry(walkers: Sequence[Walker], found: Pooled) -> Section:
    if not found.reactions:
        return Section(id="chemistry", title="Chemistry", text=("No reaction is certain.",))
    return Section(
        id="chemistry",
        title="Chemistry",
        text=(
            "Rates are pooled over walkers under the same conditions, with Poisson intervals of "
            "95 % confidence. The chance that walkers of one rate differ as much as these do says "
            "whether they may be pooled: below 0.05 look at each of them.",
        ),
        tables=(_rates(found.reactions), _species(found), _events(walkers)),
    )


def _rates(reactions: Sequence[PooledReaction]) -> Table:
    return Table(
        caption="Reactions and rates over all walkers",
        columns=("reaction", "conditions", "times", "in walkers", "rate, 1/ps of a walker",
                 "rate constant, 1/ps", "chance of such a spread"),
        rows=tuple(
            (one.reaction, one.group or "all", sum(one.counts),
             f"{sum(n > 0 for n in one.counts)} of {len(one.counts)}", _rate(one.rate),
             _rate(one.rate_constant), _text(one.agreement))
            for one in reactions
        ),
    )  # fmt: skip


def _species(found: Pooled) -> Table:
    return Table(
        caption="Molecules over all walkers",
        columns=("molecule", "at the start", "now", "formed", "used", "formed in walkers",
                 "first at, fs", "in"),
        rows=tuple(
            (s.name, s.initial, s.final, s.n_formed, s.n_consumed, s.n_walkers,
             DASH if s.first_fs is None else f"{s.first_fs:.0f}", s.first_in)
            for s in found.species
        ),
    )  # fmt: skip


def _events(walkers: Sequence[Walker]) -> Table:
    events = sorted(
        ((e.time_fs, w.name, e) for w in walkers if w.data is not None for e in w.data.reactions),
        key=lambda found: found[:2],
    )
    return Table(
        caption=counted("Reactions", len(events), min(len(events), MOST_EVENTS)),
        columns=("time, fs", "walker", "reaction", "step"),
        rows=tuple(
            (f"{time:.1f}", walker, event.reaction, event.step)
            for time, walker, event in events[:MOST_EVENTS]
        ),
    )


def _rate(rate: Rate | None) -> str:
    return DASH if rate is None else f"{rate.value:.3g} ({rate.low:.2g} to {rate.high:.2g})"


def _text(value: float | None, scale: float = 1.0) -> str:
    return DASH if value is None else f"{scale * value:.3g}"
