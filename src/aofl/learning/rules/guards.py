"""Guards: plain physics that no accepted step may break.

Checked in the order numbers, distance, displacement, force, temperature; the first that is broken
asks for a rewind to the last trusted frame. A structure beyond a guard is never labelled: it is
nonsense that an untrustworthy force made. What led there is (`approach`): the trusted frame itself,
then halfway to the step that was refused, halfway from there, and so on. Where this has come to the
step before, the forces of a label lead there, and a force that is too large is asked about
(`is_doubt`): that it is so large is the word of the force field alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from aofl.config.schema import LearningConfig
from aofl.learning.learner_state import LearnerState
from aofl.learning.observation import Observation, accept
from aofl.records import Verdict
from aofl.records.rule_names import APPROACH, GUARD

DEFAULT_TEMPERATURE_FACTOR = 5.0
LOWEST_LIMIT_K = 2000.0


def guards(seen: Observation, state: LearnerState, settings: LearningConfig) -> Verdict:
    """Return "rewind" if the step breaks physics, else "accept"."""
    for check in (_finite, _distance, _displacement, _force, _temperature):
        verdict = check(seen, settings)
        if verdict is not None:
            return verdict
    return accept(GUARD)


def approach(seen: Observation, state: LearnerState, settings: LearningConfig) -> Verdict:
    """Return "label" halfway between the last label and a step that was refused."""
    last, refused = state.last_label_step, state.refused_at
    if last < seen.step < refused and seen.step >= (last + refused + 1) // 2:
        return Verdict(
            action="label",
            rule=APPROACH,
            reason=f"on the way to step {refused}, which was refused",
        )
    return accept(APPROACH)


def _rewind(
    seen: Observation, reason: str, atom: int | None, value: float, limit: float, unit: str
) -> Verdict:
    element = seen.symbols[atom] if atom is not None else None
    return Verdict(
        action="rewind",
        rule=GUARD,
        reason=reason,
        atom=atom,
        element=element,
        value=value,
        threshold=limit,
        unit=unit,
    )


def _finite(seen: Observation, settings: LearningConfig) -> Verdict | None:
    bad = ~np.isfinite(seen.prediction.forces).all(axis=1)
    bad |= ~np.isfinite(seen.structure.positions).all(axis=1)
    if not bad.any():
        return None
    return Verdict(
        action="rewind",
        rule=GUARD,
        reason="a position or force is not a number",
        atom=int(bad.argmax()),
        element=seen.symbols[int(bad.argmax())],
    )


def _distance(seen: Observation, settings: LearningConfig) -> Verdict | None:
    limit = settings.guards.min_distance_fraction
    closest = seen.prediction.closest
    if closest is None or closest.relative >= limit:
        return None
    i, j, relative = closest
    return _rewind(
        seen,
        f"atoms {seen.symbols[i]}{i} and {seen.symbols[j]}{j} are too close",
        i,
        relative,
        limit,
        "sums of covalent radii",
    )


def _displacement(seen: Observation, settings: LearningConfig) -> Verdict | None:
    if seen.previous_positions is None:
        return None
    moved = np.linalg.norm(seen.structure.positions - seen.previous_positions, axis=1)
    atom, limit = int(moved.argmax()), settings.guards.max_step_A
    if moved[atom] <= limit:
        return None
    return _rewind(seen, "an atom moved too far in one step", atom, float(moved[atom]), limit, "Å")


def _force(seen: Observation, settings: LearningConfig) -> Verdict | None:
    if seen.previous_positions is None:
        return None  # of the first structure a label is made, and nothing is there to go back to
    size = np.linalg.norm(seen.prediction.forces, axis=1)
    atom, limit = int(size.argmax()), settings.guards.max_force_eV_per_A
    if size[atom] <= limit:
        return None
    found = _rewind(seen, "a force is too large", atom, float(size[atom]), limit, "eV/Å")
    return replace(found, is_doubt=True)


def _temperature(seen: Observation, settings: LearningConfig) -> Verdict | None:
    limit = settings.guards.max_temperature_K
    if limit is None:
        if seen.target_temperature is None:
            return None
        limit = max(DEFAULT_TEMPERATURE_FACTOR * seen.target_temperature, LOWEST_LIMIT_K)
    if seen.temperature <= limit:
        return None
    return _rewind(seen, "the atoms are too hot", None, seen.temperature, limit, "K")
