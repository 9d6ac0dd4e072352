"""What the target means, and the word about it where it cannot be kept.

The target is asked of the worst atom of a step: its force error, rms over x, y, z. A label is asked
for where the calibrated error of some atom exceeds the threshold of its element, and calibrated
means that a fifth of the labels show more (`aofl.bayes.calibration`). What labelling can reach of
an element is `ElementCalibration.reach`; where that is above the target, the threshold goes up with
it so that not every step is labelled, unless `learning.strict` forbids it.
"""

from __future__ import annotations

from aofl.learning.learner_state import TRUSTED, LearnerState
from aofl.records.events import TargetMissed

BEYOND = 1.1  # of the target: what is reached wavers by some percent from label to label
CHANGED = 1.25  # by this factor since it was told: worth another word


def word_about_target(state: LearnerState, step: int, time_fs: float) -> TargetMissed | None:
    """Return what there is to say of the target now, None where nothing changed.

    Said first after the tenth label, where what is reached is a tenth above the target, then
    whenever that has changed by a quarter, or the target is kept again.
    """
    reach = state.reach
    if state.n_labels < TRUSTED or not reach:
        return None
    reached = max(state.target, *reach.values())
    said = state.told_reach
    if said == 0.0:
        has_news = reached > BEYOND * state.target
    else:
        has_news = reached == state.target or not 1 / CHANGED < reached / said < CHANGED
    if not has_news:
        return None
    beyond = tuple(sorted(z for z, value in reach.items() if value > state.target))
    return TargetMissed(
        step=step,
        time_fs=time_fs,
        target_eV_per_A=state.target,
        reached_eV_per_A=reached,
        elements=beyond,
        message=_sentence(state, reached, beyond),
    )


def _sentence(state: LearnerState, reached: float, beyond: tuple[str, ...]) -> str:
    target = f"{1e3 * state.target:.0f} meV/Å"
    if not beyond:
        return f"the target of {target} is kept again"
    if state.is_strict:
        means = "`learning.strict` keeps it, so many steps will be labelled"
    else:
        means = "labels are asked for above that"
    return (
        f"the target of {target} is out of reach: forces on {', '.join(beyond)} can be off by "
        f"{1e3 * reached:.0f} meV/Å, and {means}; a larger `force_field.accuracy`, a lower "
        "temperature, more labels or a smoother reference lower it"
    )
