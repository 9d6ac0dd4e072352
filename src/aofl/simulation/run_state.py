"""A run in progress: what moves, what learns, and where it is written."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from ase import Atoms

from aofl.chemistry.tracker_state import TrackerState
from aofl.config.schema import RunConfig
from aofl.learning.adaptive_calculator import AdaptiveCalculator
from aofl.simulation.dynamics import thermostat_state
from aofl.simulation.recorder import Recorder
from aofl.simulation.snapshot import Snapshot, capture
from aofl.simulation.stopping import StopRequest
from aofl.store import RunDirectory

SNAPSHOTS = 20  # that a rewind can go back to


@dataclass(slots=True, kw_only=True)
class Run:
    """A run in progress.

    Attributes
    ----------
    dynamics
        One of ASE's integrators.
    tracker
        What is known of the chemistry so far; None before the first look.
    snapshots
        Frames that a rewind can go back to, the latest last.
    rewound_to
        The step that the last rewind went back to: what is refused at once after it goes further
        back, or the run would repeat the same steps.
    warned
        Resources that were warned of.
    """

    config: RunConfig
    directory: RunDirectory
    files: Recorder
    atoms: Atoms
    calculator: AdaptiveCalculator
    dynamics: Any  # its base class has no `step`
    tracker: TrackerState | None = None
    snapshots: deque[Snapshot] = field(default_factory=lambda: deque(maxlen=SNAPSHOTS))
    rewound_to: int | None = None
    stop: StopRequest = field(default_factory=StopRequest)
    warned: set[str] = field(default_factory=set)

    @property
    def step(self) -> int:
        """The last step that was accepted."""
        return self.calculator.state.path.step

    @property
    def time_fs(self) -> float:
        """Simulated time, fs."""
        return self.step * self.config.dynamics.timestep_fs

    def snapshot(self, offsets: dict[str, int]) -> Snapshot:
        """Return copies of everything that moves, with the sizes of the files that go with it."""
        thermostat = thermostat_state(self.dynamics)
        return capture(self.atoms, self.calculator, thermostat, self.tracker, offsets)
