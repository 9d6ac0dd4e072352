"""Conventional on-the-fly learning as its best-known codes do it: the rivals, as plain rules.

Both look at the largest posterior deviation u of a force (rms over x, y, z), without calibration,
screening, chemistry or scheduled audits. Random audits measure them, and are not learned from.

`vasp_like`: the threshold is (1 + cx) times the mean of the last ten errors, each taken on a
structure right after it was learned; it moves only while they are steady (relative standard error
below 0.4, relative slope below 0.2). Labels are at least ten steps apart, unless the error is twice
the threshold. After R. Jinnouchi, F. Karsai, G. Kresse, Phys. Rev. B 100, 014105 (2019), with the
update of the threshold as the documentation of VASP has it (ML_ICRITERIA = 1).

`flare_like`: the threshold is a multiple of the noise of the forces. After J. Vandermause et al.,
npj Comput. Mater. 6, 20 (2020). FLARE moves on with the updated forces, this on the label's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aofl.config.schema import LearningConfig
from aofl.learning.learner_state import LearnerState
from aofl.learning.observation import Observation, accept
from aofl.learning.rules.uncertainty import first_label
from aofl.records import Verdict
from aofl.records.rule_names import FLARE_LIKE, VASP_LIKE

SPACING = 10  # steps
AT_ONCE = 2.0  # thresholds
STEADY, LEVEL = 0.4, 0.2  # relative standard error and slope of the history
HISTORY = 10


def vasp_like(seen: Observation, state: LearnerState, settings: LearningConfig) -> Verdict:
    """Return "label" if the error is above the threshold and the last label not too recent."""
    verdict = _above(seen, state, VASP_LIKE, state.vasp_threshold)
    if verdict.action != "label" or verdict.value is None:
        return verdict
    is_recent = seen.step - state.last_label_step < SPACING
    if is_recent and verdict.value <= AT_ONCE * state.vasp_threshold:
        return accept(VASP_LIKE)
    return verdict


def flare_like(seen: Observation, state: LearnerState, settings: LearningConfig) -> Verdict:
    """Return "label" if the error is above a multiple of the force noise."""
    return _above(seen, state, FLARE_LIKE, settings.flare_multiple * state.force_noise)


def updated_threshold(threshold: float, history: Sequence[float], cx: float) -> float:
    """Return the threshold of `vasp_like` after a label, eV/Å.

    Parameters
    ----------
    history
        Errors after the last labels, eV/Å; fewer than `HISTORY` change nothing.
    cx
        ML_CX.
    """
    recent = np.array(history[-HISTORY:])
    if len(recent) < HISTORY:
        return threshold
    mean = float(recent.mean())
    error = float(recent.std(ddof=1)) / np.sqrt(len(recent))
    slope = float(np.polyfit(np.arange(len(recent)), recent, 1)[0])
    is_steady = error < STEADY * mean and abs(slope) < LEVEL * mean
    return (1.0 + cx) * mean if is_steady else threshold


def _above(seen: Observation, state: LearnerState, rule: str, threshold: float) -> Verdict:
    if state.n_labels == 0:
        return first_label(seen, state)
    if seen.prediction.forces_std is None:
        return accept(rule)
    size = np.sqrt(np.mean(seen.prediction.forces_std**2, axis=1))
    atom = int(size.argmax())
    if size[atom] <= threshold:
        return accept(rule)
    return Verdict(
        action="label",
        rule=rule,
        reason="deviation of a force above the threshold",
        atom=atom,
        element=seen.symbols[atom],
        value=float(size[atom]),
        threshold=threshold,
        unit="eV/Å",
    )
