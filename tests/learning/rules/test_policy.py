"""The policy: which rules a mode follows, and whose verdict it takes."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rule_cases import POSITIONS, SETTINGS, SYMBOLS, observation, prediction, snapshot, state

from aofl.config.schema import BudgetConfig, LearningConfig
from aofl.learning.learner_state import LearnerState
from aofl.learning.observation import Observation
from aofl.learning.reaction_watch import ReactionWatch
from aofl.learning.rules.audit import audit, random_audit
from aofl.learning.rules.baselines import flare_like, vasp_like
from aofl.learning.rules.chemistry import chemistry
from aofl.learning.rules.frozen_model import frozen_model
from aofl.learning.rules.guards import approach, guards
from aofl.learning.rules.policy import (
    RIVALS,
    RULES,
    Mode,
    Rule,
    decide,
    mode_of,
    screened_uncertainty,
)
from aofl.learning.rules.uncertainty import uncertainty
from aofl.records import Verdict

KNOWING = state(usual_distance={"O": (0.01,), "H": (0.01,)}).remembering(
    SYMBOLS, np.eye(3), label_id=7
)


def saying(action: str, rule: str = "toy", **changes: Any) -> Rule:
    """Return a rule that always says the same."""
    verdict = Verdict(action=action, rule=rule, reason="", **changes)  # type: ignore[arg-type]
    return lambda *_: verdict


def never(*_: Any) -> Verdict:
    raise AssertionError("a rule was asked after the verdict had been found")


class TestModes:
    def test_the_rules_of_each_mode_in_their_order(self) -> None:
        assert dict(RULES) == {
            "aimd": (),
            "cofl": (guards, approach, uncertainty, audit),
            "aofl": (guards, approach, chemistry, screened_uncertainty, audit),
            "mlff": (guards, frozen_model, audit),
        }
        assert dict(RIVALS) == {
            "vasp": (guards, vasp_like, random_audit),
            "flare": (guards, flare_like, random_audit),
        }

    @pytest.mark.parametrize(
        ("name", "force_field", "learns", "bonds", "undoes", "frozen"),
        [("aimd", False, False, False, False, False), ("mlff", True, False, False, False, True),
         ("cofl", True, True, False, False, False), ("aofl", True, True, True, True, False)],
    )  # fmt: skip
    def test_what_a_mode_does(
        self, name: Any, force_field: bool, learns: bool, bonds: bool, undoes: bool, frozen: bool
    ) -> None:
        mode = mode_of(name, SETTINGS)
        assert mode == Mode(
            name=name,
            rules=RULES[name],
            has_force_field=force_field,
            learns=learns,
            learns_random_audits=True,
            looks_at_every_step=False,
            watches_bonds=bonds,
            undoes_surprises=undoes,
        )
        assert mode.is_frozen is frozen

    @pytest.mark.parametrize("name", ["aimd", "aofl", "mlff"])
    def test_only_cofl_follows_a_rival(self, name: Any) -> None:
        assert mode_of(name, LearningConfig(cofl_rule="vasp")) == mode_of(name, SETTINGS)

    @pytest.mark.parametrize("rule", ["vasp", "flare"])
    def test_a_rival_looks_at_every_step_and_is_only_measured_by_random_audits(
        self, rule: str
    ) -> None:
        mode = mode_of("cofl", LearningConfig(cofl_rule=rule))
        assert mode == Mode(
            name="cofl",
            rules=RIVALS[rule],
            has_force_field=True,
            learns=True,
            learns_random_audits=False,
            looks_at_every_step=True,
            watches_bonds=False,
            undoes_surprises=False,
        )


class TestDecide:
    def decided(self, *rules: Rule, seen: Observation | None = None, **known: Any) -> Verdict:
        return decide(rules, seen or observation(), state(**known), SETTINGS)

    def test_what_all_rules_accept_is_accepted(self) -> None:
        for rules in ((), (saying("accept"), saying("accept"))):
            verdict = self.decided(*rules)
            assert (verdict.action, verdict.rule) == ("accept", "policy")

    @pytest.mark.parametrize("action", ["label", "rewind", "stop"])
    def test_the_first_rule_that_has_something_against_the_step_decides(self, action: str) -> None:
        verdict = self.decided(saying("accept"), saying(action, "first"), never)
        assert (verdict.action, verdict.rule) == (action, "first")

    def test_what_was_skipped_may_still_be_audited(self) -> None:
        skip = saying("skip", "similarity")
        assert self.decided(skip, saying("label", "audit")).rule == "audit"
        assert self.decided(skip, saying("accept")).rule == "similarity"

    @pytest.mark.parametrize(
        ("is_doubt", "is_after_label", "action"),
        [(True, True, "label"), (True, False, "rewind"), (False, True, "rewind"),
         (False, False, "rewind")],
    )  # fmt: skip
    def test_a_doubt_is_asked_about_where_the_forces_of_a_label_led(
        self, is_doubt: bool, is_after_label: bool, action: str
    ) -> None:
        seen = observation(is_after_label=is_after_label)
        verdict = self.decided(saying("rewind", "guard", is_doubt=is_doubt), never, seen=seen)
        assert (verdict.action, verdict.rule) == (action, "guard")

    def test_what_asks_for_a_label_is_held_against_the_budget(self) -> None:
        spent = LearningConfig(budget=BudgetConfig(max_labels=5))
        led = observation(is_after_label=True)
        for rule in (saying("label"), saying("rewind", is_doubt=True)):
            verdict = decide((rule,), led, state(n_asked=5), spent)
            assert (verdict.action, verdict.rule) == ("stop", "budget")
        for rule in (saying("rewind"), saying("skip"), saying("accept")):
            assert decide((rule,), led, state(n_asked=5), spent).rule in ("toy", "policy")

    def test_what_the_budget_skips_may_still_be_audited(self) -> None:
        few = LearningConfig(budget=BudgetConfig(max_labels_per_ps=1))
        doubt = saying("label", "uncertainty", value=0.4, threshold=0.3)
        busy = state(label_steps=(99,))
        assert decide((doubt, saying("accept")), observation(), busy, few).rule == "budget"
        assert decide((doubt, saying("label", "audit")), observation(), busy, few).rule == "audit"


class TestWholeModes:
    def test_where_a_label_led_a_runaway_is_asked_about(self) -> None:
        environments = np.eye(3)[[1, 0, 0]]
        lost = observation(prediction=prediction(5.0, environments=environments))
        led = replace(lost, is_after_label=True)
        assert decide(RULES["aofl"], lost, KNOWING, SETTINGS).action == "rewind"
        assert decide(RULES["aofl"], led, KNOWING, SETTINGS).action == "label"

    @pytest.mark.parametrize("mode", ["aofl", "cofl"])
    def test_a_huge_force_is_asked_about_where_a_label_led(self, mode: Any) -> None:
        huge = observation(prediction=prediction(forces=np.full((3, 3), 61.0)))
        led = replace(huge, is_after_label=True)
        leapt = replace(led, previous_positions=POSITIONS + np.array([0.0, 0.31, 0.0]))
        actions = [decide(RULES[mode], x, state(), SETTINGS).action for x in (huge, led, leapt)]
        assert actions == ["rewind", "label", "rewind"]

    def test_only_aofl_screens(self) -> None:
        flagged = observation(prediction=prediction(0.2))
        actions = {
            name: decide(rules, flagged, KNOWING, SETTINGS).action for name, rules in RULES.items()
        }
        assert actions == {"aimd": "accept", "cofl": "label", "aofl": "skip", "mlff": "accept"}

    @pytest.mark.parametrize("rule", ["vasp", "flare"])
    def test_the_rivals_neither_screen_nor_schedule_audits(self, rule: str) -> None:
        rules = mode_of("cofl", LearningConfig(cofl_rule=rule)).rules
        quiet = state(force_noise=0.1, vasp_threshold=0.1, last_label_step=-1000)
        calm, wild = (observation(prediction=prediction(std)) for std in (0.01, 1.0))
        assert decide(rules, calm, quiet, SETTINGS).action == "accept"
        first = decide(rules, wild, state(n_labels=0), SETTINGS)
        assert (first.action, first.rule) == ("label", "initial")


SEEN = {
    "calm": observation(),
    "unsure": observation(prediction=prediction(0.2)),
    "lost": observation(prediction=prediction(5.0, environments=np.eye(3)[[1, 0, 0]])),
    "changed": observation(chemistry=snapshot("H-O broken", species=("HO:2",)), can_rewind=True),
    "hot": observation(temperature=1e5),
}
KNOWN = {
    "nothing": state(n_labels=0, calibration={}),
    "much": KNOWING,
    "a reaction": replace(KNOWING, watch=ReactionWatch(gap=8, due=90, kinds=("H-O broken",))),
    "unsure": replace(KNOWING, n_unsure=9, force_noise=0.01, vasp_threshold=0.1),
}
EVERY = {rule.__name__: rule for rules in (*RULES.values(), *RIVALS.values()) for rule in rules}


@pytest.mark.parametrize("rule", EVERY.values(), ids=EVERY.keys())
@pytest.mark.parametrize("seen", SEEN.values(), ids=SEEN.keys())
@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN.keys())
def test_a_rule_writes_nothing_and_says_the_same_twice(
    rule: Rule, seen: Observation, known: LearnerState
) -> None:
    before = pickle.dumps((seen, known))
    first, again = (rule(seen, known, SETTINGS) for _ in range(2))
    assert first == again
    assert first.action == "accept" or first.reason
    assert pickle.dumps((seen, known)) == before
