"""What a checkpoint brings back: the force field of a resumed run, to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.emt import EMT
from ase.md.verlet import VelocityVerlet

from aofl import AdaptiveCalculator, ForceField
from aofl.ace.basis import BasisSettings
from aofl.records import Verdict
from aofl.simulation.checkpointing import restore_learning, save_state, snapshots_of
from aofl.simulation.run_state import Run
from aofl.simulation.snapshot import put_back
from aofl.store import Checkpoint, Dataset, load_checkpoint

SETTINGS = BasisSettings(n_pair=8, n_max=4, l_max=2, four_n=0, n_chebyshev=16)
VERDICT = Verdict(action="label", rule="audit", reason="the test says so")


@pytest.fixture
def calculator(tmp_path: Path) -> Iterator[Callable[[], AdaptiveCalculator]]:
    """Return a maker of calculators on the same labels on the disk."""
    opened: list[Dataset] = []

    def make() -> AdaptiveCalculator:
        opened.append(Dataset(tmp_path / "labels.extxyz"))
        force_field = ForceField(["Cu", "Al"], settings=SETTINGS)
        return AdaptiveCalculator(
            reference=EMT(), force_field=force_field, mode="cofl", dataset=opened[-1]
        )

    yield make
    for dataset in opened:
        dataset.close()


def frame(copper: Atoms, seed: int) -> Atoms:
    atoms = copper.copy()
    atoms.rattle(0.05, rng=np.random.default_rng(seed))
    return atoms


def taught(learner: AdaptiveCalculator, atoms: Atoms) -> None:
    """Let a structure be labelled and learned, as if a run had gone back there."""
    learner.results = {"energy": 0.0}
    learner.label_here(atoms, VERDICT)


def checkpoint_of(learner: AdaptiveCalculator, atoms: Atoms, path: Path) -> Checkpoint:
    save_state(
        Run(
            calculator=learner,
            atoms=atoms,
            dynamics=VelocityVerlet(atoms, 1 * units.fs),
            config=SimpleNamespace(model_dump=lambda mode: {}),
            files=SimpleNamespace(offsets=dict),
            directory=SimpleNamespace(checkpoint=path),
        )
    )
    return load_checkpoint(path)


def assert_same_bits(one: AdaptiveCalculator, other: AdaptiveCalculator, atoms: Atoms) -> None:
    for way in ("exact", "sampled"):
        left, right = (c.force_field.predict(atoms, forces_std=way) for c in (one, other))
        assert left.energy == right.energy
        np.testing.assert_array_equal(left.forces, right.forces)
        np.testing.assert_array_equal(left.forces_std, right.forces_std)


@pytest.mark.parametrize("n_labels", [1, 5, 7, 8, 10], ids="{} labels".format)
def test_force_field_comes_back_to_the_last_bit(
    calculator, copper: Atoms, tmp_path: Path, n_labels: int
) -> None:
    """The prior is set at labels 1 to 5; the others are appended, and so are they again."""
    unbroken = calculator()
    for seed in range(n_labels):
        taught(unbroken, frame(copper, seed))
    n_appended = n_labels - unbroken.force_field.n_labels_at_refit
    assert n_appended == {1: 0, 5: 0, 7: 2, 8: 3, 10: 0}[n_labels]
    checkpoint = checkpoint_of(unbroken, copper, tmp_path / "checkpoint.npz")
    resumed = calculator()
    restore_learning(resumed, checkpoint)
    assert resumed.force_field.n_labels_at_refit == unbroken.force_field.n_labels_at_refit
    assert_same_bits(resumed, unbroken, frame(copper, 50))
    for seed in range(20, 24):  # and it goes on alike, over the next refit
        atoms = frame(copper, seed)
        label = unbroken.oracle.reference.label(atoms)
        for learner in (unbroken, resumed):
            learner.force_field.learn(atoms, label)
    assert_same_bits(resumed, unbroken, frame(copper, 50))


def test_a_checkpoint_of_before_there_was_append_is_refitted(
    calculator, copper: Atoms, tmp_path: Path
) -> None:
    learner = calculator()
    for seed in range(7):
        taught(learner, frame(copper, seed))
    checkpoint = checkpoint_of(learner, copper, tmp_path / "checkpoint.npz")
    state = {k: v for k, v in checkpoint.state.items() if k != "n_labels_at_refit"}
    resumed = calculator()
    restore_learning(resumed, replace(checkpoint, state=state))
    assert resumed.force_field.n_labels_at_refit == 7
    learner.force_field.refit()
    assert_same_bits(resumed, learner, frame(copper, 50))


def test_a_checkpoint_of_before_there_was_pressure_keeps_the_cell_of_the_start(
    calculator: Callable[[], AdaptiveCalculator], copper: Atoms, tmp_path: Path
) -> None:
    learner = calculator()
    atoms = frame(copper, 1)
    atoms.calc = learner
    atoms.get_forces()
    checkpoint = checkpoint_of(learner, atoms, tmp_path / "checkpoint.npz")
    now, _ = snapshots_of(checkpoint)
    np.testing.assert_array_equal(now.cell, atoms.cell.array)
    older = {name: array for name, array in checkpoint.arrays.items() if name != "0.cell"}
    then, _ = snapshots_of(replace(checkpoint, arrays=older))
    assert then.cell is None
    other = frame(copper, 2)
    put_back(then, other, learner)
    np.testing.assert_array_equal(other.cell.array, copper.cell.array)
    np.testing.assert_array_equal(other.positions, atoms.positions)
