"""Walkers that share labels: what a neighbour has paid for is learned once, and kept by a kill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from command_line import killed

from aofl import api
from aofl.config.read import config_from_mapping, read_config
from aofl.config.schema import RunConfig
from aofl.errors import AoflError, ConfigError
from aofl.store import RunDirectory, read_labels

CONFIG: dict[str, Any] = {
    "mode": "aofl",
    "seed": 1,
    "reference": {"name": "ase", "calculator": "counted.Counted"},
    "force_field": {"name": "ace", "accuracy": "fast"},
    "learning": {"target_force_error_meV_per_A": 60, "audit_probability": 0.02},
    "dynamics": {"name": "langevin", "timestep_fs": 2, "temperature_K": 400, "steps": 120},
    "output": {"trajectory_every": 1, "checkpoint_every": 30},
}


def configured(place: Path, copper: Atoms, **labels: Any) -> RunConfig:
    start = place / "start.xyz"
    if not start.exists():
        copper.write(start)
    return config_from_mapping(CONFIG | {"system": {"structure": str(start)}, "labels": labels})


def walked(place: Path, name: str, copper: Atoms, seed: int = 1, **labels: Any) -> Path:
    config = configured(place, copper, **labels).model_copy(update={"seed": seed})
    api.run(config, place / "walkers" / name)
    return place / "walkers" / name


def shared(run: Path) -> list[tuple[int, str, int]]:
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return [
        (e["step"], e["neighbour"], e["n_labels"]) for e in events if e["event"] == "labels_shared"
    ]


def n_labels(run: Path) -> int:
    return int(json.loads((run / "summary.json").read_text())["labels"])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "walkers").mkdir()
    return tmp_path


def test_the_labels_of_a_neighbour_are_learned_once_and_spare_own_ones(
    place: Path, copper: Atoms
) -> None:
    first = walked(place, "000", copper)
    alone = walked(place, "alone/001", copper, seed=2)
    second = walked(place, "001", copper, seed=2, share_with="..")
    third = walked(place, "002", copper, seed=3, share_with="..")
    n_first = len(read_labels(first / "labels.extxyz"))
    assert shared(second) == [(20, "000", n_first - 1)]  # the start is the same
    assert n_labels(second) < n_labels(alone)
    # What the second has of the first is not taken a second time from it.
    n_second = len(read_labels(second / "labels.extxyz")) - (n_first - 1)
    assert shared(third) == [(20, "000", n_first - 1), (20, "001", n_second - 1)]
    origins = [e.provenance.get("shared_by") for e in read_labels(third / "labels.extxyz")]
    assert origins.count("000") == n_first - 1
    learned = json.loads((third / "summary.json").read_text())["labels_learned"]
    assert learned == len(origins)


def test_a_killed_walker_goes_on_to_the_last_bit(place: Path, copper: Atoms) -> None:
    walked(place, "000", copper)
    whole = walked(place, "001", copper, seed=2, share_with="..")
    kept = whole.rename(place / "kept")  # a finished neighbour would be one more to learn from
    out = place / "walkers" / "001"
    (place / "run.yaml").write_text((kept / "config.yaml").read_text())
    size = (kept / "thermo.csv").stat().st_size * 0.6
    killed("run", place / "run.yaml", "--out", out, growing=out / "thermo.csv", size=size)
    api.resume(out)
    for name in ("thermo.csv", "trajectory.0001.extxyz.gz"):
        assert (out / name).read_bytes() == (kept / name).read_bytes(), name
    assert len(read_labels(out / "labels.extxyz")) == len(read_labels(kept / "labels.extxyz"))


def test_a_label_that_is_half_written_is_taken_when_it_is_whole(place: Path, copper: Atoms) -> None:
    first = walked(place, "000", copper)
    text = (first / "labels.extxyz").read_text()
    (first / "labels.extxyz").write_text(text[:-40])
    second = walked(place, "001", copper, seed=2, share_with="..")
    before = shared(second)
    (first / "labels.extxyz").write_text(text)
    api.resume(second, {"dynamics.steps": 140})
    assert shared(second) == [*before, (140, "000", 1)]


def test_labels_of_another_level_of_theory_stop_a_walker(place: Path, copper: Atoms) -> None:
    first = walked(place, "000", copper)
    text = (first / "labels.extxyz").read_text()
    (first / "labels.extxyz").write_text(text.replace("counted.Counted", "counted.Other"))
    with pytest.raises(AoflError, match="walkers that share labels need the same `reference`"):
        walked(place, "001", copper, seed=2, share_with="..")
    assert RunDirectory.open(place / "walkers" / "001").read_summary()["status"] == "failed"


def test_labels_of_elements_that_nobody_here_knows_are_left_out(place: Path, copper: Atoms) -> None:
    gold = copper.copy()
    gold.numbers[0] = 79
    gold.calc = EMT()
    other = place / "walkers" / "gold"
    gold.write(place / "gold.xyz")
    api.run(config_from_mapping(CONFIG | {"system": {"structure": str(place / "gold.xyz")}}), other)
    mine = walked(place, "000", copper, share_with="..")
    assert shared(mine) == []


def test_a_directory_that_is_not_there_is_told(place: Path, copper: Atoms) -> None:
    with pytest.raises(ConfigError, match=r"`labels.share_with` is ../nowhere"):
        walked(place, "000", copper, share_with="../nowhere")


def test_a_branch_goes_on_alone(place: Path, copper: Atoms) -> None:
    walked(place, "000", copper)
    second = walked(place, "001", copper, seed=2, share_with="..")
    out = place / "walkers" / "branch"
    api.branch(second, 60, out)
    assert read_config(out / "config.yaml", {}).labels.share_with is None
    assert api.resume(out, {"dynamics.steps": 130}) == "done"
    assert shared(out) == shared(second)


def test_other_neighbours_are_read_from_their_beginning(place: Path, copper: Atoms) -> None:
    walked(place, "000", copper)
    mine = walked(place, "001", copper, seed=2, share_with="..")
    (place / "others").mkdir()
    config = configured(place, copper).model_copy(update={"seed": 5})
    api.run(config, place / "others" / "000")
    api.resume(mine, {"dynamics.steps": 140, "labels.share_with": "../../others"})
    n = len(read_labels(place / "others" / "000" / "labels.extxyz"))
    assert shared(mine)[-1] == (140, "000", n - 1)
