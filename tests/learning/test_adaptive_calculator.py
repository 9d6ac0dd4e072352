"""The cycle of the method with a reference that costs nothing."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.emt import EMT
from ase.md.verlet import VelocityVerlet

from aofl import AdaptiveCalculator, ForceField
from aofl.config.schema import BudgetConfig, GuardsConfig, LearningConfig
from aofl.errors import ReferenceFailed, RunStopped
from aofl.learning.adaptive_calculator import RewindRequested, frame_of
from aofl.learning.learner_state import Source
from aofl.records import Event, Label, LedgerLine, Prediction
from aofl.records.events import LabelFailed
from aofl.reference import AseReference
from aofl.simulation.dynamics import set_initial_momenta
from aofl.store import Dataset


def dynamics(atoms: Atoms) -> VelocityVerlet:
    set_initial_momenta(atoms, 600, seed=1)
    return VelocityVerlet(atoms, 2 * units.fs)


def test_a_run_of_any_ase_dynamics_learns(copper: Atoms) -> None:
    decisions: list[LedgerLine] = []
    calculator = AdaptiveCalculator(
        reference=EMT(),
        force_field=ForceField(["Cu", "Al"], "fast"),
        settings=LearningConfig(target_force_error_meV_per_A=100, audit_probability=0.05),
        on_decision=decisions.append,
    )
    copper.calc = calculator
    dynamics(copper).run(150)
    labels = [d for d in decisions if d.action == "label"]
    assert 3 < len(labels) < 75
    assert labels[0].rule == "initial"
    assert all(d.reason for d in decisions)
    audits = [d for d in labels if d.rule in ("audit", "random_audit") and d.step > 50]
    sums = [e for d in audits for e in d.errors.values()]
    rmse = np.sqrt(sum(e.sum_sq for e in sums) / sum(e.n for e in sums))
    assert rmse < 0.1
    # On the way the reference was asked for what the calculator gave as its own forces.
    copper.calc = EMT()
    exact = copper.get_forces()
    assert np.sqrt(np.mean((calculator.results["forces"] - exact) ** 2)) < 0.2


def test_on_a_labelled_step_the_forces_are_the_reference_s(copper: Atoms) -> None:
    copper.calc = AdaptiveCalculator(reference=EMT(), force_field=ForceField(["Cu", "Al"], "fast"))
    forces, energy = copper.get_forces(), copper.get_potential_energy()
    copper.calc = EMT()
    np.testing.assert_array_equal(forces, copper.get_forces())
    assert energy == copper.get_potential_energy()


def test_aimd_labels_every_step_and_needs_no_force_field(copper: Atoms, tmp_path: Path) -> None:
    dataset = Dataset(tmp_path / "labels.extxyz")
    copper.calc = AdaptiveCalculator(reference=EMT(), mode="aimd", dataset=dataset)
    dynamics(copper).run(5)
    assert len(dataset) == 6
    assert copper.calc.state.last_label_step == copper.calc.state.path.step == 5
    dataset.close()


def test_mlff_never_learns(copper: Atoms, emt: AseReference) -> None:
    force_field = ForceField(["Cu", "Al"], "fast")
    force_field.learn(copper, emt.label(copper))
    copper.calc = AdaptiveCalculator(
        reference=emt,
        force_field=force_field,
        mode="mlff",
        settings=LearningConfig(audit_probability=0.5),
    )
    dynamics(copper).run(10)
    assert copper.calc.state.n_audits > 0
    assert force_field.n_labels == 1


def test_a_label_on_the_disk_is_not_computed_again(copper: Atoms, tmp_path: Path) -> None:
    class Counting:
        is_semi_empirical = False
        calls = 0

        def label(self, atoms: Atoms) -> Label:
            self.calls += 1
            return AseReference(EMT()).label(atoms)

        def describe(self) -> dict[str, Any]:
            return {"code": "emt"}

        def elements_supported(self) -> None:
            return None

    reference, dataset = Counting(), Dataset(tmp_path / "labels.extxyz")
    for _ in range(2):
        copper.calc = AdaptiveCalculator(
            reference=reference, force_field=ForceField(["Cu", "Al"], "fast"), dataset=dataset
        )
        copper.get_forces()
    assert (reference.calls, len(dataset)) == (1, 1)
    dataset.close()


class Failing:
    """A reference that works until told otherwise."""

    is_semi_empirical = False
    is_broken = False

    def label(self, atoms: Atoms) -> Label:
        if self.is_broken:
            raise ReferenceFailed("the SCF did not converge")
        return AseReference(EMT()).label(atoms)

    def describe(self) -> dict[str, Any]:
        return {"code": "emt"}

    def elements_supported(self) -> None:
        return None


def test_a_failed_label_is_an_event_and_the_run_goes_on(copper: Atoms) -> None:
    events: list[Event] = []
    reference = Failing()
    copper.calc = AdaptiveCalculator(
        reference=reference,
        force_field=ForceField(["Cu", "Al"], "fast"),
        settings=LearningConfig(audit_probability=1.0),
        on_event=events.append,
    )
    moving = dynamics(copper)
    moving.run(3)
    reference.is_broken = True
    moving.run(45)
    failed = [e for e in events if isinstance(e, LabelFailed)]
    # It holds 10, 20, 40 ... steps between attempts: a failure lasts for a while.
    first = failed[0].step
    assert [e.step - first for e in failed] == [0, 10, 30]
    assert "did not converge" in failed[0].message
    assert copper.calc.state.n_failed == len(failed)


def test_without_any_label_a_failure_stops_the_run(copper: Atoms) -> None:
    reference = Failing()
    reference.is_broken = True
    copper.calc = AdaptiveCalculator(
        reference=reference, force_field=ForceField(["Cu", "Al"], "fast")
    )
    with pytest.raises(RunStopped, match="did not converge"):
        copper.get_forces()


def led_there_by(calculator: AdaptiveCalculator, source: Source) -> None:
    """Let the last step have been made with the forces of the label, or of the force field."""
    state = calculator.state
    calculator.state = replace(state, path=replace(state.path, source=source))


class Exaggerating(ForceField):
    """A force field whose forces are a thousand times too large."""

    def predict(self, *given: Any, **options: Any) -> Prediction:
        found = super().predict(*given, **options)
        return replace(found, forces=1000.0 * found.forces)


@pytest.fixture
def doubted(copper: Atoms) -> tuple[VelocityVerlet, Failing, list[LedgerLine]]:
    """Return a run whose first step is labelled, and whose others a guard doubts."""
    reference, decisions = Failing(), []
    copper.calc = AdaptiveCalculator(
        reference=reference,
        force_field=Exaggerating(["Cu", "Al"], "fast"),
        on_decision=decisions.append,
    )
    moving = dynamics(copper)
    copper.get_forces()
    return moving, reference, decisions


def test_a_doubted_step_that_a_label_led_to_moves_on_a_label(doubted: Any, copper: Atoms) -> None:
    moving, _, decisions = doubted
    moving.run(1)
    assert [d.rule for d in decisions] == ["initial", "guard"]
    np.testing.assert_array_equal(
        copper.calc.results["forces"], AseReference(EMT()).label(copper).forces
    )


def test_a_doubted_step_that_the_force_field_led_to_is_refused(doubted: Any, copper: Atoms) -> None:
    moving, _, _ = doubted
    led_there_by(copper.calc, "ff")
    with pytest.raises(RewindRequested, match="a force is too large"):
        moving.run(1)


def test_a_doubted_step_without_an_answer_is_refused(doubted: Any) -> None:
    moving, reference, decisions = doubted
    reference.is_broken = True
    with pytest.raises(RewindRequested, match="a force is too large"):
        moving.run(1)
    assert decisions[-1].action == "rewind"


def test_a_doubted_step_that_is_beyond_a_guard_indeed_is_refused(
    doubted: Any, copper: Atoms
) -> None:
    moving, _, decisions = doubted
    tight = LearningConfig(guards=GuardsConfig(max_force_eV_per_A=1e-3))
    learner = copper.calc.learner
    copper.calc.learner = replace(learner, conditions=replace(learner.conditions, settings=tight))
    with pytest.raises(RewindRequested, match="a force is too large"):
        moving.run(1)
    assert [d.action for d in decisions] == ["label", "label", "rewind"]


def test_a_frozen_force_field_is_not_helped_by_its_audits(copper: Atoms) -> None:
    force_field = Exaggerating(["Cu", "Al"], "fast")
    force_field.learn(copper, AseReference(EMT()).label(copper))
    copper.calc = AdaptiveCalculator(reference=EMT(), force_field=force_field, mode="mlff")
    moving = VelocityVerlet(copper, 0.1 * units.fs)
    copper.get_forces()
    led_there_by(copper.calc, "reference")
    with pytest.raises(RewindRequested, match="a force is too large"):
        moving.run(1)


def test_the_frame_of_some_atoms_is_a_copy_with_all_that_they_carry(copper: Atoms) -> None:
    set_initial_momenta(copper, 600, seed=1)
    copper.set_initial_magnetic_moments(np.arange(8.0))
    copper.info["charge"] = -1
    frame = frame_of(copper, can_rewind=True)
    assert frame.temperature == copper.get_temperature() > 100.0
    assert frame.can_rewind is True
    assert set(frame.annotations["arrays"]) == {"momenta", "initial_magmoms"}
    assert frame.annotations["info"] == {"charge": -1}
    before = copper.positions.copy()
    copper.positions += 1.0
    np.testing.assert_array_equal(frame.structure.positions, before)


def test_atoms_that_are_too_hot_ask_for_a_rewind(copper: Atoms) -> None:
    copper.calc = AdaptiveCalculator(
        reference=EMT(), force_field=ForceField(["Cu", "Al"], "fast"), target_temperature=300.0
    )
    copper.get_forces()
    set_initial_momenta(copper, 9000, seed=1)
    copper.rattle(1e-3, seed=1)
    with pytest.raises(RewindRequested, match="too hot"):
        copper.get_forces()


def test_colliding_atoms_ask_for_a_rewind(copper: Atoms) -> None:
    copper.calc = AdaptiveCalculator(reference=EMT(), force_field=ForceField(["Cu", "Al"], "fast"))
    copper.get_forces()
    copper.positions[1] = copper.positions[0] + [0.5, 0.0, 0.0]
    with pytest.raises(RewindRequested, match="too close"):
        copper.get_forces()


def test_without_its_jumps_the_energy_is_conserved(copper: Atoms) -> None:
    """Momenta feel forces that change at each label: the corrected energy takes that out."""
    copper.calc = AdaptiveCalculator(
        reference=EMT(),
        force_field=ForceField(["Cu", "Al"], "fast"),
        settings=LearningConfig(target_force_error_meV_per_A=100, audit_probability=0.05),
    )
    moving, raw, corrected = dynamics(copper), [], []
    for _ in range(80):
        moving.run(1)
        energy = copper.get_total_energy()
        raw.append(energy)
        corrected.append(energy - copper.calc.state.path.energy_shift)
    assert copper.calc.state.n_labels > 5
    assert np.std(corrected) < 0.3 * np.std(raw)
    assert np.std(corrected) < 0.02


def test_a_learned_force_field_brings_its_calibration(copper: Atoms, emt: AseReference) -> None:
    force_field = ForceField(["Cu", "Al"], "fast")
    force_field.learn(copper, emt.label(copper))
    force_field.calibration = np.array([[3.0, 3.0], [1.0, 1.0]])
    calculator = AdaptiveCalculator(reference=emt, force_field=force_field, mode="mlff")
    factors = {element: part.factor for element, part in calculator.state.calibration.items()}
    assert factors == {"Al": 6.0, "Cu": 2.0}
    assert calculator.state.force_noise == force_field.force_noise


def test_a_frozen_force_field_far_from_home_tells_and_stops(
    copper: Atoms, emt: AseReference
) -> None:
    force_field = ForceField(["Cu", "Al"], "fast")
    force_field.learn(copper, emt.label(copper))
    events: list[Event] = []
    copper.calc = AdaptiveCalculator(
        reference=emt,
        force_field=force_field,
        mode="mlff",
        settings=LearningConfig(target_force_error_meV_per_A=1.0),
        on_event=events.append,
    )
    with pytest.raises(RunStopped, match="mode: aofl"):
        dynamics(copper).run(20)
    assert [event.event for event in events] == ["uncertain"]
    assert force_field.n_labels == 1


def test_the_rivals_do_not_learn_from_audits(copper: Atoms) -> None:
    copper.calc = AdaptiveCalculator(
        reference=EMT(),
        force_field=ForceField(["Cu", "Al"], "fast"),
        mode="cofl",
        settings=LearningConfig(cofl_rule="vasp", audit_probability=0.3),
    )
    dynamics(copper).run(60)
    state = copper.calc.state
    assert state.n_audits > 5
    assert state.n_labels == state.n_asked - state.n_audits
    assert copper.calc.force_field.n_labels == state.n_labels
    assert state.vasp_threshold > 0.002


def test_a_budget_of_labels_stops_the_run(copper: Atoms) -> None:
    copper.calc = AdaptiveCalculator(
        reference=EMT(),
        force_field=ForceField(["Cu", "Al"], "fast"),
        settings=LearningConfig(budget=BudgetConfig(max_labels=3), audit_probability=0.5),
    )
    with pytest.raises(RunStopped, match="max_labels"):
        dynamics(copper).run(100)
    assert copper.calc.state.n_asked == 3


def test_calculator_and_force_field_are_freed_with_their_last_user(
    copper: Atoms, emt: AseReference
) -> None:
    copper.calc = AdaptiveCalculator(reference=emt, force_field=ForceField(["Cu", "Al"], "fast"))
    copper.get_forces()
    gone = [weakref.ref(copper.calc), weakref.ref(copper.calc.force_field)]
    gc.disable()  # the collector of circles must not be needed
    try:
        copper.calc = None
        assert [each() for each in gone] == [None, None]
    finally:
        gc.enable()
