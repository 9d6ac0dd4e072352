"""The policy: the rules in their order, one verdict for each step.

    aofl   guards -> approach -> chemistry -> uncertainty -> similarity screening -> audit
    cofl   guards -> approach -> uncertainty, or the rule of a well-known code -> audit
    mlff   guards -> production -> audit

A step that passes them all is accepted as it is. Where the forces of a label led to it, what would
rewind on the word of the force field alone is asked about instead: the structure is no nonsense
then. What asks for a label is held against the budget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aofl.config.schema import LearningConfig
from aofl.learning.learner_state import LearnerState
from aofl.learning.observation import Observation, accept
from aofl.learning.rules.audit import audit, random_audit
from aofl.learning.rules.baselines import flare_like, vasp_like
from aofl.learning.rules.budget import within_budget
from aofl.learning.rules.chemistry import chemistry
from aofl.learning.rules.frozen_model import production
from aofl.learning.rules.guards import approach, guards
from aofl.learning.rules.similarity import similarity
from aofl.learning.rules.uncertainty import uncertainty
from aofl.records import Mode, Verdict

Rule = Callable[[Observation, LearnerState, LearningConfig], Verdict]


def screened_uncertainty(
    situation: Observation, memory: LearnerState, settings: LearningConfig
) -> Verdict:
    """Return the verdict of the uncertainty rule after similarity screening."""
    flag = uncertainty(situation, memory, settings)
    if flag.action != "label":
        return flag
    return similarity(flag, situation, memory, settings)


RULES: dict[Mode, tuple[Rule, ...]] = {
    "aimd": (),
    "cofl": (guards, approach, uncertainty, audit),
    "aofl": (guards, approach, chemistry, screened_uncertainty, audit),
    "mlff": (guards, production, audit),
}
CONVENTIONAL: dict[str, tuple[Rule, ...]] = {
    "calibrated": RULES["cofl"],
    "vasp": (guards, vasp_like, random_audit),
    "flare": (guards, flare_like, random_audit),
}


def rules_of(mode: Mode, settings: LearningConfig) -> tuple[Rule, ...]:
    """Return the rules of a mode, in their order."""
    return CONVENTIONAL[settings.cofl_rule] if mode == "cofl" else RULES[mode]


def decide(
    rules: tuple[Rule, ...], situation: Observation, memory: LearnerState, settings: LearningConfig
) -> Verdict:
    """Return the first verdict that is not "accept"; a skip may still be audited."""
    skipped: Verdict | None = None
    for rule in rules:
        verdict = rule(situation, memory, settings)
        if verdict.action == "rewind" and verdict.is_doubt and situation.is_after_label:
            verdict = replace(verdict, action="label")
        if verdict.action == "label":
            verdict = within_budget(verdict, situation, memory, settings)
        if verdict.action == "skip":
            skipped = verdict
        elif verdict.action != "accept":
            return verdict
    return skipped or accept("policy")
