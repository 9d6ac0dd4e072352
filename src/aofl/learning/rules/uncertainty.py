"""The uncertainty rule: label when the calibrated error of an atom exceeds its threshold.

The deviations of the forces come from draws of the posterior and cost about two force calls. They
follow the structure slowly, so they are looked at every `CHECK_EVERY` steps, at every step while
the last look was not fine, and at once where something changed: the deviation of each atom's
energy, over the same draws, comes with the forces at every step, and an atom whose own has grown
since the last look calls for the next (`aofl.bayes.growth`).
"""

from __future__ import annotations

from aofl.config.schema import LearningConfig
from aofl.learning.learner_state import LearnerState
from aofl.learning.observation import Observation, accept
from aofl.records import Verdict
from aofl.records.rule_names import INITIAL, UNCERTAINTY


def uncertainty(seen: Observation, state: LearnerState, settings: LearningConfig) -> Verdict:
    """Return "label" if the calibrated force error of some atom exceeds its threshold."""
    if seen.judgement is None:
        return accept(UNCERTAINTY)
    if state.n_labels == 0:
        return first_label(seen, state)
    judged = seen.judgement
    if judged.error <= judged.limit:
        return accept(UNCERTAINTY)
    return Verdict(
        action="label",
        rule=UNCERTAINTY,
        reason="calibrated force error above the threshold",
        atom=judged.atom,
        element=seen.symbols[judged.atom],
        value=judged.error,
        threshold=judged.limit,
        unit="eV/Å",
    )


def first_label(seen: Observation, state: LearnerState) -> Verdict:
    """Return the verdict on a step before the first label, whatever the rule."""
    return Verdict(
        action="label",
        rule=INITIAL,
        reason="nothing was labelled in this run yet",
        threshold=state.target,
        unit="eV/Å",
    )
