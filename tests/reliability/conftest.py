"""A run of a second, in this process, with a reference that costs a millisecond."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from aofl import api
from aofl.config import RunConfig, config_from_mapping
from aofl.records import Label
from aofl.reference import AseReference
from aofl.store import format_atoms
from aofl.workflows import assemble


class Reference(AseReference):
    """EMT, always afresh, with a fault before each label where one is given."""

    def __init__(self, fault: Callable[[int, Label], Label]) -> None:
        super().__init__(EMT(), description={"code": "emt"})
        self.fault, self.calls = fault, 0

    def label(self, atoms: Atoms, *, careful: bool = False) -> Label:
        self._calculator = EMT()
        self.calls += not careful  # asked again about the same structure
        return self.fault(self.calls, super().label(atoms, careful=careful))


@dataclass
class Bench:
    """Where runs of a test lie, and how to make one."""

    path: Path
    patch: pytest.MonkeyPatch

    def config(self, **changes: Any) -> RunConfig:
        data = {
            "mode": "aofl",
            "seed": 5,
            "system": {"structure": str(self.path / "start.extxyz")},
            "force_field": {"accuracy": "fast"},
            "learning": {"target_force_error_meV_per_A": 60.0, "audit_probability": 0.2},
            "dynamics": {
                "name": "langevin",
                "timestep_fs": 3.0,
                "temperature_K": 400.0,
                "steps": 24,
            },
            "output": {"trajectory_every": 2, "checkpoint_every": 5},
        }
        return config_from_mapping(data, changes)

    def reference(self, fault: Callable[[int, Label], Label] = lambda n, label: label) -> None:
        """Let the next runs ask EMT, with a fault."""
        self.patch.setitem(
            assemble.REFERENCES, "tblite", lambda config, directory: Reference(fault)
        )

    def run(self, name: str, on_step: Any = lambda run: None, **changes: Any) -> Path:
        """Make a whole run and return its directory."""
        out = self.path / name
        api.run(self.config(**changes), out, on_step)
        return out


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True) * (2, 1, 1)
    atoms.numbers[[1, 6]] = 13
    atoms.rattle(0.05, rng=np.random.default_rng(3))
    (tmp_path / "start.extxyz").write_text(format_atoms(atoms))
    made = Bench(tmp_path, monkeypatch)
    made.reference()
    return made
