"""A force field and an oracle that say what a test wants, and water for them to speak about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from ase import Atoms

from aofl.errors import ReferenceFailed
from aofl.learning.element_calibration import ElementCalibration
from aofl.learning.learner_state import LearnerState, PathState
from aofl.learning.observation import Frame, Observation
from aofl.learning.oracle import Answer, NoLabel, Question
from aofl.learning.rules.policy import Mode, Rule
from aofl.records import Action, FloatArray, Label, Prediction, Verdict
from aofl.structure import Structure

WATER = Atoms(
    "OHH",
    positions=[[0.0, 0.0, 0.0], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]],
    cell=[10.0, 10.0, 10.0],
    pbc=True,
)
TARGET = 0.3  # eV/Å
SLOPE = 2.0  # eV/Å along x, of the energy of the toy force field
GAP = 0.25  # eV: by how much a label changes its energy
PULL = np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])  # forces that balance


def water_at(x: float) -> Atoms:
    """Return water moved along x, Å."""
    atoms = WATER.copy()
    atoms.positions[:, 0] += x
    return atoms


def frame_at(x: float = 0.0, **changes: Any) -> Frame:
    return Frame(structure=Structure.of(water_at(x)), **changes)


def label(energy: float = -3.0, pull: float = 0.0, seconds: float = 2.0) -> Label:
    """Return a label whose forces pull oxygen and a hydrogen atom apart, eV/Å."""
    return Label(energy=energy, forces=pull * PULL, seconds=seconds)


@dataclass(kw_only=True)
class ToyModel:
    """Forces, deviations and environments as they are set; the energy grows along x.

    Attributes
    ----------
    calls
        For each prediction, whether the deviations of the forces were asked for.
    labels
        Those learned.
    """

    pull: float = 0.0
    std: float = 0.01
    energies_std: FloatArray | None = field(default_factory=lambda: np.full(3, 0.01))
    around: FloatArray = field(default_factory=lambda: np.eye(3))
    offset: float = -10.0
    level: str | None = None
    calibration: FloatArray = field(default_factory=lambda: np.ones((2, 2)))
    elements: list[str] = field(default_factory=lambda: ["H", "O"])
    force_noise: float = 0.0
    learned: object | None = "something"
    calls: list[bool] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def predict(
        self, atoms: Structure | Atoms, *, forces_std: str | None = None, energies_std: bool = False
    ) -> Prediction:
        self.calls.append(forces_std is not None)
        energy = SLOPE * float(atoms.positions[0, 0]) + self.offset
        return Prediction(
            energy=energy,
            forces=self.pull * PULL,
            stress=np.zeros(6),
            energies=np.full(3, energy / 3),
            forces_std=np.full((3, 3), self.std) if forces_std else None,
            energies_std=self.energies_std if energies_std else None,
        )

    def environments(self, atoms: Structure | Atoms) -> FloatArray:
        return self.around

    def learn(self, atoms: Structure, label: Label) -> None:
        self.learned = label
        self.labels.append(label)
        self.offset += GAP


class ToyOracle:
    """Answers from a list, the last of it for ever; a sentence means that there is no label."""

    level = "toy"

    def __init__(self, *said: Label | str | Answer, first_id: int = 40) -> None:
        self.said, self.next_id = list(said), first_id
        self.questions: list[Question] = []
        self.sent: list[Question] = []

    def ask(self, question: Question) -> Answer | NoLabel:
        self.questions.append(question)
        said = self.said.pop(0) if len(self.said) > 1 else self.said[0]
        if isinstance(said, str):
            return NoLabel(failure=ReferenceFailed(said))
        if isinstance(said, Answer):
            return said
        self.next_id += 1
        return Answer(label=said, label_id=self.next_id - 1)

    def send(self, question: Question) -> None:
        self.sent.append(question)

    def collect(self, question: Question) -> Answer | NoLabel:
        return self.ask(question)


def known(path: dict[str, Any] | None = None, **changes: Any) -> LearnerState:
    """Return the state at step 99 of a run that has learned 20 labels and was fine since."""
    values: dict[str, Any] = {
        "step": 99,
        "previous_positions": WATER.positions.copy(),
        "source": "ff",
        "error": 0.01,
        "limit": TARGET,
        "energy_shift": -2.0,
    }
    grown = {
        "target": TARGET,
        "n_labels": 20,
        "n_asked": 20,
        "learned_ids": tuple(range(20)),
        "last_label_step": 95,
        "audit_gap": 50,
        "energy_shift": -2.0,
        "seen_energies_std": (0.01, 0.01, 0.01),
        "calibration": {z: ElementCalibration(initial=1.0) for z in ("H", "O")},
    }
    return LearnerState(**{**grown, **changes}, path=PathState(**{**values, **(path or {})}))


def verdict(action: Action = "label", **changes: Any) -> Verdict:
    said: dict[str, Any] = {"action": action, "rule": "toy", "reason": "the test says so"}
    return Verdict(**{**said, **changes})


def says(*said: Verdict) -> Rule:
    """Return a rule that says one verdict after the other, the last for ever."""
    left = list(said)

    def rule(seen: Observation, state: LearnerState, settings: Any) -> Verdict:
        return left.pop(0) if len(left) > 1 else left[0]

    return rule


def mode(*rules: Rule, **changes: Any) -> Mode:
    """Return a mode that learns, with rules of its own."""
    return replace(Mode(name="cofl", rules=rules), **changes)


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal through and through, arrays too."""
    if is_dataclass(one):
        return type(one) is type(other) and all(
            same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one)
        )
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@contextmanager
def counted_judgements(patch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Yield a list that grows by one for each judgement while the block lasts."""
    found: list[int] = []
    judge = LearnerState.judge

    def counting(self: LearnerState, symbols: list[str], forces_std: FloatArray) -> Any:
        found.append(1)
        return judge(self, symbols, forces_std)

    with patch.context() as block:
        block.setattr(LearnerState, "judge", counting)
        yield found
