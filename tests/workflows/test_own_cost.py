"""What a run's own part costs is measured, and counts in the forecast."""

from __future__ import annotations

from pathlib import Path

import ase.io
import pytest
from ase import Atoms

from aofl import api
from aofl.config import config_from_mapping
from aofl.forcefield.model import ForceField
from aofl.reference import AseReference
from aofl.workflows.own_cost import own_cost


@pytest.mark.parametrize("mode", ["aofl", "aimd"])
def test_learning_counts_in_the_forecast_of_a_run_that_learns(
    copper: Atoms, tmp_path: Path, mode: str
) -> None:
    ase.io.write(tmp_path / "start.traj", copper)
    given = {
        "mode": mode,
        "system": {"structure": str(tmp_path / "start.traj")},
        "reference": {"name": "ase", "calculator": "ase.calculators.emt.EMT"},
        "force_field": {"accuracy": "fast"},
        "dynamics": {
            "name": "velocity_verlet",
            "temperature_K": 300.0,
            "timestep_fs": 1.0,
            "steps": 2000,
        },
    }
    found = api.check(config_from_mapping(given), time_label=True)
    parts = found["hours_by_part"]
    assert found["hours"] == pytest.approx([sum(x) for x in zip(*parts.values(), strict=True)])
    assert parts["reference"][0] > 0
    if mode == "aimd":
        assert parts["update"] == parts["force_field"] == [0.0, 0.0]
    else:
        assert parts["update"][1] > parts["update"][0] > 0
        assert parts["force_field"][0] > 0


def test_a_force_field_for_production_pays_for_its_steps_alone(
    copper: Atoms, emt: AseReference, tmp_path: Path
) -> None:
    learned = ForceField(["Cu", "Al"], "fast")
    label = emt.label(copper)
    learned.learn(copper, label)
    learned.save(tmp_path / "model.h5", for_production=True)
    frozen = ForceField.load(tmp_path / "model.h5")
    cost = own_cost(frozen, copper, copper, label, learns=False)
    assert cost.step > 0
    assert cost.update == 0
