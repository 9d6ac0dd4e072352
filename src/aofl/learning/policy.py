"""The policy: the rules in their order, one verdict for each step.

    guards -> uncertainty -> similarity screening (aofl only) -> audit

A step that passes them all is accepted as it is.
"""

from __future__ import annotations

from collections.abc import Callable

from aofl.config.schema import LearningConfig
from aofl.learning.audit import audit
from aofl.learning.guards import guards
from aofl.learning.memory import Memory
from aofl.learning.similarity import similarity
from aofl.learning.situation import Situation, accept
from aofl.learning.uncertainty import uncertainty
from aofl.records import Mode, Verdict

Rule = Callable[[Situation, Memory, LearningConfig], Verdict]


def screened_uncertainty(situation: Situation, memory: Memory, settings: LearningConfig) -> Verdict:
    """Return the verdict of the uncertainty rule after similarity screening."""
    flag = uncertainty(situation, memory, settings)
    if flag.action != "label":
        return flag
    return similarity(flag, situation, memory, settings)


RULES: dict[Mode, tuple[Rule, ...]] = {
    "aimd": (),
    "cofl": (guards, uncertainty, audit),
    "aofl": (guards, screened_uncertainty, audit),
    "mlff": (guards, audit),
}


def decide(
    rules: tuple[Rule, ...], situation: Situation, memory: Memory, settings: LearningConfig
) -> Verdict:
    """Return the first verdict that is not "accept"; a skip may still be audited."""
    skipped: Verdict | None = None
    for rule in rules:
        verdict = rule(situation, memory, settings)
        if verdict.action == "skip":
            skipped = verdict
        elif verdict.action != "accept":
            return verdict
    return skipped or accept("policy")
