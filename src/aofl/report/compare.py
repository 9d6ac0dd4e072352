"""Runs side by side: what they cost, how right they were, and what they saw happen.

Figures of a run come from its own files; its structure and species from one pass over its
trajectory. A run of mode `aimd` among them is what the others are measured against: its wall time
per step, its reactions. Two trajectories of a reactive system part within a picosecond, so kinds
of reactions are compared, not times, and one pair of runs proves little: use several seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from statistics import fmean
from typing import Any

from aofl.analysis.accuracy import own_seconds, speedup_readings
from aofl.analysis.findings import Survey
from aofl.analysis.structure import overlap, radial_distributions
from aofl.records.rule_names import RANDOM_AUDIT
from aofl.report.data import RunData
from aofl.report.figures.compare import (
    close_pairs,
    labels_over_time,
    radial,
    species_over_time,
)
from aofl.report.figures.cost import wall_times
from aofl.report.near_reactions import audits_by_chemistry, label_density
from aofl.report.numbers import number, percent
from aofl.report.page import Illustration, Section, Table, render

LEAST_DIFFERENCE = 1e-3  # relative, of volumes, temperatures and time steps
DASH = "\u2013"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One run of a comparison: its name in it, its files, and its trajectory if it has one."""

    name: str
    rule: str
    data: RunData
    survey: Survey | None


def composition(run: Compared) -> str | None:
    """Return the formula of the atoms of a run, None if its start is not known."""
    return None if run.data.start is None else run.data.start.get_chemical_formula(mode="metal")


def differs_in(run: Compared, other: Compared) -> list[str]:
    """Return what of the system two runs have differently, in words; what one lacks is left out."""
    ours, theirs = _conditions(run), _conditions(other)
    return [
        name for name, value in ours.items() if not _agree(value, theirs[name], LEAST_DIFFERENCE)
    ]


def _conditions(run: Compared) -> dict[str, Any]:
    start, record = run.data.start, run.data.run
    level = record.get("level_of_theory")
    return {
        "atoms": composition(run),
        "volume": start.get_volume() if start is not None and start.cell.rank == 3 else None,
        "level of theory": level.get("method") if isinstance(level, Mapping) else None,
        "temperature": number(record, "temperature_K"),
        "time step": number(record, "timestep_fs"),
    }


def _agree(one: Any, other: Any, tolerance: float) -> bool:
    if one is None or other is None:
        return True
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=tolerance)
    return bool(one == other)


def compare_page(
    runs: Sequence[Compared], records: Sequence[dict[str, Any]], aimd: Compared | None, name: str
) -> str:
    """Return the page of a comparison as HTML that needs nothing beside it.

    Parameters
    ----------
    records
        What `record` says of each run.
    aimd
        The run of mode "aimd" among them, if there is one.
    """
    return render(_sections(runs, records, aimd), name=name, version="")


def record(run: Compared, aimd: Compared | None, first: Compared) -> dict[str, Any]:
    """Return the figures of one run as plain data; None where something is not known.

    `first` is the run whose system counts as the one of the comparison.
    """
    data, summary = run.data, run.data.summary
    steps, labels = number(summary, "steps") or 0.0, number(summary, "labels")
    wall = dict(summary.get("wall_s") or {})
    own, per_step = own_seconds(wall), _aimd_step(run, aimd)
    speed = speedup_readings(per_step * steps, own) if own and per_step and steps else None
    quiet, reactive = audits_by_chemistry(data, (RANDOM_AUDIT,))
    density = label_density(data)
    overlaps = _radial_overlaps(run, first)
    return {
        "name": run.name,
        "rule": run.rule,
        "formula": composition(run),
        "differs_in": differs_in(run, first),
        "steps": int(steps),
        "labels": labels,
        "labels_learned": number(summary, "labels_learned"),
        "label_fraction": number(summary, "label_fraction"),
        "wall_s": wall,
        "speedup": speed.factor if speed else None,
        "wall_time_down_percent": speed.wall_time_down_percent if speed else None,
        "rate_up_percent": speed.rate_up_percent if speed else None,
        **{
            f"audit_{part.name}_{what}": value
            for part in (quiet, reactive)
            for what, value in (
                ("rmse", part.sums.rmse), ("frames", part.n_frames), ("coverage", part.coverage)
            )
        },
        "audit_rmse": (quiet.sums + reactive.sums).rmse,
        "label_density_reactive": density.reactive,
        "label_density_quiet": density.quiet,
        "label_density_ratio": density.ratio,
        "reactions": sorted({event.reaction for event in data.reactions}),
        "n_reactions": len(data.reactions),
        "n_reactions_seen": sum(bool(event.is_seen) for event in data.reactions),
        "species": _species(run),
        "radial_overlaps": overlaps,
        "radial_overlap": fmean(overlaps.values()) if overlaps else None,
        "recall": _recall(run, aimd),
    }  # fmt: skip


def _aimd_step(run: Compared, aimd: Compared | None) -> float | None:
    """Return what a step of AIMD costs, s: as the AIMD run was, or as our quickest labels."""
    if aimd is not None:
        total = number(aimd.data.summary.get("wall_s") or {}, "total")
        steps = number(aimd.data.summary, "steps")
        if total and steps:
            return total / steps
    return number(run.data.summary, "aimd_step_s")


def _species(run: Compared) -> list[str]:
    frames = run.survey.frames if run.survey else ()
    return sorted({name for frame in frames for name in frame.species})


def _radial_overlaps(run: Compared, first: Compared) -> dict[str, float]:
    """Return how far radial distributions are those of the first run, by pair of elements."""
    if run is first or run.survey is None or first.survey is None:
        return {}
    theirs = radial_distributions(first.survey.radial)
    ours = radial_distributions(run.survey.radial)
    found = {pair: overlap(ours[pair], theirs[pair]) for pair in close_pairs(theirs)}
    return {"-".join(pair): value for pair, value in found.items() if value is not None}


def _recall(run: Compared, aimd: Compared | None) -> float | None:
    """Return the share of the kinds of reactions of the AIMD run that this run has too."""
    if aimd is None or aimd is run or not aimd.data.reactions:
        return None
    true = {event.reaction for event in aimd.data.reactions}
    return len(true & {event.reaction for event in run.data.reactions}) / len(true)


def _sections(
    runs: Sequence[Compared], records: Sequence[dict[str, Any]], aimd: Compared | None
) -> list[Section]:
    basis = (
        f"Speed-up is against {aimd.name}, per step."
        if aimd
        else "No run is AIMD: its cost per step is the lower decile of the calls of each run."
    )
    first = aimd or runs[0]
    surveyed = {run.name: run.survey for run in runs if run.survey is not None}
    wall = {r["name"]: r["wall_s"] for r in records if r["wall_s"]}
    words = (basis, *_marks(records), SEEDS)
    return [
        Section(id="headline", title=f"{len(runs)} runs side by side", text=words),
        Section(id="cost", title="Labels and cost", tables=(_cost_table(records),), figures=(
            _figure(labels_over_time({run.name: run.data for run in runs}), "Labels over time",
                    "Reference calls so far, and bars where a reaction was near."),
            _figure(wall_times(wall), "Wall time by part",
                    "Where the wall time of each run went."),
        )),
        Section(id="accuracy", title="Accuracy on random audits", tables=(_error_table(records),)),
        Section(id="chemistry", title="Chemistry", tables=_chemistry_tables(records),
                figures=_species_figures(surveyed)),
        *([Section(id="structure", title="Structure", figures=(
            _figure(radial(surveyed), "Radial distribution functions",
                    "Averages over all stored frames, the most frequent close pairs."),
        ), tables=_overlap_tables(records, first.name))] if surveyed else []),
    ]  # fmt: skip


SEEDS = (
    "Trajectories of a reactive system part soon: differences of one pair of runs are within what "
    "another seed would give."
)


def _species_figures(surveyed: dict[str, Survey]) -> tuple[Illustration, ...]:
    """Return the molecules over time; none where no molecule changed in any run."""
    drawn = species_over_time(surveyed)
    caption = "Numbers of the molecules that change, one panel each."
    return (_figure(drawn, "Species over time", caption),) if drawn.panels else ()


def _figure(drawing: Any, label: str, caption: str) -> Illustration:
    return Illustration(drawing=drawing, label=label, caption=caption)


def _marks(records: Sequence[dict[str, Any]]) -> list[str]:
    """Return a sentence for each run that is of another system than the first."""
    return [
        f"{r['name']} differs in {' and '.join(r['differs_in'])}: what sets it apart is not the "
        "effect of the rules alone."
        for r in records
        if r["differs_in"]
    ]


def _cost_table(records: Sequence[dict[str, Any]]) -> Table:
    return Table(
        caption="Labels and wall time",
        columns=("run", "rule", "steps", "labels", "learned", "labelled", "wall, s", "reference, s",
                 "update, s", "speed-up", "wall time", "rate"),
        rows=tuple(
            (r["name"], r["rule"], r["steps"], _text(r["labels"]), _text(r["labels_learned"]),
             percent(r["label_fraction"]), _text(r["wall_s"].get("total")),
             _text(r["wall_s"].get("reference")), _text(r["wall_s"].get("update")),
             _text(r["speedup"], "{:.3g} x"), _text(r["wall_time_down_percent"], "{:+.0f} % saved"),
             _text(r["rate_up_percent"], "{:+.0f} %"))
            for r in records
        ),
    )  # fmt: skip


def _error_table(records: Sequence[dict[str, Any]]) -> Table:
    def part(r: dict[str, Any], name: str) -> tuple[str, ...]:
        rmse = r[f"audit_{name}_rmse"]
        return (
            _text(rmse and 1e3 * rmse), str(r[f"audit_{name}_frames"]),
            percent(r[f"audit_{name}_coverage"]),
        )  # fmt: skip

    return Table(
        caption="Force errors on random audits: RMSE, meV/Å, frames, inside the 90 % interval",
        columns=("run", "quiet", "frames", "inside", "reactive", "frames", "inside"),
        rows=tuple((r["name"], *part(r, "quiet"), *part(r, "reactive")) for r in records),
    )


def _chemistry_tables(records: Sequence[dict[str, Any]]) -> tuple[Table, ...]:
    kinds = sorted({reaction for r in records for reaction in r["reactions"]})
    overview = Table(
        caption="Reactions, and how densely they were labelled",
        columns=("run", "reactions", "asked within", "labels per step near", "elsewhere", "ratio",
                 "kinds of AIMD found"),
        rows=tuple(
            (r["name"], r["n_reactions"], r["n_reactions_seen"],
             _text(r["label_density_reactive"]), _text(r["label_density_quiet"]),
             _text(r["label_density_ratio"], "{:.2g} x"), percent(r["recall"]))
            for r in records
        ),
    )  # fmt: skip
    if not kinds:
        return (overview,)
    found = Table(
        caption="Which reactions happened where",
        columns=("reaction", *(r["name"] for r in records)),
        rows=tuple(
            (kind, *("yes" if kind in r["reactions"] else "" for r in records)) for kind in kinds
        ),
    )
    return overview, found


def _overlap_tables(records: Sequence[dict[str, Any]], first: str) -> tuple[Table, ...]:
    """Return how far structures are that of the first run; none where no run says so."""
    told = [r for r in records if r["radial_overlaps"]]
    if not told:
        return ()
    pairs = list(told[0]["radial_overlaps"])
    rows = tuple(
        (r["name"], *(percent(r["radial_overlaps"].get(pair)) for pair in pairs),
         percent(r["radial_overlap"]))
        for r in told
    )  # fmt: skip
    caption = f"How much of g(r) lies over that of {first}: 1 - int |g - g'| / int (g + g')"
    return (Table(caption=caption, columns=("run", *pairs, "mean"), rows=rows),)


def _text(value: float | None, form: str = "{:.3g}") -> str:
    return DASH if value is None else form.format(value)
