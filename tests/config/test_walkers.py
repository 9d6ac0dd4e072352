"""`walkers`: one configuration becomes many, and what cannot be is one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aofl.config import RunConfig, config_from_mapping, dump_config, expand, read_config
from aofl.config.plain_yaml import write_yaml
from aofl.errors import ConfigError

BASE: dict[str, Any] = {
    "seed": 5,
    "system": {"structure": "start.xyz"},
    "dynamics": {"name": "langevin", "timestep_fs": 1.0, "temperature_K": 300, "steps": 10},
}


def campaign(count: int, **vary: list[Any]) -> RunConfig:
    return config_from_mapping({**BASE, "walkers": {"count": count, "vary": vary}})


def test_each_walker_is_the_run_with_a_seed_of_its_own() -> None:
    walkers = expand(campaign(3))
    assert [walker.seed for walker in walkers] == [5, 6, 7]
    alone = config_from_mapping({**BASE, "seed": 6, "labels": {"share_with": ".."}})
    assert walkers[1].model_dump() == alone.model_dump()


def test_lists_run_side_by_side_and_shorter_ones_begin_again() -> None:
    found = expand(campaign(4, temperature_K=[300, 600], **{"learning.audit_probability": [0.1]}))
    assert [walker.dynamics.temperature_K for walker in found] == [300, 600, 300, 600]
    assert {walker.learning.audit_probability for walker in found} == {0.1}
    assert [walker.seed for walker in found] == [5, 6, 7, 8]


def test_a_file_is_read_with_its_structures_beside_it(tmp_path: Path) -> None:
    walkers = {"count": 2, "vary": {"structure": ["a.xyz", "/b.xyz"]}}
    (tmp_path / "run.yaml").write_text(write_yaml({**BASE, "walkers": walkers}))
    found = expand(read_config(tmp_path / "run.yaml"))
    assert [w.system.structure for w in found] == [str(tmp_path / "a.xyz"), "/b.xyz"]  # type: ignore[union-attr]


def test_the_written_configuration_makes_the_same_walkers(tmp_path: Path) -> None:
    config = campaign(2, temperature_K=[300, [{"ps": 0, "K": 300}, {"ps": 1, "K": 500}]])
    (tmp_path / "campaign.yaml").write_text(dump_config(config))
    again = read_config(tmp_path / "campaign.yaml", {"system.structure": "start.xyz"})
    assert expand(again) == expand(config)


def test_frozen_walkers_share_nothing() -> None:
    config = {**BASE, "mode": "mlff", "force_field": {"model": "m.h5"}, "walkers": {"count": 2}}
    assert {w.labels.share_with for w in expand(config_from_mapping(config))} == {None}


@pytest.mark.parametrize(
    ("walkers", "words"),
    [
        ({}, "`walkers.count` is missing"),
        ({"count": 0}, "`walkers.count` is 0"),
        ({"count": 2, "number": 3}, "`walkers.number` is unknown"),
        ({"count": 2, "vary": {"seed": 3}}, "`walkers.vary.seed` is 3"),
        ({"count": 4, "vary": {"seed": [1, 2, 3]}}, "`vary.seed` has 3 values for 4 walkers"),
        ({"count": 2, "vary": {"seed": []}}, "`vary.seed` has 0 values"),
        ({"count": 2, "vary": {"out": ["a", "b"]}}, "`out` is the same for all walkers"),
        ({"count": 2, "vary": {"walkers.count": [1]}}, "is the same for all walkers"),
        (
            {"count": 1, "vary": {"temperature_K": [1], "dynamics.temperature_K": [2]}},
            "`dynamics.temperature_K` is given twice",
        ),
    ],
)
def test_what_is_no_list_of_walkers_is_refused(walkers: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        config_from_mapping({**BASE, "walkers": walkers})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("vary", "words"),
    [
        ({"dynamics.temprature_K": [1, 2]}, "walker 000.*nearest valid key is `temperature_K`"),
        ({"temperature_K": [300, "hot"]}, "walker 001.*'hot'"),
        ({"seed": [1]}, "makes walker 001 the same as 000"),
        ({"seed.first": [1]}, "expected keys"),
    ],
)
def test_values_that_make_no_runs_are_refused(vary: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        expand(campaign(2, **vary))


def test_stages_are_not_learned_by_each_walker_anew() -> None:
    system = {"electrode": {"element": "Na", "surface": "bcc100", "size": [2, 2, 4]},
              "electrolyte": {"molecules": {"H2O": 4}}}  # fmt: skip
    given = {**BASE, "system": system, "stages": {"bulk": {"steps": 9}}, "walkers": {"count": 2}}
    given["dynamics"] = {**BASE["dynamics"], "timestep_fs": 0.5}
    with pytest.raises(ConfigError, match="run them once before"):
        config_from_mapping(given)


def test_a_run_has_no_walkers_to_expand() -> None:
    with pytest.raises(ConfigError, match="`walkers` is missing"):
        expand(config_from_mapping(BASE))
