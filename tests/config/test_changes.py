"""What may change in a run that has begun."""

import pytest

from aofl.config import compare, refuse
from aofl.errors import ConfigError

BEFORE = {
    "mode": "aofl",
    "seed": 1,
    "out": "runs/a",
    "system": {"name": "file", "structure": "a"},
    "reference": {
        "name": "tblite",
        "method": "GFN1-xTB",
        "threads": 1,
        "arguments": {"threads": 1},
    },
    "labels": {"max_force_eV_per_A": 60.0, "cache": None},
    "chemistry": {"every_fs": 5.0},
    "force_field": {"accuracy": "fast"},
    "learning": {"guards": {"max_step_A": 0.3}},
    "dynamics": {"name": "langevin", "timestep_fs": 0.5, "steps": 40, "friction_per_ps": 10.0},
}


def changed(key, value, **options):
    after = {**BEFORE}
    *parents, last = key.split(".")
    node = after
    for parent in parents:
        node[parent] = {**node[parent]}
        node = node[parent]
    node[last] = value
    return compare(BEFORE, after, step=20, **options)


def test_nothing_changed_is_nothing():
    assert compare(BEFORE, BEFORE, step=20) == []
    assert changed("out", "elsewhere") == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dynamics.steps", 20),
        ("learning.guards.max_step_A", 0.1),
        ("reference.threads", 4),
        ("labels.max_force_eV_per_A", 40.0),
        ("labels.cache", "/labels"),
        ("chemistry.every_fs", 10.0),
        ("mode", "cofl"),
    ],
)
def test_what_concerns_the_steps_to_come_is_applied(key, value):
    (change,) = changed(key, value)
    assert (change.key, change.after, change.refusal) == (key, value, None)
    refuse([change])


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("system.structure", "b", "keeps the atoms"),
        ("reference.method", "GFN2-xTB", "two levels of theory"),
        ("reference.arguments.threads", 2, "two levels of theory"),
        ("force_field.accuracy", "high", "belongs to its basis"),
        ("dynamics.timestep_fs", 1.0, "time axis"),
        ("dynamics.steps", 19, "the run is at step 20"),
        ("mode", "mlff", "start a new run"),
        ("seed", 2, "drawn from it"),
    ],
)
def test_what_would_make_the_past_a_lie_is_refused(key, value, reason):
    with pytest.raises(ConfigError, match=reason):
        refuse(changed(key, value))


def test_a_branch_may_have_a_seed_of_its_own():
    refuse(changed("seed", 2, is_branch=True))


def test_another_thermostat_changes_its_keys_one_by_one():
    after = {**BEFORE, "dynamics": {"name": "bussi", "timestep_fs": 0.5, "steps": 40, "tau": 1.0}}
    found = {change.key: str(change) for change in compare(BEFORE, after, step=0)}
    assert found == {
        "dynamics.name": "`dynamics.name`: 'langevin' -> 'bussi'",
        "dynamics.tau": "`dynamics.tau`: None -> 1.0",
        "dynamics.friction_per_ps": "`dynamics.friction_per_ps`: 10.0 -> None",
    }
