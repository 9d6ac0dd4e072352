"""Similarity screening: skip the call when the structure is already known.

Only the atoms that raised the uncertainty flag are looked at, each against the labelled
environments of its element; the maximum decides, never the average, because one breaking bond
among hundreds of atoms is invisible in an average. An atom is known if its cosine distance to the
nearest labelled environment is below `similarity_factor` times the usual distance of
well-predicted atoms of that element. The call is skipped if all flagged atoms are known and the
error of each is below `screening_factor` times its threshold.

Nothing is screened before there are `TRUSTED` labels, nor while a reaction is watched: a rehearsal
showed errors of 2 eV/Å on steps that screening had let pass while a molecule fell apart. Labels
are not kept apart in time either: five femtoseconds are long for a hydrogen atom in a reaction.

If the error is runaway and an atom is far outside everything known, the frame is not worth a
label: the run rewinds, unless the forces of a label led there (`is_doubt`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aofl.config.schema import LearningConfig
from aofl.learning.learner_state import TRUSTED, LearnerState
from aofl.learning.observation import Observation
from aofl.records import Verdict

RULE = "similarity"
RUNAWAY = 10.0  # thresholds
FAR = 10.0  # times the distance that still counts as known
MATURE = 20  # labels before "far outside" means anything


def similarity(
    flag: Verdict, situation: Observation, memory: LearnerState, settings: LearningConfig
) -> Verdict:
    """Return `flag` confirmed, turned into a "skip", or turned into a "rewind"."""
    std, seen = situation.prediction.forces_std, situation.prediction.environments
    if memory.n_labels == 0 or std is None or seen is None:
        return flag
    judged = memory.judge(situation.symbols, std)
    excess = judged.errors / judged.limits
    flagged = np.flatnonzero(excess > 1.0)
    nearest = memory.nearest(situation.symbols, seen, flagged)
    reach = [settings.similarity_factor * memory.distance_of(situation.symbols[a]) for a in flagged]
    # How far each flagged atom is, in units of what still counts as known.
    relative = [
        n.distance / r if n is not None and r > 0 else np.inf
        for n, r in zip(nearest, reach, strict=True)
    ]
    worst = int(np.argmax(relative))
    atom = int(flagged[worst])
    found = replace(
        flag,
        atom=atom,
        element=situation.symbols[atom],
        value=float(judged.errors[atom]),
        threshold=float(judged.limits[atom]),
        neighbour=nearest[worst],
    )
    largest = float(excess.max())
    is_trusted = memory.n_labels >= TRUSTED and not memory.watch.is_on
    if is_trusted and relative[worst] < 1.0 and largest < settings.screening_factor:
        return replace(
            found,
            action="skip",
            rule=RULE,
            reason="every flagged atom is close to a labelled environment",
        )
    is_far = np.isfinite(relative[worst]) and relative[worst] > FAR
    if memory.n_labels >= MATURE and is_far and largest > RUNAWAY:
        reason = "far outside every labelled environment"
        return replace(found, action="rewind", rule=RULE, reason=reason, is_doubt=True)
    return found
