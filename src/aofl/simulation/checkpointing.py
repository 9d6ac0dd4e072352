"""Checkpoints: the exact state of a run, and how to get it back.

A checkpoint holds mechanics, memory and hyperparameters; it does not hold the Gram matrices and the
posterior, which are rebuilt from the labels in the order they were learned: a refit at the label
of the last refit, the later ones appended. They come out the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from aofl.bayes.evidence import Hyperparameters
from aofl.chemistry.tracker_state import TrackerState
from aofl.errors import StoreError
from aofl.learning.environment_store import EnvironmentStore
from aofl.learning.learner_state import LearnerState
from aofl.learning.timing import CallTimes
from aofl.plain import from_plain
from aofl.records import FloatArray
from aofl.simulation.dynamics import thermostat_state
from aofl.simulation.snapshot import RESULTS, Snapshot, capture
from aofl.store import Checkpoint, save_checkpoint

if TYPE_CHECKING:
    from aofl.forcefield.model import ForceField
    from aofl.learning.adaptive_calculator import AdaptiveCalculator
    from aofl.simulation.run import Run

ARRAYS = ("positions", "momenta", "previous_positions", "thermostat")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainInstant:
    """What of an instant is plain JSON; see `Snapshot`."""

    step: int
    source: str
    error: float | None
    limit: float
    is_unsure: bool
    energy_shift: float
    offsets: dict[str, int]


PLAIN = tuple(field.name for field in fields(PlainInstant))


def save_state(
    run: Run,
    offsets_at_rewind: dict[str, int] | None = None,
    events_to_tell: list[dict[str, Any]] | None = None,
) -> None:
    """Write a checkpoint of a run; the growing files are on the disk before it is.

    Parameters
    ----------
    offsets_at_rewind
        Sizes of files that are about to be cut back, and not yet: a kill in between must find
        them at least as long as one of the checkpoints says.
    events_to_tell
        What is to be written to `events.jsonl` again after that cut.
    """
    calculator = run.calculator
    offsets = {**run.files.offsets(), **(offsets_at_rewind or {})}
    now = capture(run.atoms, calculator, thermostat_state(run.dynamics), run.followed, offsets)
    arrays, instants = pack([now, *run.snapshots])
    force_field = calculator.force_field
    if force_field is not None and force_field.hyper is not None:
        # "scales" were those of a rougher prior: a checkpoint with them must not be continued.
        arrays["prior_scales"] = force_field.hyper.scales
        arrays["noises"] = force_field.hyper.noises
    save_checkpoint(
        run.directory.checkpoint,
        arrays,
        {
            "step": now.step,
            "config": run.config.model_dump(mode="json"),
            "instants": instants,
            "rewound_to": run.rewound_to,
            "events_to_tell": events_to_tell or [],
            "memory": calculator.memory.to_json(),
            "banks": {
                element: {"labels": bank.labels, "atoms": bank.atoms}
                for element, bank in calculator.memory.banks.items()
            },
            "asked_ids": calculator.labeller.ids,
            "learned_ids": calculator.learned_ids,
            "n_labels_at_search": force_field.n_labels_at_search if force_field else 0,
            "n_labels_at_refit": force_field.n_labels_at_refit if force_field else 0,
            "wall": {
                "seconds": calculator.wall.seconds,
                "total": calculator.wall.total,
                "reference_calls": calculator.wall.reference_calls.to_json(),
            },
        },
        step=now.step,
    )


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Turn what a checkpoint of strange content raises into one sentence.

    Raises
    ------
    StoreError
        If the block fails on a missing key, a wrong type or a wrong shape.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise StoreError(
            f"{what} cannot be continued by this version ({type(error).__name__}: {error}): go "
            "on with the version in run.json, or start a new run"
        ) from error


def pack(instants: list[Snapshot]) -> tuple[dict[str, FloatArray], list[dict[str, Any]]]:
    """Return instants as arrays and JSON values; `mechanics_of` undoes it."""
    arrays = {
        f"{k}.{name}": array
        for k, instant in enumerate(instants)
        for name, array in _arrays(instant).items()
    }
    return arrays, [_plain(instant) for instant in instants]


def mechanics_of(checkpoint: Checkpoint) -> tuple[Snapshot, list[Snapshot]]:
    """Return the instant of a checkpoint, and the frames before it that a rewind can go back to.

    Raises
    ------
    StoreError
        If the checkpoint has none that fit.
    """
    with understood("the checkpoint"):
        now, *before = (
            _instant(checkpoint.arrays, k, state)
            for k, state in enumerate(checkpoint.state["instants"])
        )
        if now.step != checkpoint.state["step"]:
            raise ValueError("two different steps")
    return now, before


def _arrays(instant: Snapshot) -> dict[str, FloatArray]:
    results = {f"results.{name}": value for name, value in instant.results.items()}
    return {name: getattr(instant, name) for name in ARRAYS} | results


def _plain(instant: Snapshot) -> dict[str, Any]:
    """Return what of an instant is not an array, as JSON values."""
    bonded, followed = instant.bonded, instant.followed
    return {
        **{name: getattr(instant, name) for name in PLAIN},
        "bonded": None if bonded is None else bonded.tolist(),
        "followed": followed.to_json() if followed else None,
    }


def _instant(arrays: dict[str, Any], k: int, state: dict[str, Any]) -> Snapshot:
    """Return what `_arrays` and `_plain` described.

    Raises
    ------
    TypeError, ValueError
        If a value or an array is not what it was when it was written.
    """
    n, m = len(arrays["0.positions"]), len(arrays[f"{k}.previous_positions"])
    shapes: dict[str, tuple[int, ...]] = {
        "positions": (n, 3),
        "momenta": (n, 3),
        "previous_positions": (n if m else 0, 3),
    }
    shapes |= {"results.energy": (), "results.free_energy": (), "results.energies": (n,)}
    shapes |= {"results.forces": (n, 3), "results.stress": (6,)}
    for name, shape in shapes.items():
        if arrays[f"{k}.{name}"].shape != shape:
            raise ValueError(f"{name} has shape {arrays[f'{k}.{name}'].shape}, not {shape}")
    plain = from_plain(PlainInstant, {name: state[name] for name in PLAIN})
    bonded, followed = state["bonded"], state["followed"]
    return Snapshot(
        results={name: arrays[f"{k}.results.{name}"] for name in RESULTS},
        bonded=None if bonded is None else np.array(bonded, dtype=np.int64).reshape(-1, 2),
        followed=TrackerState.from_json(followed) if followed else None,
        **{name: arrays[f"{k}.{name}"] for name in ARRAYS},
        **{name: getattr(plain, name) for name in PLAIN},
    )


def restore_learning(calculator: AdaptiveCalculator, checkpoint: Checkpoint) -> None:
    """Put back memory, wall time and force field.

    Raises
    ------
    StoreError
        If the labels that the checkpoint counts on are not all there.
    """
    target = calculator.memory.target  # of the settings now, which a resume may change
    with understood("the checkpoint"):
        state = checkpoint.state
        calculator.memory = replace(LearnerState.from_json(state["memory"]), target=target)
        calculator.labeller.ids = [int(k) for k in state["asked_ids"]]
        calculator.learned_ids = [int(k) for k in state["learned_ids"]]
        calculator.wall.seconds.update(state["wall"]["seconds"])
        calculator.wall.before = float(state["wall"]["total"])
        calculator.wall.reference_calls = CallTimes.from_json(state["wall"]["reference_calls"])
        _restore_force_field(calculator, checkpoint)


def _restore_force_field(calculator: AdaptiveCalculator, checkpoint: Checkpoint) -> None:
    dataset = calculator.labeller.dataset
    if dataset is None or any(not 0 <= k < len(dataset) for k in calculator.labeller.ids):
        raise StoreError(
            "labels.extxyz holds fewer labels than the checkpoint has learned; "
            "restore the file from a copy"
        )
    if calculator.mode in ("cofl", "aofl"):
        _relearn(calculator, checkpoint)
    elif calculator.mode == "mlff":
        _rebuild_banks(calculator, checkpoint.state["banks"], {})


def _relearn(calculator: AdaptiveCalculator, checkpoint: Checkpoint) -> None:
    """Rebuild the force field from the labels, and the banks from their index lists."""
    force_field, dataset = calculator.force_field, calculator.labeller.dataset
    if force_field is None or dataset is None:
        raise StoreError("a learning run needs a force field and a data set to resume")
    environments, state = {}, checkpoint.state
    known = force_field.n_labels  # by the model that the run started from
    # Checkpoints of before there was `append` refitted at every label.
    at_refit = state.get("n_labels_at_refit", known + len(calculator.learned_ids))
    for n, label_id in enumerate(calculator.learned_ids, start=known + 1):
        entry = dataset[label_id]
        atoms = Atoms(entry.numbers, entry.positions, cell=entry.cell, pbc=entry.pbc)
        if n > at_refit:
            force_field.append(atoms, entry.label)
        else:
            force_field.absorb(atoms, entry.label)
        if n == at_refit:
            _refit(force_field, checkpoint)
        environments[label_id] = force_field.environments(atoms)
    force_field.level = calculator.labeller.level
    _rebuild_banks(calculator, checkpoint.state["banks"], environments)


def _refit(force_field: ForceField, checkpoint: Checkpoint) -> None:
    """Fit with the hyperparameters of the checkpoint."""
    force_field.hyper = Hyperparameters(
        scales=checkpoint.arrays["prior_scales"], noises=checkpoint.arrays["noises"]
    )
    force_field.n_labels_at_search = checkpoint.state["n_labels_at_search"]
    force_field.refit()


def _rebuild_banks(
    calculator: AdaptiveCalculator, banks: dict[str, Any], environments: dict[int, Any]
) -> None:
    for element, index in banks.items():
        vectors = [environments[k][a] for k, a in zip(index["labels"], index["atoms"], strict=True)]
        calculator.memory.banks[element] = EnvironmentStore(
            np.array(vectors), list(index["labels"]), list(index["atoms"])
        )
