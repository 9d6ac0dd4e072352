"""Watching a frozen force field: it never learns, so it must know when to stop.

A look finds it unsure if the calibrated error of an atom is above `STOP_AT` thresholds. After
`LOOKS` such looks in a row the run stops, at a state from which learning can go on. Errors above
the threshold but below that are told in `events.jsonl`, once for each excursion.
"""

from __future__ import annotations

from aofl.config.schema import LearningConfig
from aofl.learning.learner_state import LearnerState
from aofl.learning.observation import Observation, accept
from aofl.records import Verdict
from aofl.records.rule_names import PRODUCTION

STOP_AT = 3.0  # thresholds
LOOKS = 5


def frozen_model(seen: Observation, state: LearnerState, settings: LearningConfig) -> Verdict:
    """Return "stop" if the force field has not known what it does for several looks."""
    if seen.judgement is None or state.n_unsure < LOOKS:
        return accept(PRODUCTION)
    judged = seen.judgement
    return Verdict(
        action="stop",
        rule=PRODUCTION,
        reason="the frozen force field does not know this structure; go on with `mode: aofl` and "
        "`force_field.model` set to this model",
        atom=judged.atom,
        element=seen.symbols[judged.atom],
        value=judged.error,
        threshold=STOP_AT * judged.limit,
        unit="eV/Å",
    )
