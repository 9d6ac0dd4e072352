"""The mechanical state of a run at one instant: atoms, accepted forces, thermostat.

Captured for rewinds (in memory) and for checkpoints (on disk). The accepted forces belong to it,
because on a labelled step they are the reference's, which the force field could not reproduce.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from aofl.chemistry.tracker_state import TrackerState
from aofl.learning.adaptive_calculator import AdaptiveCalculator
from aofl.records import FloatArray, IntArray

RESULTS = ("energy", "free_energy", "energies", "forces", "stress")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One instant.

    Attributes
    ----------
    results
        What the calculator gave for these positions, by ASE's property names.
    previous_positions
        One step before, Å, shape (n, 3); empty at the start.
    followed
        What is known of the chemistry so far: with hysteresis it depends on the past.
    bonded
        Covalent bonds at the last look of the chemistry rule, for the same reason.
    error, limit
        Calibrated error and threshold at the last look, eV/Å.
    is_unsure
        Whether that was beyond a frozen force field.
    energy_shift
        What of the energy is jumps at labels and updates, eV.
    offsets
        Sizes of the files to cut back to on a rewind.
    """

    step: int
    positions: FloatArray
    momenta: FloatArray
    results: dict[str, FloatArray]
    previous_positions: FloatArray
    thermostat: FloatArray
    followed: TrackerState | None
    bonded: IntArray | None
    source: str
    error: float | None
    limit: float
    is_unsure: bool
    energy_shift: float
    offsets: dict[str, int]


def capture(
    atoms: Atoms,
    calculator: AdaptiveCalculator,
    thermostat: FloatArray,
    followed: TrackerState | None,
    offsets: dict[str, int],
) -> Snapshot:
    """Return copies of everything that moves."""
    before = calculator.previous_positions
    return Snapshot(
        step=calculator.step,
        positions=atoms.positions.copy(),
        momenta=atoms.get_momenta(),
        results={name: np.array(calculator.results[name], dtype=np.float64) for name in RESULTS},
        previous_positions=np.empty((0, 3)) if before is None else before.copy(),
        thermostat=thermostat.copy(),
        followed=followed,
        source=calculator.last_source,
        bonded=calculator.bonded,
        error=calculator.last_error,
        limit=calculator.last_limit,
        is_unsure=calculator.is_unsure,
        energy_shift=calculator.energy_shift,
        offsets=offsets,
    )


def put_back(
    mechanics: Snapshot, atoms: Atoms, calculator: AdaptiveCalculator
) -> TrackerState | None:
    """Set atoms and calculator to a captured instant; return the chemistry known then."""
    atoms.positions = mechanics.positions
    atoms.set_momenta(mechanics.momenta, apply_constraint=False)
    atoms.calc = calculator
    calculator.atoms = atoms.copy()
    calculator.results = {
        name: float(value) if value.ndim == 0 else value.copy()
        for name, value in mechanics.results.items()
    }
    calculator.step = mechanics.step
    calculator.last_source, calculator.is_unsure = mechanics.source, mechanics.is_unsure
    calculator.last_error, calculator.last_limit = mechanics.error, mechanics.limit
    calculator.bonded, calculator.energy_shift = mechanics.bonded, mechanics.energy_shift
    before = mechanics.previous_positions
    calculator.previous_positions = before.copy() if len(before) else None
    return mechanics.followed
