"""Audits: labels that no doubt asked for.

Two kinds. A scheduled audit comes when no label was made for `audit_gap` steps; the gap doubles
when the audit holds no surprise and halves when it does, up to a longest one that grows with the
audits done. A random audit comes with a probability per step, drawn from (seed, step) alone, that
falls while nothing is in doubt (as 1 / t from `QUIET` steps after the last doubt on) and with the
audits done: beyond `ENOUGH` their number grows as the root of the steps, as each adds less to what
is known. Both meet only steps that the other rules
accepted, so their errors are those of the forces that drove the dynamics, also where their labels
come later (`aofl.learning.late_answers`). The random ones do not look at the error of their step;
they are denser where the run learns, so what they say leans to the harder parts.
"""

from __future__ import annotations

from collections.abc import Sequence

from aofl.config.schema import LearningConfig
from aofl.learning.learner_state import LearnerState
from aofl.learning.observation import Observation, accept
from aofl.records import Verdict
from aofl.records.rule_names import AUDIT, RANDOM_AUDIT
from aofl.rng import draw

ENOUGH = 40  # audits, after which random ones become rarer
QUIET = 500  # steps without doubt, after which random audits become rarer
DRIFT_AMONG, DRIFT_FROM, DRIFT_UNTIL = 10, 6, 3  # audits


def random_audit(seen: Observation, state: LearnerState, settings: LearningConfig) -> Verdict:
    """Return "label" if this step is drawn for an audit."""
    quiet = seen.step - state.last_doubt_step
    chance = probability(quiet, state.n_audits, settings.audit_probability)
    if draw(seen.seed, "audit", seen.step) < chance:
        return Verdict(action="label", rule=RANDOM_AUDIT, reason="drawn at random")
    return accept(RANDOM_AUDIT)


def probability(quiet: int, n_audits: int, highest: float) -> float:
    """Return the chance of a random audit so many steps after the last doubt."""
    return highest * min(1.0, QUIET / max(quiet, 1)) * min(1.0, ENOUGH / max(n_audits, 1))


def audit(seen: Observation, state: LearnerState, settings: LearningConfig) -> Verdict:
    """Return "label" if this step is to be audited."""
    drawn = random_audit(seen, state, settings)
    if drawn.action == "label":
        return drawn
    gap = seen.step - state.last_question_step
    if gap >= state.audit_gap:
        return Verdict(
            action="label",
            rule=AUDIT,
            reason="no label for a while",
            value=float(gap),
            threshold=float(state.audit_gap),
            unit="steps",
        )
    return accept(AUDIT)


def next_gap(gap: int, error: float, expected: float, target: float, longest: int) -> int:
    """Return the audit gap after an audit.

    Parameters
    ----------
    error, expected
        Largest true and largest calibrated force error of the audited structure, eV/Å.
    target
        The user's target, eV/Å; an error below it is never a surprise.
    longest
        Steps.
    """
    is_surprise = error > expected and error > target
    return max(1, gap // 2) if is_surprise else min(longest, gap * 2)


def longest_gap(n_audits: int, settings: LearningConfig) -> int:
    """Return the longest gap after so many audits, steps.

    Beyond `ENOUGH` it grows as the root of their number, so the audits of t steps grow as t^(2/3):
    each adds less to what is known of a force field that keeps what it promised.
    """
    return int(settings.audit_max_gap_steps * max(1.0, n_audits / ENOUGH) ** 0.5)


def is_drifting(surprises: Sequence[bool], was_drifting: bool) -> bool:
    """Return whether the force field is worse than it thinks, by its last audits.

    The largest error of a frame should exceed the calibrated one in a fifth of the audits; among
    ten, six or more do so by chance in 0.6 % of cases. The alarm ends when three or fewer do.
    """
    recent = sum(surprises[-DRIFT_AMONG:])
    return recent > DRIFT_UNTIL if was_drifting else recent >= DRIFT_FROM
