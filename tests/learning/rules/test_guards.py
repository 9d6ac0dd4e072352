"""Guards: what no accepted step may break, and the labels on the way to a step that did."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rule_cases import POSITIONS, SETTINGS, observation, prediction, state, structure

from aofl.config.schema import GuardsConfig, LearningConfig
from aofl.learning.rules.guards import approach, guards


class TestGuards:
    def test_an_ordinary_step_passes(self) -> None:
        assert guards(observation(), state(), SETTINGS).action == "accept"

    def test_close_atoms_are_refused_also_across_the_boundary(self) -> None:
        positions = POSITIONS + np.array([9.9, 0.0, 0.0])
        positions[1] = [0.2, 0.0, 0.0]  # 0.3 Å from the oxygen through the cell face
        close = observation(structure=structure(positions), previous_positions=None)
        verdict = guards(close, state(), SETTINGS)
        assert (verdict.action, verdict.rule) == ("rewind", "guard")
        assert verdict.value == pytest.approx(0.3 / (0.66 + 0.31), rel=1e-6)

    def test_a_leap_is_refused(self) -> None:
        leapt = observation(previous_positions=POSITIONS + np.array([0.0, 0.31, 0.0]))
        verdict = guards(leapt, state(), SETTINGS)
        assert verdict.action == "rewind"
        assert verdict.value == pytest.approx(0.31)

    def test_a_huge_force_is_refused_and_named(self) -> None:
        forces = np.zeros((3, 3))
        forces[2, 1] = -61.0
        verdict = guards(observation(prediction=prediction(forces=forces)), state(), SETTINGS)
        assert (verdict.action, verdict.atom, verdict.element) == ("rewind", 2, "H")

    def test_of_the_first_structure_the_label_tells_the_force(self) -> None:
        strange = observation(prediction=prediction(forces=np.full((3, 3), 61.0)))
        first = replace(strange, previous_positions=None)
        assert guards(first, state(), SETTINGS).action == "accept"

    def test_nan_is_refused(self) -> None:
        forces = np.zeros((3, 3))
        forces[1, 0] = np.nan
        verdict = guards(observation(prediction=prediction(forces=forces)), state(), SETTINGS)
        assert (verdict.action, verdict.atom) == ("rewind", 1)

    def test_heat_is_refused_by_the_configured_limit(self) -> None:
        tight = LearningConfig(guards=GuardsConfig(max_temperature_K=400.0))
        assert guards(observation(temperature=401.0), state(), tight).action == "rewind"
        assert guards(observation(temperature=399.0), state(), tight).action == "accept"


class TestApproach:
    def labelled(self, refused: int, last: int) -> list[int]:
        """Return the steps that are labelled on the way to one that was refused."""
        known, found = state(refused_at=refused, last_label_step=last), []
        for step in range(last, refused + 5):
            if approach(observation(step=step), known, SETTINGS).action == "label":
                known = replace(known, last_label_step=step)
                found.append(step)
        return found

    def test_each_label_halves_what_is_left_to_the_refused_step(self) -> None:
        assert self.labelled(refused=116, last=100) == [108, 112, 114, 115]
        assert self.labelled(refused=101, last=100) == []

    def test_nothing_is_asked_where_nothing_was_refused_or_it_is_past(self) -> None:
        assert self.labelled(refused=-1, last=95) == []
        assert self.labelled(refused=90, last=95) == []
