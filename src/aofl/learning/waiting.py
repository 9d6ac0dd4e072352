"""Questions that are out: what a run has asked in the background and not learned yet.

An audit measures, and need not stop the run. With n processes in the background, its question is
sent away and the atoms go on with the forces of the force field. The answer is taken

    at the next step that waits for a label of its own, with all others that are out,
    or when more than n questions are out, the oldest first,

whichever comes first. Both are steps of the path and no times of a clock, so a run takes the same
path however fast its processes are, and one that was killed takes it again to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass

from aofl.learning.observation import Frame, Observation
from aofl.learning.question import Question
from aofl.records import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A question that is out.

    Attributes
    ----------
    frame, seen
        What was asked about, and what the force field said of it then; without its chemistry,
        which belongs to a step that is past when the answer comes.
    verdict
        Why it was asked.
    reactive
        Whether a reaction was being watched.
    """

    frame: Frame
    seen: Observation
    verdict: Verdict
    reactive: bool = False

    @property
    def question(self) -> Question:
        """What the oracle is asked."""
        return Question(
            frame=self.frame,
            prediction=self.seen.prediction,
            expected_errors=self.seen.judged.errors,
            step=self.seen.step,
            time_fs=self.seen.time_fs,
            rule=self.verdict.rule,
        )


def n_due(n_waiting: int, n_background: int, *, is_labelled: bool) -> int:
    """Return how many of the oldest questions are answered at the end of a step.

    Parameters
    ----------
    n_background
        Processes that answer beside the run.
    is_labelled
        Whether the step has waited for a label of its own.
    """
    return n_waiting if is_labelled else max(0, n_waiting - n_background)
