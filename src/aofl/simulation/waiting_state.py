"""Questions that are out, as a checkpoint holds them: arrays and JSON values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aofl.learning.observation import Frame, Judgement, Observation
from aofl.learning.question import Question
from aofl.learning.reaction_watch import ReactionWatch
from aofl.learning.waiting import Waiting
from aofl.plain import from_plain, to_plain
from aofl.records import FloatArray, Prediction, Verdict

PREDICTED = ("energies", "forces", "stress", "environments", "forces_std")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainQuestion:
    """What of a question is plain JSON; see `Waiting`."""

    step: int
    timestep_fs: float
    temperature: float
    energy: float
    seed: int
    atom: int
    watch: ReactionWatch
    verdict: Verdict
    is_expected: bool


def pack_waiting(
    waiting: tuple[Waiting, ...],
) -> tuple[dict[str, FloatArray], list[dict[str, Any]]]:
    """Return questions as arrays and JSON values; `waiting_of` undoes it."""
    arrays = {
        f"waiting.{k}.{name}": array
        for k, one in enumerate(waiting)
        for name, array in _arrays(one.seen).items()
    }
    return arrays, [to_plain(_plain(one)) for one in waiting]


def waiting_of(
    arrays: Mapping[str, FloatArray], plain: list[dict[str, Any]], now: Frame
) -> tuple[Waiting, ...]:
    """Return the questions that `pack_waiting` described.

    Parameters
    ----------
    now
        A frame of the same atoms.

    Raises
    ------
    KeyError, TypeError, ValueError
        If a value or an array is not what it was when it was written.
    """
    return tuple(
        _waiting(
            {name: arrays[f"waiting.{k}.{name}"] for name in (*PREDICTED, *OWN)},
            from_plain(PlainQuestion, one),
            now,
        )
        for k, one in enumerate(plain)
    )


OWN = ("positions", "cell", "errors", "limits")


def _arrays(seen: Observation) -> dict[str, FloatArray]:
    predicted = {name: np.asarray(getattr(seen.prediction, name)) for name in PREDICTED}
    return predicted | {
        "positions": seen.structure.positions,
        "cell": seen.structure.cell,
        "errors": seen.judged.errors,
        "limits": seen.judged.limits,
    }


def _plain(waiting: Waiting) -> PlainQuestion:
    seen = waiting.seen
    return PlainQuestion(
        step=seen.step,
        timestep_fs=seen.timestep_fs,
        temperature=waiting.question.frame.temperature,
        energy=seen.prediction.energy,
        seed=seen.seed,
        atom=seen.judged.atom,
        watch=waiting.watch,
        verdict=waiting.verdict,
        is_expected=waiting.question.expected_errors is not None,
    )


def _waiting(arrays: Mapping[str, FloatArray], plain: PlainQuestion, now: Frame) -> Waiting:
    n = len(now.structure)
    for name in ("positions", "forces", "forces_std"):
        if arrays[name].shape != (n, 3):
            raise ValueError(f"{name} of a question has shape {arrays[name].shape}, not {(n, 3)}")
    predicted: dict[str, Any] = {name: arrays[name] for name in PREDICTED}
    structure = replace(now.structure, positions=arrays["positions"], cell=arrays["cell"])
    frame = replace(now, structure=structure, temperature=plain.temperature)
    seen = Observation(
        step=plain.step,
        structure=structure,
        symbols=list(structure.symbols),
        previous_positions=None,
        temperature=plain.temperature,
        target_temperature=None,
        prediction=Prediction(energy=plain.energy, **predicted),
        judgement=Judgement(errors=arrays["errors"], limits=arrays["limits"], atom=plain.atom),
        seed=plain.seed,
        timestep_fs=plain.timestep_fs,
    )
    question = Question(
        frame=frame,
        prediction=seen.prediction,
        expected_errors=arrays["errors"] if plain.is_expected else None,
        step=seen.step,
        time_fs=seen.time_fs,
        rule=plain.verdict.rule,
    )
    return Waiting(question=question, verdict=plain.verdict, seen=seen, watch=plain.watch)
