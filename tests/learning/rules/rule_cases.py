"""Observations and states made by hand, for tests of the rules and of the learner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from aofl.ace.neighbors import find_neighbors
from aofl.chemistry.snapshot import ChemistrySnapshot
from aofl.config.schema import LearningConfig
from aofl.forcefield.baseline import repulsion
from aofl.learning.element_calibration import ElementCalibration
from aofl.learning.learner_state import LearnerState, PathState
from aofl.learning.observation import Judgement, Observation
from aofl.records import ClosestPair, FloatArray, Label, Prediction
from aofl.structure import Structure

SETTINGS = LearningConfig(target_force_error_meV_per_A=300, audit_probability=0.0)
NUMBERS = np.array([8, 1, 1])
POSITIONS = np.array([[0.0, 0.0, 0.0], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]])
SYMBOLS = ["O", "H", "H"]


def structure(positions: FloatArray = POSITIONS) -> Structure:
    """Return a water molecule in a periodic box of 10 Å."""
    return Structure(
        numbers=NUMBERS, positions=positions, cell=10 * np.eye(3), pbc=np.array([True] * 3)
    )


def prediction(std: float | None = 0.01, **changes: Any) -> Prediction:
    """Return the prediction for the three atoms, with equal deviations of all components."""
    values: dict[str, Any] = {
        "energy": -1.0,
        "forces": np.zeros((3, 3)),
        "stress": np.zeros(6),
        "energies": np.zeros(3),
        "environments": np.eye(3),
        "forces_std": None if std is None else np.full((3, 3), std),
    }
    return Prediction(**{**values, **changes})


def state(**changes: Any) -> LearnerState:
    """Return a state after 30 labels, with a calibration factor of 2 for both elements."""
    values: dict[str, Any] = {
        "target": 0.3,
        "n_labels": 30,
        "calibration": {z: ElementCalibration(ratios=(2.0,) * 20) for z in ("O", "H")},
        "last_label_step": 95,
        "audit_gap": 50,
        "path": PathState(step=99, limit=0.3),
    }
    return LearnerState(**{**values, **changes})


USUAL = state()


def observation(state: LearnerState = USUAL, **changes: Any) -> Observation:
    """Return an observation of step 100; what is thought of it is computed from the state."""
    values: dict[str, Any] = {
        "step": 100,
        "structure": structure(),
        "symbols": SYMBOLS,
        "previous_positions": POSITIONS,
        "temperature": 300.0,
        "target_temperature": 300.0,
        "prediction": prediction(),
        "seed": 0,
        **changes,
    }
    close = replace(values["prediction"], closest=closest(values["structure"]))
    values, std = {**values, "prediction": close}, close.forces_std
    judged = None if std is None else state.judge(values["symbols"], std)
    return Observation(**{"judgement": judged, **values})


def closest(given: Structure) -> ClosestPair | None:
    """Return the closest two atoms, as a force field sees them."""
    if not np.isfinite(given.positions).all():
        return None
    near = find_neighbors(given.positions, given.cell, given.pbc, 3.0)
    return repulsion(near, given.numbers).closest


def judgement(errors: list[float], limits: list[float]) -> Judgement:
    """Return what is thought of three forces, in eV/Å."""
    worst = int(np.argmax(np.array(errors) / np.array(limits)))
    return Judgement(errors=np.array(errors), limits=np.array(limits), atom=worst)


def label(force: float | FloatArray = 0.0, **changes: Any) -> Label:
    """Return a label whose force components are all the same, or as given."""
    values: dict[str, Any] = {"energy": -1.0, "seconds": 1.0}
    return Label(**{"forces": np.zeros((3, 3)) + force, **values, **changes})


def snapshot(
    *changes: str,
    species: tuple[str, ...] = (),
    contacts: tuple[str, ...] = (),
    longest: Mapping[str, float] | None = None,
    longest_atoms: Mapping[str, int] | None = None,
) -> ChemistrySnapshot:
    """Return a look at the chemistry that saw these changes of bonds."""
    return ChemistrySnapshot(
        bonded=np.empty((0, 2), dtype=np.int64),
        changes=changes,
        atom=0 if changes else None,
        species=frozenset(species),
        contacts=frozenset(contacts),
        longest=dict(longest or {}),
        longest_atoms=dict(longest_atoms or {}),
    )
