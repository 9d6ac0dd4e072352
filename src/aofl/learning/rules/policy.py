"""The policy: the rules in their order, one verdict for each step.

    aofl   guards -> approach -> chemistry -> uncertainty -> similarity screening -> audit
    cofl   guards -> approach -> uncertainty, or the rule of a well-known code -> audit
    mlff   guards -> frozen model -> audit

A step that passes them all is accepted as it is. Where the forces of a label led to it, what would
rewind on the word of the force field alone is asked about instead: the structure is no nonsense
then. What asks for a label is held against the budget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from aofl.config.schema import LearningConfig
from aofl.learning.learner_state import LearnerState
from aofl.learning.observation import Observation, accept
from aofl.learning.rules.audit import audit, random_audit
from aofl.learning.rules.baselines import flare_like, vasp_like
from aofl.learning.rules.budget import within_budget
from aofl.learning.rules.chemistry import chemistry
from aofl.learning.rules.frozen_model import frozen_model
from aofl.learning.rules.guards import approach, guards
from aofl.learning.rules.similarity import similarity
from aofl.learning.rules.uncertainty import uncertainty
from aofl.records import Mode as ModeName
from aofl.records import Verdict

Rule = Callable[[Observation, LearnerState, LearningConfig], Verdict]


def screened_uncertainty(
    seen: Observation, state: LearnerState, settings: LearningConfig
) -> Verdict:
    """Return the verdict of the uncertainty rule after similarity screening."""
    flag = uncertainty(seen, state, settings)
    if flag.action != "label":
        return flag
    return similarity(flag, seen, state, settings)


RULES: dict[ModeName, tuple[Rule, ...]] = {
    "aimd": (),
    "cofl": (guards, approach, uncertainty, audit),
    "aofl": (guards, approach, chemistry, screened_uncertainty, audit),
    "mlff": (guards, frozen_model, audit),
}
RIVALS: dict[str, tuple[Rule, ...]] = {
    "vasp": (guards, vasp_like, random_audit),
    "flare": (guards, flare_like, random_audit),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """What a mode does, said once.

    Attributes
    ----------
    rules
        In their order.
    has_force_field
        Whether a force field makes the forces; without one the reference makes all of them.
    learns
        Whether the force field learns labels.
    learns_random_audits
        Those too; of a rival they only measure the error.
    looks_at_every_step
        At the deviations of the forces, as a rival that knows no better.
    watches_bonds
        Whether the rules see the chemistry.
    undoes_surprises
        Whether a label that is far off undoes the steps that led to it.
    """

    name: ModeName
    rules: tuple[Rule, ...]
    has_force_field: bool = True
    learns: bool = True
    learns_random_audits: bool = True
    looks_at_every_step: bool = False
    watches_bonds: bool = False
    undoes_surprises: bool = False

    @property
    def is_frozen(self) -> bool:
        """Whether a force field makes the forces and does not learn."""
        return self.has_force_field and not self.learns


def mode_of(name: ModeName, settings: LearningConfig) -> Mode:
    """Return what a mode does under some settings."""
    rules = RULES[name]
    match name:
        case "aimd":
            return Mode(name=name, rules=rules, has_force_field=False, learns=False)
        case "mlff":
            return Mode(name=name, rules=rules, learns=False)
        case "aofl":
            return Mode(name=name, rules=rules, watches_bonds=True, undoes_surprises=True)
        case "cofl" if settings.cofl_rule in RIVALS:
            return Mode(
                name=name,
                rules=RIVALS[settings.cofl_rule],
                learns_random_audits=False,
                looks_at_every_step=True,
            )
        case "cofl":
            return Mode(name=name, rules=rules)


def decide(
    rules: tuple[Rule, ...], seen: Observation, state: LearnerState, settings: LearningConfig
) -> Verdict:
    """Return the first verdict that is not "accept"; a skip may still be audited."""
    skipped: Verdict | None = None
    for rule in rules:
        verdict = rule(seen, state, settings)
        if verdict.action == "rewind" and verdict.is_doubt and seen.is_after_label:
            verdict = replace(verdict, action="label")
        if verdict.action == "label":
            verdict = within_budget(verdict, seen, state, settings)
        if verdict.action == "skip":
            skipped = verdict
        elif verdict.action != "accept":
            return verdict
    return skipped or accept("policy")
