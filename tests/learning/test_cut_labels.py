"""Labels of cut-outs: what is asked, what is learned of them, and what the atoms go on with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones

from aofl.config.schema import CutConfig, LabelsConfig, LearningConfig
from aofl.errors import ReferenceFailed, RunStopped
from aofl.forcefield.model import ForceField
from aofl.learning import update
from aofl.learning.adaptive_calculator import AdaptiveCalculator, frame_of
from aofl.learning.cut_labels import cut_as_told
from aofl.learning.step_result import Moved
from aofl.records import Label, LedgerLine, Verdict
from aofl.records.events import LabelFailed
from aofl.reference import AseReference
from aofl.store import Dataset
from aofl.structure import Structure

RANGE = 3.2  # of the forces, Å
CUT = CutConfig(max_atoms=60, margin_A=RANGE)
SETTINGS = LearningConfig(target_force_error_meV_per_A=200, audit_probability=0.0)


def pair_forces() -> AseReference:
    """Return a reference for which the forces on a core are exactly those of the whole."""
    return AseReference(LennardJones(sigma=2.3, epsilon=0.2, rc=RANGE, smooth=True))


def crystal() -> Atoms:
    atoms = bulk("Cu", cubic=True) * (3, 3, 3)
    atoms.rattle(0.08, rng=np.random.default_rng(5))
    return atoms


class Driver:
    """A calculator on a crystal, and all that it tells; `moved` makes a step."""

    def __init__(self, reference: Any = None, **changes: Any) -> None:
        self.lines: list[LedgerLine] = []
        self.events: list[Any] = []
        given: dict[str, Any] = {
            "reference": reference or pair_forces(),
            "force_field": ForceField(["Cu"], "fast"),
            "mode": "cofl",
            "settings": SETTINGS,
            "labels": LabelsConfig(cut=CUT),
        }
        self.calculator = AdaptiveCalculator(
            **{**given, **changes}, on_decision=self.lines.append, on_event=self.events.append
        )
        self.atoms = crystal()
        self.atoms.calc = self.calculator

    def moved(self, size: float = 0.0) -> np.ndarray:
        rng = np.random.default_rng(len(self.lines))
        self.atoms.positions += size * rng.normal(size=(len(self.atoms), 3))
        return self.atoms.get_forces()

    @property
    def model(self) -> ForceField:
        return self.calculator.force_field

    @property
    def state(self) -> Any:
        return self.calculator.state


@pytest.fixture
def driver() -> Iterator[Driver]:
    return Driver()


def shown(driver: Driver) -> set[int]:
    """Return the atoms that belonged to the core of a cut-out of this step."""
    where = Structure.of(driver.atoms)
    lines = [line for line in driver.lines if line.step == driver.state.path.step]
    cuts = [cut_as_told(where, line.atom, CUT) for line in lines if line.atom is not None]
    return {int(k) for found in cuts for k in found.atoms[found.core]}


def test_the_first_step_labels_until_no_other_atom_is_in_doubt(driver: Driver) -> None:
    forces = driver.moved()
    deviations = driver.model.predict(driver.atoms, forces_std="sampled").deviations
    judged = driver.state.judge(driver.atoms.get_chemical_symbols(), deviations)
    doubted = np.flatnonzero(judged.errors > judged.limits)
    assert set(doubted.tolist()) <= shown(driver)
    assert len(driver.lines) == driver.state.n_labels >= 1
    truth = pair_forces().label(driver.atoms).forces
    assert np.sqrt(np.mean((forces - truth) ** 2)) < 0.15 < np.sqrt(np.mean(truth**2))


def test_the_atoms_go_on_with_the_forces_of_what_was_learned(driver: Driver) -> None:
    for size in (0.0, 0.06):
        forces, n_before = driver.moved(size), driver.state.n_labels
        assert n_before >= 1
        said = driver.model.predict(driver.atoms)
        np.testing.assert_array_equal(forces, said.forces)
        assert driver.atoms.get_potential_energy() == said.energy
        assert driver.state.path.source == "ff"


def test_each_label_teaches_the_forces_of_its_core_alone(driver: Driver) -> None:
    driver.moved()
    components = sum(3 * line.cut["core"] for line in driver.lines if line.cut)
    assert (driver.model.data.n_forces, driver.model.data.statistics.count) == (components,) * 2
    assert all(sum(e.n for e in line.errors.values()) == 3 * line.cut["core"]
               for line in driver.lines if line.cut and line.errors)  # fmt: skip


def test_the_ledger_says_what_was_cut_out(driver: Driver) -> None:
    driver.moved()
    first = driver.lines[0]
    assert first.cut is not None
    assert first.cut["core"] < first.cut["atoms"] <= CUT.max_atoms
    assert f"cut out along a, b, c: {first.cut['atoms']} of 108 atoms" in first.reason
    assert first.atom is not None
    assert first.element == "Cu"


def test_the_energy_goes_on_where_it_was(driver: Driver) -> None:
    driver.moved()
    driver.atoms.positions += 0.06 * np.random.default_rng(8).normal(size=(108, 3))
    before = driver.model.predict(driver.atoms).energy - driver.state.energy_shift
    after = driver.atoms.get_potential_energy()
    assert driver.lines[-1].step == 1  # it was labelled
    assert after - driver.state.energy_shift == pytest.approx(before, abs=1e-8)
    assert driver.state.path.energy_shift == driver.state.energy_shift != 0.0


def test_an_audit_is_one_cut_out_around_an_atom_that_is_drawn() -> None:
    settings = SETTINGS.model_copy(update={"audit_probability": 1.0})
    atoms = []
    for seed in range(3):
        driver = Driver(settings=settings, seed=seed)
        driver.moved()
        n_before = len(driver.lines)
        driver.moved(0.001)
        (audit,) = driver.lines[n_before:]
        assert audit.rule == "random_audit"
        assert audit.cut is not None
        assert driver.state.n_audits == 1
        atoms.append(audit.atom)
    assert len(set(atoms)) > 1


def test_a_small_structure_is_labelled_whole() -> None:
    driver = Driver(labels=LabelsConfig(cut=CutConfig(max_atoms=108)))
    forces = driver.moved()
    assert [line.cut for line in driver.lines] == [None]
    np.testing.assert_array_equal(forces, pair_forces().label(driver.atoms).forces)


def test_the_budget_ends_a_series_of_cut_outs() -> None:
    budget = SETTINGS.budget.model_copy(update={"max_labels": 1})
    hard = SETTINGS.model_copy(update={"budget": budget, "target_force_error_meV_per_A": 2.0})
    driver = Driver(settings=hard)
    driver.moved()
    assert len(driver.lines) == 1
    with pytest.raises(RunStopped, match="max_labels"):
        driver.moved(0.06)


class FailsOnce(AseReference):
    """Fails at one of its labels."""

    def __init__(self, at: int) -> None:
        super().__init__(LennardJones(sigma=2.3, epsilon=0.2, rc=RANGE, smooth=True))
        self.left = at

    def label(self, atoms: Atoms, *, careful: bool = False) -> Label:
        self.left -= 1
        if self.left == 0:
            raise ReferenceFailed("it fails here")
        return super().label(atoms, careful=careful)


def test_a_label_that_fails_leaves_what_was_learned_and_a_hold() -> None:
    settings = SETTINGS.model_copy(update={"audit_probability": 1.0})
    once = FailsOnce(10**6)
    driver = Driver(once, settings=settings)
    driver.moved()
    n_learned = driver.state.n_labels
    once.left = 1
    driver.moved(0.001)
    assert driver.state.n_labels == n_learned
    assert [type(event) for event in driver.events if isinstance(event, LabelFailed)]
    assert driver.state.hold_until > driver.state.path.step


def test_one_that_fails_among_several_leaves_the_forces_and_energy_of_the_others() -> None:
    once = FailsOnce(10**6)
    strict = SETTINGS.model_copy(update={"target_force_error_meV_per_A": 20.0})
    once_each = LabelsConfig(cut=CUT, outlier_factor=1e6)  # no label is asked for again
    driver = Driver(once, settings=strict, labels=once_each)
    driver.moved()
    n_before, once.left = len(driver.lines), 2
    driver.atoms.positions += 0.06 * np.random.default_rng(8).normal(size=(108, 3))
    before = driver.model.predict(driver.atoms).energy - driver.state.energy_shift
    after, forces = driver.atoms.get_potential_energy(), driver.atoms.get_forces()
    assert len(driver.lines) == n_before + 1
    assert sum(isinstance(event, LabelFailed) for event in driver.events) == 1
    np.testing.assert_array_equal(forces, driver.model.predict(driver.atoms).forces)
    assert after - driver.state.energy_shift == pytest.approx(before, abs=1e-8)
    assert driver.state.hold_until > driver.state.path.step


def test_without_any_label_the_run_stops() -> None:
    with pytest.raises(RunStopped, match="it fails here"):
        Driver(FailsOnce(1)).moved()


def test_an_outcome_speaks_of_atoms_of_the_whole() -> None:
    """The reference says the same of a core and of the whole, the force field nearly so."""
    driver = Driver(labels=LabelsConfig(cut=CutConfig(max_atoms=90, margin_A=5.0)))
    driver.moved()
    driver.atoms.positions += 0.06 * np.random.default_rng(8).normal(size=(108, 3))
    off = driver.model.predict(driver.atoms).forces - pair_forces().label(driver.atoms).forces
    learner, state = driver.calculator.learner, driver.state
    came = learner.step(frame_of(driver.atoms), driver.model, state)
    assert isinstance(came, Moved)
    assert came.outcome is not None
    assert came.outcome.symbols == ["Cu"] * len(came.outcome.atoms)
    np.testing.assert_allclose(came.outcome.difference, off[came.outcome.atoms], atol=0.1)
    assert np.abs(came.outcome.difference).max() > 0.5


def test_a_verdict_about_an_atom_is_answered_around_it(driver: Driver) -> None:
    driver.moved()
    asked = Verdict(action="label", rule="chemistry", reason="a bond", atom=33, value=1.9, unit="Å")
    driver.calculator.label_here(driver.atoms, asked)
    line = driver.lines[-1]
    assert (line.rule, line.atom, line.element, line.value) == ("chemistry", 33, "Cu", 1.9)


def test_labels_of_cut_outs_can_be_handed_on(tmp_path: Path) -> None:
    """As walkers do, which learn the labels of one another."""
    with closing(Dataset(tmp_path / "labels.extxyz")) as dataset:
        first = Driver(dataset=dataset)
        first.moved()
        other = Driver(dataset=dataset)
        other.calculator.learn_given(first.state.learned_ids)
        assert other.state.learned_ids == first.state.learned_ids
        assert other.model.data.n_forces == first.model.data.n_forces
        said = [driver.model.predict(driver.atoms).forces for driver in (first, other)]
    np.testing.assert_allclose(said[0], said[1], atol=1e-9)


def test_the_chemistry_of_a_step_is_noted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[bool] = []
    was = update.with_chemistry

    def counting(state: Any, seen: Any, outcome: Any) -> Any:
        noted.append(seen.chemistry is not None)
        return was(state, seen, outcome)

    monkeypatch.setattr(update, "with_chemistry", counting)
    strict = SETTINGS.model_copy(update={"target_force_error_meV_per_A": 20.0})
    driver = Driver(mode="aofl", settings=strict)
    driver.moved()
    assert len(noted) == len(driver.lines) > 1
    assert noted == [True] + [False] * (len(noted) - 1)
