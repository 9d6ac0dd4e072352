"""The oracle: labels are kept, cached, checked against the energy, or put in quarantine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms

from aofl import AdaptiveCalculator, ForceField
from aofl.config.schema import LabelsConfig, LearningConfig
from aofl.errors import ModelError, ReferenceFailed, RunStopped, StoreError
from aofl.learning.adaptive_calculator import frame_of
from aofl.learning.oracle import Answer, NoLabel, Oracle, Question
from aofl.learning.timing import Timing
from aofl.records import Label
from aofl.reference import AseReference
from aofl.store import Dataset


class Counting:
    """EMT that counts its calls, fails when told, and may be given a wrong slope."""

    is_semi_empirical = False

    def __init__(self, code: str = "emt") -> None:
        self.calls = 0
        self.is_broken = False
        self.slope = 1.0
        self.code = code

    def label(self, atoms: Atoms, *, careful: bool = False) -> Label:
        self.calls += 1
        if self.is_broken:
            raise ReferenceFailed("the SCF did not converge", {"code.out": "no convergence"})
        label = AseReference(EMT()).label(atoms)
        return replace(label, forces=self.slope * label.forces)

    def describe(self) -> dict[str, Any]:
        return {"code": self.code}

    def elements_supported(self) -> None:
        return None


@pytest.fixture
def dataset(tmp_path: Path) -> Iterator[Dataset]:
    with_file = Dataset(tmp_path / "labels.extxyz")
    yield with_file
    with_file.close()


def asked(oracle: Oracle, atoms: Atoms) -> Answer | NoLabel:
    return oracle.ask(Question(frame=frame_of(atoms), step=3, time_fs=1.5, rule="me"))


def labelled(oracle: Oracle, atoms: Atoms) -> Label:
    answer = asked(oracle, atoms)
    assert isinstance(answer, Answer)
    assert answer.label_id == oracle.ids[-1]
    return answer.label


def refused(oracle: Oracle, atoms: Atoms) -> str:
    """Return why there is no label."""
    answer = asked(oracle, atoms)
    assert isinstance(answer, NoLabel)
    return str(answer.failure)


def test_a_label_carries_its_level_and_its_charges(copper: Atoms, dataset: Dataset) -> None:
    class WithCharges(Counting):
        def label(self, atoms: Atoms, *, careful: bool = False) -> Label:
            return replace(super().label(atoms), charges=np.arange(8) / 8)

    oracle = Oracle(reference=WithCharges(), timing=Timing(), dataset=dataset)
    labelled(oracle, copper)
    reread = Dataset(dataset._file.path)
    assert reread[0].provenance["level"] == oracle.level
    assert reread[0].provenance["level"].startswith("emt [")
    assert reread[0].label.charges.tolist() == [k / 8 for k in range(8)]
    reread.close()


def test_labels_of_another_level_are_refused(copper: Atoms, dataset: Dataset) -> None:
    labelled(Oracle(reference=Counting(), timing=Timing(), dataset=dataset), copper)
    with pytest.raises(StoreError, match=r"holds labels of emt .* makes those of other"):
        Oracle(reference=Counting("other"), timing=Timing(), dataset=dataset)


def test_frozen_layers_never_change_labels(copper: Atoms, dataset: Dataset) -> None:
    free = AseReference(EMT()).label(copper)
    copper.set_constraint(FixAtoms([0, 1, 2]))
    oracle = Oracle(reference=Counting(), timing=Timing(), dataset=dataset)
    assert np.array_equal(labelled(oracle, copper).forces, free.forces)
    assert np.abs(dataset[0].label.forces[:3]).min() > 0


def test_a_structure_that_the_data_set_knows_is_not_computed_again(
    copper: Atoms, dataset: Dataset
) -> None:
    reference, timing = Counting(), Timing()
    first, second = (Oracle(reference=reference, timing=timing, dataset=dataset) for _ in range(2))
    answers = [asked(first, copper), asked(second, copper)]
    assert reference.calls == len(dataset) == 1
    assert [answer.label_id for answer in answers] == [*first.ids, *second.ids] == [0, 0]
    assert answers[1].label.forces.tobytes() == answers[0].label.forces.tobytes()
    # It was paid for, before a kill perhaps: its time counts.
    assert sum(timing.reference_calls.counts.values()) == 2
    assert timing.before == answers[1].label.seconds > 0.0


def test_what_else_the_atoms_carry_reaches_the_reference(copper: Atoms) -> None:
    class Noting(Counting):
        def label(self, atoms: Atoms, *, careful: bool = False) -> Label:
            self.given = atoms.copy()
            return super().label(atoms)

    copper.set_initial_magnetic_moments(np.arange(8.0))
    copper.info["charge"] = -1
    reference = Noting()
    labelled(Oracle(reference=reference, timing=Timing()), copper)
    assert reference.given.get_initial_magnetic_moments().tolist() == list(range(8))
    assert reference.given.info["charge"] == -1
    assert reference.given == copper


def test_a_label_is_held_against_what_the_force_field_expects_where_it_may(
    copper: Atoms, dataset: Dataset, emt: AseReference
) -> None:
    """A label so far off is computed again, carefully; a young force field is not asked."""
    force_field = ForceField(["Cu", "Al"], "fast")
    force_field.learn(copper, emt.label(copper))
    said = force_field.predict(copper)
    far = replace(said, forces=said.forces + 1.0 * np.sign(said.forces))
    for errors, n_calls in ((None, 1), (np.full(8, 0.01), 2)):
        atoms = copper.copy()
        atoms.rattle(1e-6 * n_calls, seed=1)
        reference = Counting()
        oracle = Oracle(reference=reference, timing=Timing(), dataset=dataset)
        asking = Question(
            frame=frame_of(atoms), step=3, time_fs=1.5, rule="me", prediction=far,
            expected_errors=errors,
        )  # fmt: skip
        answer = oracle.ask(asking)
        assert isinstance(answer, Answer)
        assert reference.calls == n_calls
        np.testing.assert_array_equal(dataset[answer.label_id].predicted_forces, far.forces)


def test_a_cache_serves_other_runs(copper: Atoms, tmp_path: Path) -> None:
    settings = LabelsConfig(cache=str(tmp_path / "cache"))
    references = [Counting(), Counting(), Counting("other")]
    labels = [
        labelled(Oracle(reference=one, timing=Timing(), settings=settings), copper)
        for one in references
    ]
    assert [one.calls for one in references] == [1, 0, 1]
    assert labels[1].forces.tobytes() == labels[0].forces.tobytes()
    assert labels[1].energy == labels[0].energy


def test_a_spot_check_comes_every_so_many_labels(copper: Atoms) -> None:
    reference = Counting()
    oracle = Oracle(reference=reference, timing=Timing(), settings=LabelsConfig(spot_check_every=3))
    answers = [asked(oracle, copper) for _ in range(6)]
    assert reference.calls == 6 + 2 * 2
    assert [len(answer.events) for answer in answers] == [0, 0, 1, 0, 0, 1]
    for event in (*answers[2].events, *answers[5].events):
        assert (event.step, event.time_fs, event.rule) == (3, 1.5, "me")
        assert abs(event.difference_eV_per_A) < 1e-3


def test_forces_that_are_not_the_slope_are_found_out(copper: Atoms, tmp_path: Path) -> None:
    reference = Counting()
    reference.slope = 1.5
    oracle = Oracle(
        reference=reference, timing=Timing(), settings=LabelsConfig(spot_check_every=1),
        quarantine=tmp_path / "quarantine",
    )  # fmt: skip
    assert re.search("off the slope of the energy.*kept in", refused(oracle, copper))
    assert oracle.ids == []


def test_what_got_no_label_is_in_quarantine(copper: Atoms, tmp_path: Path) -> None:
    reference = Counting()
    reference.is_broken = True
    quarantine = tmp_path / "quarantine"
    oracle = Oracle(reference=reference, timing=Timing(), quarantine=quarantine)
    assert re.search("kept in .*quarantine/0001", refused(oracle, copper))
    reason = json.loads((quarantine / "0001" / "reason.json").read_text())
    assert reason["step"] == 3
    assert reason["reason"] == "the SCF did not converge"
    assert (quarantine / "0001" / "code.out").read_text() == "no convergence"


def test_the_policy_says_whether_a_run_stops(copper: Atoms) -> None:
    for policy, stops in (("continue", False), ("stop", True)):
        reference = Counting()
        atoms = copper.copy()
        atoms.calc = AdaptiveCalculator(
            reference=reference,
            force_field=ForceField(["Cu", "Al"], "fast"),
            settings=LearningConfig(audit_probability=1.0),
            labels=LabelsConfig(on_failure=policy),
        )
        atoms.get_forces()
        reference.is_broken = True
        atoms.rattle(0.01, seed=1)
        if stops:
            with pytest.raises(RunStopped, match=r"`labels.on_failure` is stop.*did not converge"):
                atoms.get_forces()
        else:
            atoms.get_forces()
            assert atoms.calc.state.n_failed == 1


def test_a_force_field_of_another_level_is_refused(copper: Atoms, tmp_path: Path) -> None:
    force_field = ForceField(["Cu", "Al"], "fast")
    copper.calc = AdaptiveCalculator(reference=Counting(), force_field=force_field)
    copper.get_forces()
    force_field.save(tmp_path / "model.h5")
    loaded = ForceField.load(tmp_path / "model.h5")
    AdaptiveCalculator(reference=Counting(), force_field=loaded, mode="mlff")
    with pytest.raises(ModelError, match=r"learned from emt .* and the reference makes other"):
        AdaptiveCalculator(reference=Counting("other"), force_field=loaded)
