"""Checkpoints: the exact state of a run, and how to get it back.

A checkpoint holds snapshots, knowledge and the prior; it does not hold the Gram matrix and the
posterior, which are rebuilt from the labels in the order they were learned: a refit at the
label of the last refit, the later ones appended. They come out the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from ase import Atoms

from aofl.chemistry.tracker_state import TrackerState
from aofl.errors import StoreError
from aofl.forcefield.model import ForceField
from aofl.forcefield.rows import FORCES, NOISES
from aofl.learning.adaptive_calculator import AdaptiveCalculator, frame_of
from aofl.learning.environment_store import EnvironmentStore
from aofl.learning.learner_state import Knowledge, LearnerState, PathState, Source
from aofl.learning.timing import CallTimes
from aofl.plain import from_plain, to_plain
from aofl.records import FloatArray, IntArray
from aofl.simulation.push import Push
from aofl.simulation.run_state import Run
from aofl.simulation.snapshot import RESULTS, Snapshot
from aofl.simulation.waiting_state import pack_waiting, waiting_of
from aofl.store import Checkpoint, Dataset, save_checkpoint
from aofl.structure import Structure


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainInstant:
    """What of a snapshot is plain JSON; see `Snapshot` and `PathState`."""

    step: int
    source: Source
    error: float | None
    limit: float
    is_unsure: bool
    energy_shift: float
    offsets: dict[str, int]
    hot: tuple[int, int] | None = None


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
    calculator, force_field = run.calculator, run.calculator.force_field
    now = run.snapshot({**run.files.offsets(), **(offsets_at_rewind or {})})
    arrays, instants = pack([now, *run.snapshots])
    questions, waiting = pack_waiting(calculator.state.waiting)
    arrays |= questions
    if force_field is not None and force_field.scales is not None:
        # "scales" were those of a rougher prior: a checkpoint with them must not be continued.
        arrays["prior_scales"] = force_field.scales
    state = {
        "step": now.step,
        "config": run.config.model_dump(mode="json"),
        "instants": instants,
        "rewound_to": run.rewound_to,
        "events_to_tell": events_to_tell or [],
        "waiting": waiting,
        **_learning(calculator),
    }
    save_checkpoint(run.directory.checkpoint, arrays, state, step=now.step)


def _learning(calculator: AdaptiveCalculator) -> dict[str, Any]:
    """Return what was learned, and what it took, as JSON values."""
    force_field, state, timing = calculator.force_field, calculator.state, calculator.timing
    return {
        "memory": to_plain(_knowledge(state)),
        "banks": {
            element: {"labels": list(store.labels), "atoms": list(store.atoms)}
            for element, store in state.environments.items()
        },
        "asked_ids": calculator.oracle.ids,
        "learned_ids": list(state.learned_ids),
        "n_labels_at_refit": force_field.n_labels_at_refit if force_field else 0,
        "wall": {
            "seconds": timing.seconds,
            "total": timing.total,
            "reference_calls": timing.reference_calls.to_json(),
        },
    }


def _knowledge(state: LearnerState) -> Knowledge:
    return Knowledge(**{field.name: getattr(state, field.name) for field in fields(Knowledge)})


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
    """Return snapshots as arrays and JSON values; `snapshots_of` undoes it."""
    arrays = {
        f"{k}.{name}": array
        for k, instant in enumerate(instants)
        for name, array in _arrays(instant).items()
    }
    return arrays, [_plain(instant) for instant in instants]


def snapshots_of(checkpoint: Checkpoint) -> tuple[Snapshot, list[Snapshot]]:
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
    before = instant.path.previous_positions
    own = {
        "positions": instant.positions,
        "momenta": instant.momenta,
        "previous_positions": np.empty((0, 3)) if before is None else before,
        "thermostat": instant.thermostat,
    }
    own |= {} if instant.cell is None else {"cell": instant.cell}
    if (plumed := instant.plumed) is not None:
        energy = np.array(plumed.energy)
        own |= {
            "plumed.energy": energy, "plumed.forces": plumed.forces, "plumed.virial": plumed.virial
        }  # fmt: skip
    return own | {f"results.{name}": value for name, value in instant.results.items()}


def _plain(instant: Snapshot) -> dict[str, Any]:
    """Return what of a snapshot is not an array, as JSON values."""
    path, tracker = instant.path, instant.tracker
    plain = PlainInstant(
        step=path.step,
        source=path.source,
        error=path.error,
        limit=path.limit,
        is_unsure=path.is_unsure,
        energy_shift=path.energy_shift,
        offsets=instant.offsets,
        hot=path.hot,
    )
    return {
        **to_plain(plain),
        "bonded": None if path.judged_bonded is None else path.judged_bonded.tolist(),
        "tracked": None if path.bonded is None else path.bonded.tolist(),
        "followed": tracker.to_json() if tracker else None,
    }


def _instant(arrays: dict[str, Any], k: int, state: Mapping[str, Any]) -> Snapshot:
    """Return what `_arrays` and `_plain` described.

    Raises
    ------
    TypeError, ValueError
        If a value or an array is not what it was when it was written.
    """
    _check_shapes(arrays, k)
    known = {f.name: state[f.name] for f in fields(PlainInstant) if f.name != "hot"}
    plain = from_plain(PlainInstant, {**known, "hot": state.get("hot")})  # newer than the others
    before, tracker = arrays[f"{k}.previous_positions"], state["followed"]
    # Older checkpoints: the rules and the log had each a history of their own.
    tracked = state.get("tracked", tracker["bonded"] if tracker else state["bonded"])
    path = PathState(
        step=plain.step,
        previous_positions=before if len(before) else None,
        bonded=_pairs(tracked),
        judged_bonded=_pairs(state["bonded"]),
        source=plain.source,
        error=plain.error,
        limit=plain.limit,
        is_unsure=plain.is_unsure,
        energy_shift=plain.energy_shift,
        hot=plain.hot,
    )
    return Snapshot(
        positions=arrays[f"{k}.positions"],
        momenta=arrays[f"{k}.momenta"],
        cell=arrays.get(f"{k}.cell"),  # newer than the others
        results={name: arrays[f"{k}.results.{name}"] for name in RESULTS},
        thermostat=arrays[f"{k}.thermostat"],
        path=path,
        tracker=TrackerState.from_json(tracker) if tracker else None,
        offsets=plain.offsets,
        plumed=_push(arrays, k),
    )


def _push(arrays: dict[str, Any], k: int) -> Push | None:
    if f"{k}.plumed.energy" not in arrays:
        return None
    return Push(
        energy=float(arrays[f"{k}.plumed.energy"]),
        forces=arrays[f"{k}.plumed.forces"],
        virial=arrays[f"{k}.plumed.virial"],
    )


def _pairs(bonded: list[list[int]] | None) -> IntArray | None:
    return None if bonded is None else np.array(bonded, dtype=np.int64).reshape(-1, 2)


def _check_shapes(arrays: dict[str, Any], k: int) -> None:
    """Refuse arrays that are not those of one structure."""
    n, m = len(arrays["0.positions"]), len(arrays[f"{k}.previous_positions"])
    shapes: dict[str, tuple[int, ...]] = {
        "positions": (n, 3),
        "momenta": (n, 3),
        "cell": (3, 3),
        "previous_positions": (n if m else 0, 3),
        "results.energy": (),
        "results.free_energy": (),
        "results.energies": (n,),
        "results.forces": (n, 3),
        "results.stress": (6,),
        "plumed.energy": (),
        "plumed.forces": (n, 3),
        "plumed.virial": (3, 3),
    }
    for name, shape in shapes.items():
        if name.startswith(("cell", "plumed")) and f"{k}.{name}" not in arrays:
            continue
        if arrays[f"{k}.{name}"].shape != shape:
            raise ValueError(f"{name} has shape {arrays[f'{k}.{name}'].shape}, not {shape}")


def restore_learning(calculator: AdaptiveCalculator, checkpoint: Checkpoint) -> None:
    """Put back what was learned, wall time and force field; the path comes with a snapshot.

    Raises
    ------
    StoreError
        If the labels that the checkpoint counts on are not all there.
    """
    with understood("the checkpoint"):
        state, before = checkpoint.state, calculator.state
        known = from_plain(Knowledge, state["memory"])
        # The target is that of the settings now, which a resume may change.
        known = replace(known, target=before.target, is_strict=before.is_strict)
        calculator.oracle.ids = [int(k) for k in state["asked_ids"]]
        timing = calculator.timing
        timing.seconds.update(state["wall"]["seconds"])
        timing.before = float(state["wall"]["total"])
        timing.reference_calls = CallTimes.from_json(state["wall"]["reference_calls"])
        learned_ids = tuple(int(k) for k in state["learned_ids"])
        calculator.state = LearnerState(
            **{field.name: getattr(known, field.name) for field in fields(Knowledge)},
            path=before.path,
            learned_ids=learned_ids,
            environments=_restored(calculator, checkpoint, learned_ids),
        )


def ask_again(calculator: AdaptiveCalculator, checkpoint: Checkpoint, atoms: Atoms) -> None:
    """Send the questions that were out once more; what has a label by now is not computed again.

    Raises
    ------
    StoreError
        If the checkpoint's questions do not fit the atoms.
    """
    plain = checkpoint.state.get("waiting", [])  # newer than the others
    with understood("the checkpoint"):
        waiting = waiting_of(checkpoint.arrays, plain, frame_of(atoms))
    calculator.state = replace(calculator.state, waiting=waiting)
    for one in waiting:
        calculator.oracle.send(one.question)


def _restored(
    calculator: AdaptiveCalculator, checkpoint: Checkpoint, learned_ids: tuple[int, ...]
) -> dict[str, EnvironmentStore]:
    """Rebuild the force field from the labels; return the environments that they have shown."""
    dataset, force_field = calculator.oracle.dataset, calculator.force_field
    if dataset is None or any(not 0 <= k < len(dataset) for k in calculator.oracle.ids):
        raise StoreError(
            "labels.extxyz holds fewer labels than the checkpoint has learned; "
            "restore the file from a copy"
        )
    mode, environments = calculator.mode, {}
    if mode.learns:
        if force_field is None:
            raise StoreError("a learning run needs a force field and a data set to resume")
        environments = _relearn(force_field, dataset, checkpoint, learned_ids)
        force_field.level = calculator.oracle.level
    if not mode.has_force_field:
        return {}
    return {
        element: EnvironmentStore(
            np.array([environments[k][a] for k, a in zip(x["labels"], x["atoms"], strict=True)]),
            tuple(x["labels"]),
            tuple(x["atoms"]),
        )
        for element, x in checkpoint.state["banks"].items()
    }


def _relearn(
    force_field: ForceField,
    dataset: Dataset,
    checkpoint: Checkpoint,
    learned_ids: tuple[int, ...],
) -> dict[int, FloatArray]:
    """Learn the labels again in their order; return the environments of each, (n, m)."""
    environments, known = {}, force_field.n_labels  # by the model that the run started from
    # Checkpoints of before there was `append` refitted at every label.
    at_refit = checkpoint.state.get("n_labels_at_refit", known + len(learned_ids))
    for n, label_id in enumerate(learned_ids, start=known + 1):
        entry = dataset[label_id]
        structure = Structure.labelled(entry)
        if n > at_refit:
            force_field.append(structure, entry.label)
        else:
            force_field.absorb(structure, entry.label)
        if n == at_refit:
            _refit(force_field, checkpoint)
        environments[label_id] = force_field.environments(structure)
    return environments


def _refit(force_field: ForceField, checkpoint: Checkpoint) -> None:
    """Fit with the prior of the checkpoint; older ones held it in proportion to their noise."""
    scales = checkpoint.arrays["prior_scales"]
    if "noises" in checkpoint.arrays:
        scales = scales / checkpoint.arrays["noises"][FORCES] * NOISES[FORCES]
    force_field.scales = scales
    force_field.refit()
