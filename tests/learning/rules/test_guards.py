"""Guards: what no accepted step may break, and the labels on the way to a step that did."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rule_cases import POSITIONS, SETTINGS, observation, prediction, state, structure

from aofl.config.schema import GuardsConfig, LearningConfig
from aofl.learning.observation import Observation
from aofl.learning.rules.guards import approach, guards
from aofl.records import Verdict


def guarded(seen: Observation, **limits: Any) -> Verdict:
    return guards(seen, state(), LearningConfig(guards=GuardsConfig(**limits)))


def with_forces(atom: int, force: list[float], **changes: Any) -> Observation:
    forces = np.zeros((3, 3))
    forces[atom] = force
    return observation(prediction=prediction(forces=forces), **changes)


def moved(atom: int, by: list[float]) -> Observation:
    """Return an observation of atoms one of which has come from so far away, Å."""
    previous = POSITIONS.copy()
    previous[atom] -= by
    return observation(previous_positions=previous)


def test_an_ordinary_step_passes() -> None:
    verdict = guards(observation(), state(), SETTINGS)
    assert (verdict.action, verdict.rule) == ("accept", "guard")


class TestNumbers:
    @pytest.mark.parametrize("what", ["force", "position"])
    @pytest.mark.parametrize("atom", [0, 1, 2])
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_the_atom_of_the_first_strange_number_is_named(
        self, what: str, atom: int, value: float
    ) -> None:
        array = np.zeros((3, 3)) if what == "force" else POSITIONS.copy()
        array[atom:, atom] = value
        seen = (
            observation(prediction=prediction(forces=array))
            if what == "force"
            else observation(structure=structure(array))
        )
        verdict = guards(seen, state(), SETTINGS)
        assert (verdict.action, verdict.rule, verdict.atom) == ("rewind", "guard", atom)
        assert verdict.element == "OHH"[atom]
        assert "not a number" in verdict.reason
        assert not verdict.is_doubt  # asking the reference about it would help nobody


class TestDistance:
    def at(self, distance: float) -> Observation:
        """Return a molecule with its first hydrogen so far from the oxygen, Å."""
        positions = POSITIONS.copy()
        positions[1] = [distance, 0.0, 0.0]
        return observation(structure=structure(positions), previous_positions=None)

    def test_close_atoms_are_refused_also_across_the_boundary(self) -> None:
        positions = POSITIONS + np.array([9.9, 0.0, 0.0])
        positions[1] = [0.2, 0.0, 0.0]  # 0.3 Å from the oxygen through the cell face
        close = observation(structure=structure(positions), previous_positions=None)
        verdict = guards(close, state(), SETTINGS)
        assert (verdict.action, verdict.rule) == ("rewind", "guard")
        assert verdict.value == pytest.approx(0.3 / (0.66 + 0.31), rel=1e-6)

    @pytest.mark.parametrize(("fraction", "action"), [(0.499, "rewind"), (0.501, "accept")])
    def test_the_limit_is_a_fraction_of_the_sum_of_the_covalent_radii(
        self, fraction: float, action: str
    ) -> None:
        assert guarded(self.at(fraction * 0.97)).action == action

    def test_the_limit_is_the_configured_one(self) -> None:
        assert guarded(self.at(0.4), min_distance_fraction=0.4).action == "accept"
        assert guarded(self.at(0.4), min_distance_fraction=0.42).action == "rewind"

    def test_of_several_pairs_the_closest_is_named(self) -> None:
        positions = np.array([[0.0, 0.0, 0.0], [0.45, 0.0, 0.0], [0.0, 0.3, 0.0]])
        verdict = guarded(observation(structure=structure(positions)))
        assert (verdict.atom, verdict.element) == (0, "O")
        assert "O0 and H2" in verdict.reason
        assert verdict.value == pytest.approx(0.3 / 0.97)
        assert (verdict.threshold, verdict.unit) == (0.5, "sums of covalent radii")
        assert not verdict.is_doubt


class TestDisplacement:
    @pytest.mark.parametrize(
        ("by", "action"), [(0.25, "accept"), (np.nextafter(0.25, 1.0), "rewind")]
    )
    def test_a_step_as_long_as_the_limit_is_allowed_and_no_longer_one(
        self, by: float, action: str
    ) -> None:
        seen = observation(previous_positions=np.zeros((3, 3)), structure=structure(self.apart(by)))
        assert guarded(seen, max_step_A=0.25).action == action

    def apart(self, x: float) -> np.ndarray:
        """Return atoms of which the first has come x from the origin, the others not at all."""
        positions = np.zeros((3, 3))
        positions[0, 0] = x
        return positions

    @pytest.fixture(autouse=True)
    def no_contacts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let atoms that lie on one another pass the check of distances."""
        monkeypatch.setattr("aofl.learning.rules.guards._distance", lambda *_: None)

    def test_the_length_of_the_way_counts_and_the_atom_that_went_farthest_is_named(self) -> None:
        verdict = guarded(moved(2, [0.2, -0.2, 0.2]))  # 0.35 Å, no component beyond 0.3 Å
        assert (verdict.action, verdict.rule, verdict.atom) == ("rewind", "guard", 2)
        assert (verdict.element, verdict.threshold, verdict.unit) == ("H", 0.3, "Å")
        assert verdict.value == pytest.approx(0.2 * np.sqrt(3))
        assert not verdict.is_doubt

    def test_a_run_that_begins_has_come_from_nowhere(self) -> None:
        seen = replace(moved(2, [1.0, 0.0, 0.0]), previous_positions=None)
        assert guarded(seen).action == "accept"


class TestForce:
    @pytest.mark.parametrize(
        ("size", "action"), [(64.0, "accept"), (np.nextafter(64.0, 65.0), "rewind")]
    )
    def test_a_force_at_the_limit_is_allowed_and_none_above(self, size: float, action: str) -> None:
        assert guarded(with_forces(1, [0.0, size, 0.0]), max_force_eV_per_A=64.0).action == action

    def test_the_largest_force_is_named_and_on_its_word_alone_nothing_is_sure(self) -> None:
        verdict = guarded(with_forces(2, [40.0, -40.0, 40.0]))
        assert (verdict.action, verdict.rule, verdict.atom) == ("rewind", "guard", 2)
        assert (verdict.element, verdict.threshold, verdict.unit) == ("H", 60.0, "eV/Å")
        assert verdict.value == pytest.approx(40.0 * np.sqrt(3))
        assert verdict.is_doubt

    def test_of_the_first_structure_the_label_tells_the_force(self) -> None:
        strange = with_forces(0, [99.0, 0.0, 0.0], previous_positions=None)
        assert guarded(strange).action == "accept"


class TestTemperature:
    @pytest.mark.parametrize(
        ("limit", "target", "highest"),
        [(400.0, 300.0, 400.0), (400.0, None, 400.0), (None, 300.0, 2000.0), (None, 400.0, 2000.0),
         (None, 500.0, 2500.0)],
    )  # fmt: skip
    def test_the_limit_is_configured_or_five_targets_but_at_least_2000_kelvin(
        self, limit: float | None, target: float | None, highest: float
    ) -> None:
        at, above = (
            guarded(observation(temperature=t, target_temperature=target), max_temperature_K=limit)
            for t in (highest, np.nextafter(highest, 1e9))
        )
        assert at.action == "accept"
        assert (above.action, above.rule, above.atom, above.element) == (
            "rewind", "guard", None, None,
        )  # fmt: skip
        assert (above.value, above.threshold, above.unit) == (
            np.nextafter(highest, 1e9), highest, "K",
        )  # fmt: skip
        assert not above.is_doubt

    def test_without_a_thermostat_no_heat_is_too_much(self) -> None:
        hot = observation(temperature=1e6, target_temperature=None)
        assert guarded(hot).action == "accept"


def test_guards_are_checked_in_the_order_numbers_distance_displacement_force_temperature() -> None:
    """A step that breaks all of them, mended one after the other."""
    close = POSITIONS.copy()
    close[1] = [0.3, 0.0, 0.0]
    strange, huge = np.full((3, 3), np.nan), np.full((3, 3), 99.0)
    at, near, leapt = structure(), structure(close), POSITIONS + 1.0
    cases: list[tuple[dict[str, Any], str]] = [
        ({"structure": near, "previous_positions": leapt, "forces": strange}, "not a number"),
        ({"structure": near, "previous_positions": leapt, "forces": huge}, "too close"),
        ({"structure": at, "previous_positions": leapt, "forces": huge}, "moved too far"),
        ({"structure": at, "previous_positions": POSITIONS, "forces": huge}, "force is too large"),
        ({"structure": at, "previous_positions": POSITIONS, "forces": np.zeros((3, 3))}, "too hot"),
    ]
    for changes, reason in cases:
        said = prediction(forces=changes.pop("forces"))
        seen = observation(temperature=1e5, prediction=said, **changes)
        assert reason in guards(seen, state(), SETTINGS).reason


class TestApproach:
    def labelled(self, refused: int, last: int) -> list[int]:
        """Return the steps that are labelled on the way to one that was refused."""
        known, found = state(refused_at=refused, last_label_step=last), []
        for step in range(last, refused + 5):
            if approach(observation(step=step), known, SETTINGS).action == "label":
                known = replace(known, last_label_step=step)
                found.append(step)
        return found

    @pytest.mark.parametrize(
        ("refused", "steps"),
        [(116, [108, 112, 114, 115]), (117, [109, 113, 115, 116]), (102, [101]), (101, [])],
    )
    def test_each_label_halves_what_is_left_to_the_refused_step(
        self, refused: int, steps: list[int]
    ) -> None:
        assert self.labelled(refused=refused, last=100) == steps

    def test_nothing_is_asked_where_nothing_was_refused_or_it_is_past(self) -> None:
        assert self.labelled(refused=-1, last=95) == []
        assert self.labelled(refused=90, last=95) == []

    def test_such_a_label_says_what_it_is_for(self) -> None:
        verdict = approach(observation(step=110), state(refused_at=120), SETTINGS)
        assert (verdict.action, verdict.rule) == ("label", "rewind")
        assert "step 120" in verdict.reason
        assert approach(observation(step=120), state(refused_at=120), SETTINGS).rule == "rewind"
