"""The snapshot of a run at one instant: atoms, accepted forces, thermostat, path of the learner.

Captured for rewinds (in memory) and for checkpoints (on disk). The accepted forces belong to it,
because on a labelled step they are the reference's, which the force field could not reproduce.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from ase import Atoms

from aofl.chemistry.tracker_state import TrackerState
from aofl.learning.adaptive_calculator import AdaptiveCalculator
from aofl.learning.learner_state import PathState
from aofl.records import FloatArray
from aofl.simulation.bias import plumed_of
from aofl.simulation.push import Push
from aofl.structure import Structure

RESULTS = ("energy", "free_energy", "energies", "forces", "stress")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One instant.

    Attributes
    ----------
    positions, momenta
        Å and ASE's units, shape (n, 3).
    cell
        Rows are the cell vectors, Å, shape (3, 3); None, in checkpoints of before there was
        pressure, for the one that a run started with.
    results
        What the calculator gave for these positions, by ASE's property names.
    thermostat
        Its own variables.
    path
        What of the learner belongs to the path.
    tracker
        What is known of the chemistry so far: with hysteresis it depends on the past.
    offsets
        Sizes of the files to cut back to on a rewind.
    plumed
        What PLUMED did at these positions, which it could not repeat: a hill may have come since.
    """

    positions: FloatArray
    momenta: FloatArray
    cell: FloatArray | None
    results: dict[str, FloatArray]
    thermostat: FloatArray
    path: PathState
    tracker: TrackerState | None
    offsets: dict[str, int]
    plumed: Push | None = None

    @property
    def step(self) -> int:
        """The step after which it was taken."""
        return self.path.step

    def moved(self, structure: Structure) -> Structure:
        """Return a structure with its atoms and cell where they were then."""
        cell = structure.cell if self.cell is None else self.cell
        return replace(structure, positions=self.positions, cell=cell)


def capture(
    atoms: Atoms,
    calculator: AdaptiveCalculator,
    thermostat: FloatArray,
    tracker: TrackerState | None,
    offsets: dict[str, int],
) -> Snapshot:
    """Return copies of everything that moves."""
    engine = plumed_of(atoms)
    return Snapshot(
        positions=atoms.positions.copy(),
        momenta=atoms.get_momenta(),
        cell=atoms.cell.array.copy(),
        results={name: np.array(calculator.results[name], dtype=np.float64) for name in RESULTS},
        thermostat=thermostat.copy(),
        path=calculator.state.path,
        tracker=tracker,
        offsets=offsets,
        plumed=None if engine is None else engine.last,
    )


def put_back(snapshot: Snapshot, atoms: Atoms, calculator: AdaptiveCalculator) -> None:
    """Set atoms and the calculator they follow to a captured instant; what was learned is kept."""
    if snapshot.cell is not None:
        atoms.set_cell(snapshot.cell)
    atoms.positions = snapshot.positions
    atoms.set_momenta(snapshot.momenta, apply_constraint=False)
    calculator.atoms = atoms.copy()
    calculator.results = {
        name: float(value) if value.ndim == 0 else value.copy()
        for name, value in snapshot.results.items()
    }
    calculator.state = replace(calculator.state, path=snapshot.path)
    if (engine := plumed_of(atoms)) is not None:
        engine.put_back(snapshot.step, snapshot.plumed)
