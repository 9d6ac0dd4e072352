"""A question to the oracle, and what it may answer: a label with its id, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from aofl.errors import ReferenceFailed
from aofl.learning.observation import Frame
from aofl.records import FloatArray, IntArray, Label, Prediction
from aofl.records.events import SpotChecked


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the oracle is asked.

    Attributes
    ----------
    step, time_fs, rule
        When, and in whose name; stored with the label.
    prediction
        What the force field says, stored beside the label; None where there is none.
    expected_errors
        What the force field takes its force error to be, rms over x, y, z, eV/Å, shape (n,);
        None where it is too young to doubt a label.
    core
        The atoms of a cut-out whose forces count (`Label.core`); None where all do.
    """

    frame: Frame
    step: int
    time_fs: float
    rule: str
    prediction: Prediction | None = None
    expected_errors: FloatArray | None = None
    core: IntArray | None = None

    @property
    def provenance(self) -> dict[str, Any]:
        """What is stored with the label."""
        return {"step": self.step, "time_fs": self.time_fs, "rule": self.rule}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A label that can be believed, its id, and what there is to tell of it."""

    label: Label
    label_id: int
    events: tuple[SpotChecked, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoLabel:
    """Why there is no label that can be believed; nothing is stored as one."""

    failure: ReferenceFailed


class AnyOracle(Protocol):
    """Answers questions; `aofl.learning.oracle.Oracle` is one.

    `level` is the level of theory of its labels.
    """

    level: str

    def ask(self, question: Question) -> Answer | NoLabel:
        """Return a label with its id, or why there is none."""

    def send(self, question: Question) -> None:
        """Let the question be answered beside the run."""

    def collect(self, question: Question) -> Answer | NoLabel:
        """Wait for the answer to a question that was sent."""
