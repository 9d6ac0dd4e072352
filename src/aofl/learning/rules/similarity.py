"""Similarity screening: skip the call when the structure is already known.

Only the atoms that raised the uncertainty flag are looked at, each against the labelled
environments of its element; the maximum decides, never the average, because one breaking bond
among hundreds of atoms is invisible in an average. With x_i the environment of atom i (the damped
three-body functions, scaled to unit length: `aofl.forcefield.structure.environments`) and X_z what
labels have shown of its element:

    d_i = 1 - max_{x in X_z} x_i . x             cosine distance to the nearest labelled one
    D_z = median of d over well-predicted atoms  the usual distance (`LearnerState.distance_of`)
    r_i = d_i / (similarity_factor D_z)          known if r_i < 1

The call is skipped if all flagged atoms are known and the error of each is below
`screening_factor` times its threshold.

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
from aofl.records import FloatArray, IntArray, Neighbour, Verdict
from aofl.records.rule_names import SIMILARITY

RUNAWAY = 10.0  # thresholds
FAR = 10.0  # times the distance that still counts as known
MATURE = 20  # labels before "far outside" means anything


def similarity(
    flag: Verdict, seen: Observation, state: LearnerState, settings: LearningConfig
) -> Verdict:
    """Return `flag` confirmed, turned into a "skip", or turned into a "rewind"."""
    if state.n_labels == 0 or seen.judgement is None or seen.prediction.environments is None:
        return flag
    judged = seen.judgement
    excess = judged.errors / judged.limits
    flagged = np.flatnonzero(~(excess <= 1.0))  # an error that is not a number is not known
    nearest = state.nearest(seen.symbols, seen.prediction.environments, flagged)
    relative = _relative_distances(nearest, flagged, seen.symbols, state, settings)
    worst = int(np.argmax(relative))
    atom = int(flagged[worst])
    found = replace(
        flag,
        atom=atom,
        element=seen.symbols[atom],
        value=float(judged.errors[atom]),
        threshold=float(judged.limits[atom]),
        neighbour=nearest[worst],
    )
    largest = float(excess.max())
    is_trusted = state.n_labels >= TRUSTED and not state.watch.is_on
    screened_to = 1.0 if state.is_strict else settings.screening_factor
    if is_trusted and relative[worst] < 1.0 and largest < screened_to:
        reason = "every flagged atom is close to a labelled environment"
        return replace(found, action="skip", rule=SIMILARITY, reason=reason)
    is_far = np.isfinite(relative[worst]) and relative[worst] > FAR
    if state.n_labels >= MATURE and is_far and largest > RUNAWAY:
        reason = "far outside every labelled environment"
        return replace(found, action="rewind", rule=SIMILARITY, reason=reason, is_doubt=True)
    return found


def _relative_distances(
    nearest: list[Neighbour | None],
    flagged: IntArray,
    symbols: list[str],
    state: LearnerState,
    settings: LearningConfig,
) -> FloatArray:
    """Return r_i of each flagged atom; infinite where nothing can be compared."""
    reach = [settings.similarity_factor * state.distance_of(symbols[a]) for a in flagged]
    return np.array(
        [
            n.distance / r if n is not None and r > 0 else np.inf
            for n, r in zip(nearest, reach, strict=True)
        ]
    )
