"""Questions that are out: what a run has asked in the background and not learned yet."""

from __future__ import annotations

from dataclasses import dataclass, field

from aofl.learning.observation import Observation
from aofl.learning.question import Question
from aofl.learning.reaction_watch import ReactionWatch
from aofl.records import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A question that is out.

    Attributes
    ----------
    question, verdict
        What was asked, and why.
    seen
        What the force field said then; without its chemistry, which belongs to a step that is past
        when the answer comes.
    watch
        What was watched then.
    """

    question: Question
    verdict: Verdict
    seen: Observation
    watch: ReactionWatch = field(default_factory=ReactionWatch)
