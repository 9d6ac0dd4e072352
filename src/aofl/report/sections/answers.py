"""What people ask first, in words: what formed, what it cost, how accurate, trust, what next."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence

from ase.data import atomic_numbers

from aofl.analysis.accuracy import SpeedUp, own_seconds, speedup_readings
from aofl.chemistry.limits import IS_METAL
from aofl.records.events import Drifting, ExcursionBegan, TargetMissed, Uncertain
from aofl.report.data import RunData
from aofl.report.near_reactions import WINDOW_FS, AuditPart, audits_by_chemistry, coverage_of
from aofl.report.numbers import duration, moment, number
from aofl.report.page import Answer
from aofl.report.results import released
from aofl.report.sections.chemistry import after, exchange_word, has_molecules
from aofl.report.verdict import Evidence, Verdict, verdict

LEVEL_KEYS = ("name", "method", "functional", "xc", "code")
MOST_PRODUCTS = 8


def answers(data: RunData) -> tuple[Answer, ...]:
    """Return the answers in the order in which people ask."""
    judged = verdict(evidence(data))
    return (
        Answer(question="What formed?", lines=_formed(data)),
        Answer(question="What did it cost?", lines=_cost(data)),
        Answer(question="How accurate is it?", lines=_accuracy(data)),
        Answer(
            question="Can I trust it?",
            lines=(judged.words,),
            level=judged.level.word,
            checks=tuple((one.level.word, one.name, one.words) for one in judged.findings),
        ),
        Answer(
            question="What next?",
            lines=_next(judged, data.name),
            command=judged.command,
        ),
    )


def _next(judged: Verdict, name: str) -> tuple[str, ...]:
    """Return the advice, and where its command is typed: the page does not know from where."""
    where = f"In the folder that holds {name}:" if shlex.quote(name) in judged.command else ""
    return tuple(line for line in (judged.advice, where) if line)


def evidence(data: RunData) -> Evidence:
    """Collect what the criteria of the verdict look at."""
    quiet, reactive = audits_by_chemistry(data)
    told = [event for event in data.events if isinstance(event, TargetMissed)]
    semi_empirical = data.run.get("semi_empirical")
    return Evidence(
        name=data.name,
        mode=str(data.run.get("mode", "")),
        status=str(data.summary.get("status", "")),
        steps=data.steps,
        n_quiet=quiet.n_frames,
        n_reactive=reactive.n_frames,
        n_changes=len(data.reactions) + len(data.exchanges),
        coverage=coverage_of(quiet, reactive),
        is_drifting=bool(data.summary.get("drift_alarm")),
        n_drifts=sum(isinstance(event, Drifting) for event in data.events),
        n_excursions=sum(isinstance(event, ExcursionBegan) for event in data.events),
        n_hot=sum(bool(event.is_hot) for event in data.reactions),
        target=number(data.summary, "target_eV_per_A"),
        reached=told[-1].reached_eV_per_A if told else None,
        missed=told[-1].elements if told else (),
        reference=reference_in_words(data),
        is_semi_empirical=semi_empirical if isinstance(semi_empirical, bool) else None,
        has_metal=any(IS_METAL[atomic_numbers.get(e, 0)] for e in data.elements),
        n_uncertain=sum(isinstance(event, Uncertain) for event in data.events),
    )


def reference_in_words(data: RunData) -> str:
    """Name the level of theory, and say if it is semi-empirical."""
    level = data.run.get("level_of_theory")
    if isinstance(level, Mapping):
        names = [str(level[key]) for key in LEVEL_KEYS if level.get(key)]
        name = ", ".join(dict.fromkeys(names)) or "see provenance"
    else:
        name = str(level) if level else "not recorded"
    if data.run.get("semi_empirical"):
        return f"{name}, a semi-empirical method, not DFT"
    return name


def speed_up(data: RunData) -> SpeedUp | None:
    """Compare the run with AIMD of its steps; None where one of the two times is not known."""
    own, per_call = _own_seconds(data), number(data.summary, "aimd_step_s")
    steps = number(data.summary, "steps")
    if data.run.get("mode") == "aimd" or not own or not per_call or not steps:
        return None
    return speedup_readings(per_call * steps, own)


def _own_seconds(data: RunData) -> float | None:
    wall = data.summary.get("wall_s")
    return own_seconds(wall) if isinstance(wall, Mapping) else None


def _formed(data: RunData) -> tuple[str, ...]:
    if not has_molecules(data):
        return ("No molecules were followed: there are no non-metals, or nobody has looked.",)
    if not data.reactions:
        return ("Nothing that lasted: no molecule has changed for good.", *_others(data))
    now, start = Counter(after(data)), Counter(data.molecules)
    made = dict((now - start).most_common())
    used = dict((start - now).most_common())
    kinds = len({event.reaction for event in data.reactions})
    where = _where_made(data)
    products = _named([f"{n} {name}{where.get(name, '')}" for name, n in made.items()])
    n = len(data.reactions)
    first = data.reactions[0]
    return (
        f"Made: {products or 'nothing that is still there'}. "
        f"Used up: {_named([f'{k} {name}' for name, k in used.items()]) or 'nothing'}.",
        f"{n} reaction{'s' if n > 1 else ''} of {kinds} kind{'s' if kinds > 1 else ''}, the first "
        f"{first.reaction} at {first.time_fs:.0f} {data.time_unit}.",
        *_others(data),
    )


def _where_made(data: RunData) -> dict[str, str]:
    """Say how far from the metal each kind of molecule was made, where that is known."""
    places: dict[str, list[float]] = {}
    to_metal = data.course.to_metal if data.course is not None else ()
    for event, distance in zip(data.reactions, to_metal, strict=False):
        for name in set(event.products) if distance is not None else ():
            places.setdefault(name, []).append(distance or 0.0)
    said = {}
    for name, found in places.items():
        low, high = f"{min(found):.1f}", f"{max(found):.1f}"
        span = low if low == high else f"{low} to {high}"
        said[name] = f" (made {span} Å from the metal)"
    return said


def _others(data: RunData) -> tuple[str, ...]:
    """Tell of exchanges, and of solids and gas in the last frame."""
    said = []
    if n := len(data.exchanges):
        word = exchange_word(data)
        said.append(
            f"{n} {word}{'s' if n > 1 else ''} beside them {'are' if n > 1 else 'is'} not counted "
            "as reactions: the molecules before and after are the same."
        )
    if data.course is not None:
        found = data.course.survey
        last = found.frames[-1]
        solids = [f"{n} {motif}" for motif, n in last.solids.items()]
        gas = [f"{n} {name}" for name, n in released(found).items() if n > 0]
        if solids:
            when = f"at {moment(last.time, data.time_unit)}, the last frame looked at"
            said.append(f"Solids {when}, in formula units: {_named(solids)}.")
        if gas:
            said.append(f"Gas set free: {_named(gas)}.")
    return tuple(said)


def _cost(data: RunData) -> tuple[str, ...]:
    own = _own_seconds(data)
    if own is None:
        return ("The wall time is not recorded.",)
    wall = data.summary["wall_s"]
    labels = int(number(data.summary, "labels") or len(data.labels))
    asked = f"{labels} calls of the reference took {duration(number(wall, 'reference') or 0.0)}"
    took = f"The run took {duration(own)} without compilation; {asked}."
    speed = speed_up(data)
    if speed is None:
        return (took, *_parts(data))
    aimd = f"AIMD of the same steps would take about {duration(own * speed.factor)}"
    if speed.factor < 1:
        return (took, f"{aimd}: the run was slower than AIMD so far.")
    return (
        took,
        f"{aimd}: wall time down by {speed.wall_time_down_percent:.1f} %, which is the same as "
        f"{speed.factor:.3g} times the rate (rate up by {speed.rate_up_percent:.0f} %).",
    )


def _parts(data: RunData) -> tuple[str, ...]:
    """Tell that labels are of cut-outs, where they are."""
    sizes = [line.cut["atoms"] for line in data.decisions if line.cut]
    if not sizes:
        return ()
    largest = f"{len(sizes)} labels are of cut-outs of up to {max(sizes)} atoms"
    return (f"{largest}: what AIMD of the whole would take is not known.",)


def _accuracy(data: RunData) -> tuple[str, ...]:
    if data.run.get("mode") == "aimd":
        return ("Every force is the reference's own.",)
    parts = audits_by_chemistry(data)
    known = [part for part in parts if part.n_frames]
    if not known:
        return ("Not known yet: no audit has been made.",)
    said = _named([_part_in_words(part) for part in known])
    none = (
        ""
        if len(known) > 1
        else f" No audit was {_NEAR['quiet' if known[0] is parts[1] else 'reactive']}."
    )
    return (f"Force RMSE on audit frames, which no doubt asked for: {said}.{none}",)


_NEAR = {
    "quiet": "far from changing bonds",
    "reactive": f"within {WINDOW_FS:g} fs of a reaction or exchange",
}


def _part_in_words(part: AuditPart) -> str:
    frames = f"{part.n_frames} frame{'s' if part.n_frames > 1 else ''}"
    return f"{1e3 * (part.sums.rmse or 0.0):.0f} meV/Å {_NEAR[part.name]} ({frames})"


def _named(words: Sequence[str]) -> str:
    """Join words to a list, the last of a long one left out with their number."""
    shown = [*words[:MOST_PRODUCTS]]
    if len(words) > MOST_PRODUCTS:
        shown.append(f"{len(words) - MOST_PRODUCTS} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
