"""Whether a run can be trusted, and what to do next: criteria with their limits, and a verdict.

Each criterion is a function of the evidence that says in words what it found, and how it judges:

    kept        nothing stands against the numbers of the run
    doubtful    the numbers are a first hint, or one of them is not known
    broken      numbers that rest on this are not to be used

The verdict is that of the worst criterion, and the next command answers the first of the worst.
Nothing is read and nothing computed here but comparisons.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

FEW_AUDITS, ENOUGH_AUDITS = 5, 20  # frames
# Share of force components inside the interval that should hold 90 %. Components of one frame are
# not independent: over 20 frames a sound interval is seen between 85 % and 95 %.
HOLDS_FROM, BROKEN_BELOW = 0.85, 0.75


class Level(IntEnum):
    """How a criterion judges."""

    KEPT = 0
    DOUBTFUL = 1
    BROKEN = 2

    @property
    def word(self) -> str:
        """The level as it is written."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the criteria look at.

    Attributes
    ----------
    name
        Of the run directory, for the next command.
    mode, status
        As the run and its summary say them; "" where they say nothing.
    steps
        Made so far.
    n_quiet, n_reactive
        Audit frames away from bonds that change, and near them.
    n_changes
        Reactions and exchanges, which is what audits can be near to.
    coverage
        Share of the force components of the audits inside the 90 % interval; None if not known.
    is_drifting, n_drifts
        Whether audits are worse than the force field thinks now, and how often it was told.
    n_excursions, n_hot
        Excursions of the temperature, and reactions within them.
    target, reached
        The force error asked for and the one that labels reach, eV/Å; None where it is kept.
    missed
        Elements beyond the target; none where it is kept.
    reference
        The level of theory, in words.
    is_semi_empirical
        Whether the reference is; None if that is not known.
    has_metal
        Whether there are metal atoms.
    n_uncertain
        How often a frozen force field left what it knows.
    """

    name: str
    mode: str
    status: str
    steps: int
    n_quiet: int = 0
    n_reactive: int = 0
    n_changes: int = 0
    coverage: float | None = None
    is_drifting: bool = False
    n_drifts: int = 0
    n_excursions: int = 0
    n_hot: int = 0
    target: float | None = None
    reached: float | None = None
    missed: tuple[str, ...] = ()
    reference: str = "not recorded"
    is_semi_empirical: bool | None = None
    has_metal: bool = False
    n_uncertain: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one criterion found: its name, its level, the words, and what would help."""

    name: str
    level: Level
    words: str
    advice: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict in a sentence, the findings that it rests on, and what to do next."""

    level: Level
    words: str
    findings: tuple[Finding, ...]
    advice: str
    command: str


def verdict(seen: Evidence) -> Verdict:
    """Return the verdict on a run."""
    findings = tuple(finding for criterion in CRITERIA if (finding := criterion(seen)) is not None)
    level = max(finding.level for finding in findings)
    worst = [finding for finding in findings if finding.level == level]
    names = _listed([finding.name for finding in worst])
    if level is Level.KEPT:
        advice, command = _onwards(seen)
        words = "Yes, within the errors above: every criterion is kept."
    else:
        first = next((finding for finding in worst if finding.command), worst[0])
        advice, command = first.advice, first.command
        words = {
            Level.DOUBTFUL: f"With care: there is doubt about {names}.",
            Level.BROKEN: f"Not yet: {names} {'do' if len(worst) > 1 else 'does'} not hold.",
        }[level]
    return Verdict(level=level, words=words, findings=findings, advice=advice, command=command)


def _finished(seen: Evidence) -> Finding:
    if seen.status == "done":
        words = "it came to its last step."
        return Finding(name="the run's end", level=Level.KEPT, words=words)
    state = "is still running" if seen.status == "running" else "ended before its last step"
    return Finding(
        name="the run's end",
        level=Level.DOUBTFUL,
        words=f"the run {state}, after {seen.steps} steps.",
        advice="Let it come to its last step.",
        command=f"aofl resume {shlex.quote(seen.name)}" if seen.status != "running" else "",
    )


def _audits(seen: Evidence) -> Finding | None:
    if seen.mode == "aimd":
        return None
    n = seen.n_quiet + seen.n_reactive
    near = f", {seen.n_reactive} of them near changing bonds" if seen.n_changes else ""
    counted = f"{n} audit frame{'' if n == 1 else 's'}{near}"
    lacks = seen.n_changes > 0 and seen.n_reactive < FEW_AUDITS
    if n >= ENOUGH_AUDITS and not lacks:
        words = f"{counted}; {ENOUGH_AUDITS} are enough."
        return Finding(name="the number of audits", level=Level.KEPT, words=words)
    wanted = f"{ENOUGH_AUDITS} in all" + (f" and {FEW_AUDITS} near changing bonds" if lacks else "")
    return Finding(
        name="the number of audits",
        level=Level.DOUBTFUL,
        words=f"{counted}; {wanted} would be enough.",
        advice="More steps bring more audits.",
        command=_longer(seen),
    )


def _interval(seen: Evidence) -> Finding | None:
    if seen.mode == "aimd":
        return None
    name = "the 90 % interval"
    if seen.coverage is None:
        words = "no audit tells how many forces lie inside the 90 % interval."
        return Finding(
            name=name, level=Level.DOUBTFUL, words=words,
            advice="More steps bring more audits.", command=_longer(seen),
        )  # fmt: skip
    words = f"{100 * seen.coverage:.0f} % of the forces of the audits lie inside"
    if seen.coverage >= HOLDS_FROM:
        words = f"{words}; it holds from {100 * HOLDS_FROM:.0f} % on."
        return Finding(name=name, level=Level.KEPT, words=words)
    return Finding(
        name=name,
        level=Level.BROKEN if seen.coverage < BROKEN_BELOW else Level.DOUBTFUL,
        words=f"{words}, less than {100 * HOLDS_FROM:.0f} %: errors are larger than is said.",
        advice="More labels calibrate it anew.",
        command=_longer(seen),
    )


def _drift(seen: Evidence) -> Finding | None:
    if seen.mode == "aimd":
        return None
    if not seen.n_drifts and not seen.is_drifting:
        words = "audits stayed as good as the force field thought."
        return Finding(name="drift", level=Level.KEPT, words=words)
    if seen.is_drifting:
        words = "at the end audits are worse than the force field thinks."
        advice = "More labels bring it back; in production, learn again from this state."
        return Finding(
            name="drift", level=Level.BROKEN, words=words, advice=advice, command=_longer(seen)
        )
    words = f"audits were worse than thought for a while ({_times(seen.n_drifts)}), and recovered."
    return Finding(
        name="drift", level=Level.DOUBTFUL, words=words,
        advice="Leave out what happened in between, or go on from here.", command=_longer(seen),
    )  # fmt: skip


def _temperature(seen: Evidence) -> Finding:
    if not seen.n_excursions and not seen.n_hot:
        words = "the atoms were never far hotter than the thermostat."
        return Finding(name="the temperature", level=Level.KEPT, words=words)
    words = f"the atoms were far too hot {_times(max(seen.n_excursions, 1))}"
    hot = (
        f", with {seen.n_hot} reaction{'' if seen.n_hot == 1 else 's'} in it" if seen.n_hot else ""
    )
    return Finding(
        name="the temperature",
        level=Level.BROKEN if seen.n_hot else Level.DOUBTFUL,
        words=f"{words}{hot}.",
        advice="Relax the start, or make it cooler or the time step shorter in the configuration, "
        "and run it again: what reacts in an excursion is no property of the temperature asked "
        "for.",
        command=_again(seen),
    )


def _target(seen: Evidence) -> Finding | None:
    if seen.mode in ("aimd", "mlff") or seen.target is None:
        return None
    asked = f"{1e3 * seen.target:.0f} meV/Å"
    if not seen.missed:
        words = f"{asked} for the worst atom is within reach."
        return Finding(name="the target", level=Level.KEPT, words=words)
    by = f" by {1e3 * seen.reached:.0f} meV/Å" if seen.reached else ""
    return Finding(
        name="the target",
        level=Level.DOUBTFUL,
        words=f"{asked} is out of reach: forces on {_listed(seen.missed)} can be off{by}.",
        advice="Raise `force_field.accuracy`, lower the temperature, or take what is reached as "
        "`learning.target_force_error_meV_per_A`, and run it again.",
        command=_again(seen),
    )


def _frozen(seen: Evidence) -> Finding | None:
    if seen.mode != "mlff":
        return None
    if not seen.n_uncertain:
        words = "it stayed within what it knows."
        return Finding(name="the frozen force field", level=Level.KEPT, words=words)
    quoted = shlex.quote(seen.name)
    return Finding(
        name="the frozen force field",
        level=Level.BROKEN,
        words=f"it left what it knows {_times(seen.n_uncertain)}.",
        advice="Let it learn what it met.",
        command=f"aofl run {quoted}/config.yaml --mode aofl --model {quoted}/model.h5 "
        f"--out {quoted}-learned",
    )


def _reference(seen: Evidence) -> Finding:
    name = "the reference"
    if seen.is_semi_empirical is None:
        words = f"the run does not say whether {seen.reference} is first principles."
        return Finding(name=name, level=Level.DOUBTFUL, words=words)
    if not seen.is_semi_empirical:
        words = (
            f"{seen.reference}: first principles. A run cannot tell whether that suits this "
            "chemistry: compare a reaction energy with a higher level of theory."
        )
        return Finding(name=name, level=Level.KEPT, words=words)
    on = "and energies on a metal are not to be quoted" if seen.has_metal else "not a result"
    return Finding(
        name=name,
        level=Level.DOUBTFUL,
        words=f"{seen.reference}: what reacts is a hint, {on}. The force field is as good as its "
        "reference at best.",
        advice="Choose a DFT code as `reference:`; this command says which are there.",
        command="aofl doctor",
    )


CRITERIA = (
    _finished, _drift, _interval, _temperature, _frozen, _audits, _target, _reference,
)  # fmt: skip


def _onwards(seen: Evidence) -> tuple[str, str]:
    quoted = shlex.quote(seen.name)
    if seen.mode == "aimd":
        return (
            "Run the same with a force field that learns, and compare.",
            f"aofl run {quoted}/config.yaml --mode aofl --out {quoted}-aofl",
        )
    if seen.mode == "mlff":
        return "Go on, or run another seed.", _longer(seen)
    return (
        "Go to production with the force field frozen; guards and audits still watch.",
        f"aofl run {quoted}/config.yaml --mode mlff --model {quoted}/model.h5 "
        f"--out {quoted}-production",
    )


def _longer(seen: Evidence) -> str:
    return f"aofl resume {shlex.quote(seen.name)} --steps {max(2 * seen.steps, 1000)}"


def _again(seen: Evidence) -> str:
    quoted = shlex.quote(seen.name)
    return f"aofl run {quoted}/config.yaml --out {quoted}-again"


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
