"""The retrospective rule, "surprise": a label that is far off undoes the steps that led to it.

No uncertainty foretells an electron that moves. In an ether beside sodium (benchmarks/crossing.py,
the run of `flare`) one began to go into a C-O bond of 1.68 Å: the reference opened the bond with
1.1 eV/Å, where the force field, right at 1.57 Å and sure of itself, closed it with 2.1. Left alone,
such a bond closes again and the reaction is missed; or another one happens that is none.

So where a label is `FAR_OFF` times its threshold wrong, the run learns it and goes back to the last
frame on which the force field, now that it knows better, still agrees with the forces that were
followed there. From there it makes the steps again.

Each rewind needs a label later than the one that asked for the last, so the run always gets on.
"""

from __future__ import annotations

from aofl.learning.learner_state import TRUSTED, LearnerState
from aofl.learning.observation import Observation, accept
from aofl.learning.update import Outcome
from aofl.records import Verdict
from aofl.records.rule_names import SURPRISE

FAR_OFF = 3.0  # thresholds


def surprise(outcome: Outcome, seen: Observation, state: LearnerState) -> Verdict:
    """Return "rewind" if the label just learned says that the steps before it were wrong."""
    excess = outcome.errors / outcome.judged.limits
    worst = int(excess.argmax())
    is_new = seen.step > state.surprised_at and state.n_labels > TRUSTED
    if not (seen.can_rewind and is_new and excess[worst] > FAR_OFF):
        return accept(SURPRISE)
    return Verdict(
        action="rewind",
        rule=SURPRISE,
        reason="the label is far from what was predicted: the steps before it are made again",
        atom=int(outcome.atoms[worst]),
        element=outcome.symbols[worst],
        value=float(outcome.errors[worst]),
        threshold=float(FAR_OFF * outcome.judged.limits[worst]),
        unit="eV/Å",
    )
