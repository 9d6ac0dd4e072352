"""Situations and memories made by hand, for tests of the rules."""

from __future__ import annotations

import numpy as np

from aofl.config.schema import LearningConfig
from aofl.learning.element_calibration import ElementCalibration
from aofl.learning.learner_state import LearnerState
from aofl.learning.observation import Observation
from aofl.records import Prediction

SETTINGS = LearningConfig(target_force_error_meV_per_A=300, audit_probability=0.0)
NUMBERS = np.array([8, 1, 1])
POSITIONS = np.array([[0.0, 0.0, 0.0], [0.96, 0.0, 0.0], [-0.24, 0.93, 0.0]])


def prediction(std: float = 0.01, **changes: object) -> Prediction:
    values: dict[str, object] = {
        "energy": -1.0,
        "forces": np.zeros((3, 3)),
        "stress": np.zeros(6),
        "energies": np.zeros(3),
        "environments": np.eye(3),
        "forces_std": np.full((3, 3), std),
    }
    return Prediction(**{**values, **changes})  # type: ignore[arg-type]


def situation(**changes: object) -> Observation:
    values: dict[str, object] = {
        "step": 100,
        "numbers": NUMBERS,
        "symbols": ["O", "H", "H"],
        "positions": POSITIONS,
        "cell": 10 * np.eye(3),
        "pbc": np.array([True, True, True]),
        "previous_positions": POSITIONS,
        "temperature": 300.0,
        "target_temperature": 300.0,
        "prediction": prediction(),
        "seed": 0,
    }
    return Observation(**{**values, **changes})  # type: ignore[arg-type]


def memory(**changes: object) -> LearnerState:
    trust = {element: ElementCalibration(ratios=[2.0] * 20) for element in ("O", "H")}
    grown = LearnerState(target=0.3, n_labels=30, trust=trust, last_label_step=95, audit_gap=50)
    for name, value in changes.items():
        setattr(grown, name, value)
    return grown
