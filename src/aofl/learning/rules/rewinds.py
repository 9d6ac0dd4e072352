"""What a rewind means: how far back each rule sends the run, and what is done there.

rule        back to                                     there
chemistry   a frame at least `BEFORE_FS` before         label it
surprise    the last one on which the force field, now  nothing: the label that surprised is
that it knows better, still agrees with     the lesson; the frame stays for a guard
the forces that were followed               that refuses the next step
any other   the last one                                label it, then halfway to the refused
step (`guards.approach`)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aofl.learning.learner_state import LearnerState
from aofl.learning.model import Model
from aofl.learning.rules.chemistry import BEFORE_FS
from aofl.records import FloatArray, Verdict
from aofl.records.rule_names import APPROACH, CHEMISTRY, SURPRISE
from aofl.structure import Structure


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewind:
    """How a run goes back.

    Attributes
    ----------
    before_fs
        The frame lies at least so long before the refused step, fs.
    must_agree
        Whether the force field must still agree with the forces that were followed there.
    label_rule
        The rule in whose name the frame is labelled; None labels nothing.
    is_unphysical
        Whether the step was nonsense: such rewinds are counted against `learning.max_rewinds`.
    """

    before_fs: float = 0.0
    must_agree: bool = False
    label_rule: str | None = APPROACH
    is_unphysical: bool = True


REWINDS = {
    CHEMISTRY: Rewind(before_fs=BEFORE_FS, label_rule=CHEMISTRY, is_unphysical=False),
    SURPRISE: Rewind(must_agree=True, label_rule=None, is_unphysical=False),
}


def rewind_of(verdict: Verdict) -> Rewind:
    """Return how a run goes back on a verdict."""
    return REWINDS.get(verdict.rule, Rewind())


def refused(state: LearnerState, verdict: Verdict, step: int, timestep_fs: float) -> LearnerState:
    """Return the state after a step was refused; only what is counted changes."""
    if verdict.rule == CHEMISTRY:
        return replace(state, watch=state.watch.rewound(step, timestep_fs))
    if verdict.rule == SURPRISE:
        return replace(state, n_surprises=state.n_surprises + 1, surprised_at=step)
    if verdict.action == "rewind":
        return replace(state, n_rewinds=state.n_rewinds + 1, refused_at=step)
    return state


def agrees(
    model: Model | None, state: LearnerState, structure: Structure, followed: FloatArray
) -> bool:
    """Return whether the force field would have moved a frame as it was moved.

    Parameters
    ----------
    followed
        The forces that were followed there, eV/Å, shape (n, 3).
    """
    if model is None:
        return True
    change = model.predict(structure).forces - followed
    limits = state.limits(structure.symbols)
    return bool((np.sqrt(np.mean(change**2, axis=1)) <= limits).all())
