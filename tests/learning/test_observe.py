"""Observing: when the deviations and the bonds are looked at, and what is made of them."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rule_cases import SETTINGS, SYMBOLS, judgement, observation, prediction, state, structure

from aofl.config.schema import LearningConfig
from aofl.learning.learner_state import LearnerState, PathState
from aofl.learning.observation import Frame, Observation
from aofl.learning.observe import Conditions, looked_at, observe, observe_fully, with_molecules
from aofl.learning.reaction_watch import ReactionWatch
from aofl.learning.rules.policy import mode_of
from aofl.learning.timing import Timing
from aofl.records import FloatArray, Prediction
from aofl.schedule import Schedule
from aofl.structure import Structure

ENERGIES_STD = np.array([0.5, 0.25, 0.25])
POSITIONS = structure().positions + 0.01


class ToyModel:
    """A force field that gives its deviations where they are asked for, and notes each call."""

    def __init__(self, energies_std: FloatArray | None = ENERGIES_STD, std: float = 0.01) -> None:
        self.energies_std, self.std = energies_std, std
        self.looks: list[str | None] = []

    def predict(
        self, atoms: Structure, *, forces_std: str | None = None, energies_std: bool = False
    ) -> Prediction:
        assert energies_std  # they come with every prediction of a step
        self.looks.append(forces_std)
        std = self.std if forces_std else None
        return prediction(std, energies_std=self.energies_std, environments=None)

    def environments(self, atoms: Structure) -> FloatArray:
        return np.eye(3)


def conditions(name: Any = "cofl", rule: Any = "calibrated", **changes: Any) -> Conditions:
    settings = LearningConfig(cofl_rule=rule)
    return Conditions(mode=mode_of(name, settings), settings=settings, **changes)


def before(step: int, *, error: float | None = 0.1, **changes: Any) -> LearnerState:
    """Return the state before a step, with this error at the last look and a limit of 0.25."""
    path = PathState(
        step=step - 1, error=error, limit=0.25, previous_positions=POSITIONS, source="ff"
    )
    known = {"seen_energies_std": tuple(ENERGIES_STD.tolist()), "path": path, **changes}
    return state(**known)


FRAME = Frame(structure=structure(), temperature=310.0, can_rewind=True)


def observed(
    known: LearnerState, given: Conditions | None = None, model: ToyModel | None = None
) -> tuple[Observation, list[str | None]]:
    """Return what is seen, and how the model was asked: None without deviations of forces."""
    toy: Any = model or ToyModel()
    return observe(FRAME, toy, known, given or conditions(), Timing()), toy.looks


def has_looked(known: LearnerState, *given: Any, **changes: Any) -> bool:
    return observed(known, *given, **changes)[0].judgement is not None


class TestDeviations:
    @pytest.mark.parametrize(
        ("step", "is_due"), [(0, True), (1, False), (99, False), (100, True), (101, False),
                             (104, False), (105, True)],
    )  # fmt: skip
    def test_they_are_looked_at_every_fifth_step(self, step: int, is_due: bool) -> None:
        seen, looks = observed(before(step))
        assert looks == (["sampled"] if is_due else [None])
        assert (seen.judgement is not None) is is_due
        assert (seen.prediction.forces_std is not None) is is_due

    @pytest.mark.parametrize(
        ("error", "is_due"),
        [(0.1, False), (0.25, False), (np.nextafter(0.25, 1.0), True), (9.0, True), (None, True),
         (np.nan, True)],
    )  # fmt: skip
    def test_they_are_at_every_step_while_in_doubt(self, error: float | None, is_due: bool) -> None:
        for step in (101, 102, 103, 104):
            assert has_looked(before(step, error=error)) is is_due
        assert has_looked(before(105, error=error))

    @pytest.mark.parametrize("rule", ["vasp", "flare"])
    def test_a_rival_looks_at_every_step(self, rule: str) -> None:
        assert has_looked(before(101), conditions(rule=rule))

    @pytest.mark.parametrize(("factor", "is_due"), [(1.0, False), (1.25, False), (1.3, True)])
    def test_they_are_at_once_where_the_energy_of_an_atom_became_less_certain(
        self, factor: float, is_due: bool
    ) -> None:
        grown = ENERGIES_STD * [1.0, 1.0, factor]
        seen, looks = observed(before(101), model=ToyModel(grown))
        assert looks == ([None, "sampled"] if is_due else [None])
        assert (seen.judgement is not None) is is_due

    def test_they_are_where_nothing_can_be_compared(self) -> None:
        assert has_looked(before(101, seen_energies_std=()))
        assert has_looked(before(101), model=ToyModel(energies_std=None))

    def test_the_time_of_a_look_is_told_from_that_of_the_forces(self) -> None:
        for step, parts in ((100, {"uncertainty"}), (101, {"force_field"})):
            toy: Any = ToyModel()
            timing = Timing()
            observe(FRAME, toy, before(step), conditions(), timing)
            assert {part for part, seconds in timing.seconds.items() if seconds > 0} == parts


class TestObservation:
    def test_it_says_where_the_atoms_are_and_where_they_come_from(self) -> None:
        given = conditions(seed=7, timestep_fs=0.5, target_temperature=Schedule.constant(300.0))
        seen, _ = observed(before(100), given)
        assert seen.structure is FRAME.structure
        assert (seen.step, seen.time_fs, seen.symbols) == (100, 50.0, SYMBOLS)
        assert seen.previous_positions is POSITIONS
        assert (seen.temperature, seen.target_temperature) == (310.0, 300.0)
        assert (seen.seed, seen.timestep_fs, seen.can_rewind) == (7, 0.5, True)
        assert seen.chemistry is None

    def test_the_judgement_is_that_of_the_state(self) -> None:
        known = before(100)
        seen, _ = observed(known, model=ToyModel(std=0.07))
        np.testing.assert_allclose(seen.judged.errors, [0.14] * 3)
        np.testing.assert_allclose(seen.judged.limits, known.limits(SYMBOLS))

    @pytest.mark.parametrize(("std", "has_them"), [(0.02, False), (0.5, True), (np.nan, True)])
    def test_environments_are_there_where_a_force_is_in_doubt(
        self, std: float, has_them: bool
    ) -> None:
        seen, _ = observed(before(100), model=ToyModel(std=std))
        assert (seen.prediction.environments is not None) is has_them

    def test_a_step_that_was_not_looked_at_has_none(self) -> None:
        seen, _ = observed(before(101))
        with pytest.raises(ValueError, match="not looked at"):
            _ = seen.judged

    @pytest.mark.parametrize(
        ("name", "source", "answer"),
        [("cofl", "reference", True), ("cofl", "ff", False), ("aofl", "reference", True),
         ("mlff", "reference", False)],
    )  # fmt: skip
    def test_it_knows_whether_the_forces_of_a_label_that_was_learned_led_here(
        self, name: str, source: Any, answer: bool
    ) -> None:
        known = before(101)
        known = replace(known, path=replace(known.path, source=source))
        assert observed(known, conditions(name))[0].is_after_label is answer

    def test_a_full_one_has_the_deviations_whatever_the_step(self) -> None:
        toy: Any = ToyModel()
        seen = observe_fully(FRAME, toy, before(101), conditions(), Timing(), step=77)
        assert (seen.step, toy.looks) == (77, ["sampled"])
        assert seen.judgement is not None

    @pytest.mark.parametrize("step", [100, 101])
    def test_observing_writes_nothing(self, step: int) -> None:
        known = before(step)
        kept = pickle.dumps((known, FRAME))
        first, _ = observed(known, conditions("aofl"))
        again, _ = observed(known, conditions("aofl"))
        assert pickle.dumps((known, FRAME)) == kept
        assert pickle.dumps(first) == pickle.dumps(again)


class TestBonds:
    @pytest.mark.parametrize(
        ("step", "timestep_fs", "is_seen"),
        [(100, 0.5, True), (101, 0.5, False), (102, 0.5, False), (104, 0.5, True),
         (101, 1.0, False), (102, 1.0, True)],
    )  # fmt: skip
    def test_aofl_sees_them_every_two_femtoseconds(
        self, step: int, timestep_fs: float, is_seen: bool
    ) -> None:
        seen, _ = observed(before(step), conditions("aofl", timestep_fs=timestep_fs))
        assert (seen.chemistry is not None) is is_seen

    @pytest.mark.parametrize("name", ["cofl", "mlff"])
    def test_no_other_mode_does(self, name: str) -> None:
        assert observed(before(100), conditions(name))[0].chemistry is None

    @pytest.mark.parametrize(("hold_until", "is_seen"), [(100, True), (101, False), (150, False)])
    def test_nobody_does_while_the_force_field_goes_on_alone(
        self, hold_until: int, is_seen: bool
    ) -> None:
        seen, _ = observed(before(100, hold_until=hold_until), conditions("aofl"))
        assert (seen.chemistry is not None) is is_seen

    def test_changes_are_since_the_last_look_and_known_contacts_are_not_told_again(self) -> None:
        known = before(100, watch=ReactionWatch(contacts=("H-O",)))
        first = observed(known, conditions("aofl"))[0].chemistry
        assert first is not None
        assert first.bonded.tolist() == [[0, 1], [0, 2]]
        assert (first.changes, first.contacts) == ((), frozenset())
        apart = replace(known.path, judged_bonded=np.array([[0, 1]]))
        second = observed(replace(known, path=apart), conditions("aofl"))[0].chemistry
        assert second is not None
        assert second.changes == ("H-O formed",)

    def test_molecules_are_named_at_the_first_look_only(self) -> None:
        known = before(100)
        first = observed(known, conditions("aofl"))[0].chemistry
        assert first is not None
        assert len(first.species) == 1
        past = replace(known, path=replace(known.path, judged_bonded=first.bonded))
        second = observed(past, conditions("aofl"))[0].chemistry
        assert second is not None
        assert not second.species

    def test_a_label_has_its_molecules_named_once(self) -> None:
        known = before(100)
        seen, _ = observed(known, conditions("aofl"))
        assert seen.chemistry is not None
        past = replace(known, path=replace(known.path, judged_bonded=seen.chemistry.bonded))
        for unnamed in (
            observed(past, conditions("aofl"))[0],
            observed(replace(past, path=replace(past.path, step=100)), conditions("aofl"))[0],
        ):
            named = with_molecules(unnamed, FRAME, past, conditions("aofl"), Timing())
            assert named.chemistry is not None
            assert named.chemistry.species == seen.chemistry.species
            assert named.bonded is named.chemistry.bonded
            again = with_molecules(named, FRAME, past, conditions("aofl"), Timing())
            assert again is named

    @pytest.mark.parametrize(("step", "is_seen"), [(100, True), (101, False), (110, True)])
    @pytest.mark.parametrize("name", ["cofl", "mlff", "aofl"])
    def test_the_log_of_reactions_has_them_when_it_asks_in_any_mode(
        self, name: str, step: int, is_seen: bool
    ) -> None:
        seen, _ = observed(before(step), conditions(name, bonds_every=10, timestep_fs=0.6))
        assert (seen.bonded is not None) is is_seen
        if seen.bonded is not None:
            assert seen.bonded.tolist() == [[0, 1], [0, 2]]

    def test_there_is_one_history_of_them_and_the_rules_know_what_they_judged(self) -> None:
        """A look of the log in between neither hides a change from the rules nor judges it."""
        known = before(101, watch=ReactionWatch(contacts=("H-O",)))
        known = replace(known, path=replace(known.path, judged_bonded=np.array([[0, 1]])))
        by_log, _ = observed(known, conditions("aofl", bonds_every=101, timestep_fs=1.0))
        assert by_log.chemistry is None
        assert by_log.bonded is not None
        at = replace(known, path=replace(known.path, step=101, bonded=by_log.bonded))
        by_rule, _ = observed(at, conditions("aofl", bonds_every=101, timestep_fs=1.0))
        assert by_rule.chemistry is not None
        assert by_rule.chemistry.changes == ("H-O formed",)

    def test_a_bond_lasts_as_long_as_the_last_look_of_anybody_says(self) -> None:
        """Beyond the limit of forming and within that of breaking, the history decides."""
        swung = structure()
        swung.positions[1] = [1.35, 0.0, 0.0]
        at = Frame(structure=swung)
        known = before(100)
        found = []
        for bonded in ([[0, 1], [0, 2]], [[0, 2]]):
            path = replace(known.path, bonded=np.array(bonded), judged_bonded=np.array(bonded))
            past = replace(known, path=path)
            toy: Any = ToyModel()
            seen = observe(at, toy, past, conditions("cofl", bonds_every=10), Timing())
            assert seen.bonded is not None
            found.append(seen.bonded.tolist())
        assert found == [[[0, 1], [0, 2]], [[0, 2]]]

    def test_where_no_rule_sees_the_chemistry_no_molecule_is_named(self) -> None:
        seen = observation()
        assert with_molecules(seen, FRAME, before(100), conditions("cofl"), Timing()) is seen


class TestLookedAt:
    """What a look at the deviations leaves behind."""

    def after(
        self, error: float, name: Any = "cofl", **known: Any
    ) -> tuple[LearnerState, LearnerState]:
        """Return the states before and after a look that found this error, with a limit of 0.25."""
        judged = judgement([0.1, error, 0.05], [0.25] * 3)
        local = prediction(energies_std=ENERGIES_STD)
        seen, past = observation(judgement=judged, prediction=local), state(**known)
        return past, looked_at(past, seen, mode_of(name, SETTINGS))

    def test_it_needs_deviations(self) -> None:
        unseen = observation(prediction=prediction(None))
        with pytest.raises(ValueError, match="not looked at"):
            looked_at(state(), unseen, mode_of("mlff", SETTINGS))

    def test_error_limit_and_energies_are_noted_and_nothing_else(self) -> None:
        past, after = self.after(0.2)
        path = replace(past.path, error=0.2, limit=0.25)
        energies_std = tuple(ENERGIES_STD.tolist())
        assert after == replace(past, path=path, seen_energies_std=energies_std)

    def test_a_model_of_nothing_has_no_deviation_of_an_energy(self) -> None:
        known = state(seen_energies_std=(1.0, 2.0, 3.0))
        after = looked_at(known, observation(), mode_of("cofl", SETTINGS))
        assert after.seen_energies_std == ()

    @pytest.mark.parametrize(
        ("name", "n_labels", "error"),
        [("cofl", 0, None), ("cofl", 1, 0.2), ("aofl", 0, None), ("mlff", 0, 0.2)],
    )
    def test_before_the_first_label_no_error_is_known_but_of_a_frozen_force_field(
        self, name: str, n_labels: int, error: float | None
    ) -> None:
        _, after = self.after(0.2, name, n_labels=n_labels)
        assert (after.path.error, after.path.limit) == (error, 0.25)

    @pytest.mark.parametrize(
        ("error", "n_unsure", "is_unsure"),
        [(0.25, 0, False), (0.26, 0, True), (0.75, 0, True), (0.76, 3, True)],
    )
    def test_a_frozen_force_field_is_unsure_above_a_threshold_and_lost_above_three(
        self, error: float, n_unsure: int, is_unsure: bool
    ) -> None:
        _, after = self.after(error, "mlff", n_unsure=2)
        assert (after.n_unsure, after.path.is_unsure) == (n_unsure, is_unsure)

    def test_it_is_sure_again_once_the_error_falls(self) -> None:
        path = PathState(limit=0.25, is_unsure=True)
        assert self.after(0.2, "mlff", path=path)[1].path.is_unsure is False

    def test_one_that_learns_asks_instead(self) -> None:
        for was in (False, True):
            path = PathState(limit=0.25, is_unsure=was)
            _, after = self.after(9.0, "cofl", path=path, n_unsure=2)
            assert (after.n_unsure, after.path.is_unsure) == (0, was)
