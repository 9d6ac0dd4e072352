"""A label that failed: the force field goes on alone for a while, or the run stops."""

from __future__ import annotations

from aofl.errors import ReferenceFailed
from aofl.learning.step_result import Now, Refused, Told, Unlabelled
from aofl.learning.update import with_failure
from aofl.records import Verdict
from aofl.records.events import LabelFailed

MAX_FAILURES = 10  # labels in a row


def without_label(now: Now, failure: ReferenceFailed, *, goes_on: bool) -> Refused | Unlabelled:
    """Go on without a label for a while, or stop where nothing can replace it.

    Parameters
    ----------
    goes_on
        Whether a label that fails may be done without.
    """
    step, is_trained = now.seen.step, now.model.learned is not None
    if not (is_trained and goes_on):
        why = "`labels.on_failure` is stop" if is_trained else "nothing can replace it"
        reason = f"no label at step {step} and {why}: {failure}"
        return Refused(verdict=stop(reason), state=now.state, told=now.told, failure=failure)
    state = with_failure(now.state, step)
    event = LabelFailed(step=step, time_fs=now.seen.time_fs, message=str(failure))
    told = now.told + Told(events=(event,))
    if state.failures < MAX_FAILURES:
        return Unlabelled(state=state, told=told)
    reason = f"the reference failed {state.failures} times in a row, last at step {step}: {failure}"
    return Refused(verdict=stop(reason), state=state, told=told, failure=failure)


def stop(reason: str) -> Verdict:
    """Return the verdict that nothing can go on without the reference."""
    return Verdict(action="stop", rule="reference", reason=reason)
