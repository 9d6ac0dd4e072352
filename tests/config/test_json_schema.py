"""The schema for editors agrees with what is read, and comments never change a configuration."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from aofl.config import RunConfig, config_from_mapping
from aofl.config.commented import commented
from aofl.config.json_schema import editor_line, json_schema
from aofl.config.plain_yaml import inline_yaml, read_yaml
from aofl.errors import ConfigError

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*/*.yaml"))
SCHEMA = Draft202012Validator(json.loads(json_schema()))


def reread(text: str, folder: Path) -> RunConfig:
    path = folder / "run.yaml"
    path.write_text(text)
    return config_from_mapping(read_yaml(path))


def test_it_is_a_schema_of_its_dialect() -> None:
    Draft202012Validator.check_schema(json.loads(json_schema()))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_the_examples_are_valid(path: Path) -> None:
    assert not [error.message for error in SCHEMA.iter_errors(read_yaml(path))]


SOUND: dict[str, Any] = {
    "system": {"structure": "start.xyz"},
    "reference": {"name": "cp2k", "command": "mpirun -np 4 cp2k_shell"},
    "dynamics": {"name": "bussi", "timestep_fs": 1, "temperature_K": 300, "steps": 10},
}


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("dynamics", "timestep", 0.5),
        ("dynamics", "steps", 0),
        ("dynamics", "name", "verlet"),
        ("dynamics", "friction_per_ps", 10),  # of another thermostat
        ("reference", "functional", "B3LYP"),
        ("system", "electrode", {"element": "Na"}),
    ],
)
def test_schema_and_reader_refuse_alike(section: str, key: str, value: object) -> None:
    assert SCHEMA.is_valid(SOUND)
    assert config_from_mapping(SOUND)
    wrong = {**SOUND, section: {**SOUND[section], key: value}}
    assert not SCHEMA.is_valid(wrong)
    with pytest.raises(ConfigError):
        config_from_mapping(wrong)


@pytest.mark.parametrize(
    "command", [["mpirun", "-np", 4, "cp2k_shell"], "mpirun -np 4 cp2k_shell"], ids=["list", "text"]
)
def test_both_ways_to_write_a_command_are_valid(command: object) -> None:
    written = {**SOUND, "reference": {"name": "cp2k", "command": command}}
    assert SCHEMA.is_valid(written)
    assert config_from_mapping(written)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_comments_say_everything_and_change_nothing(path: Path, tmp_path: Path) -> None:
    config = config_from_mapping(read_yaml(path))
    text = commented(config, "# What it is for.")
    assert text.splitlines()[:2] == [editor_line(), "# What it is for."]
    assert reread(text, tmp_path) == config
    # Each default that stands there as a comment is the default: with all of them it is the same.
    uncommented, n_defaults = re.subn(r"(?m)^(\s*)# (\w+: )", r"\1\2", text)
    assert n_defaults > 15
    assert reread(uncommented, tmp_path) == config
    keys = [line for line in uncommented.splitlines() if re.match(r"\s*\w+:", line)]
    assert all("  # " in line for line in keys)


@pytest.mark.parametrize(
    "value", ["NO", "1e3", "a: b", "# no", 1e-5, True, None, {"NO": [1, "x y"]}, "ü\n", [], ""]
)
def test_a_value_on_one_line_reads_back(value: object, tmp_path: Path) -> None:
    assert "\n" not in inline_yaml(value)
    path = tmp_path / "value.yaml"
    path.write_text(f"key: {inline_yaml(value)}  # a comment")
    assert read_yaml(path) == {"key": value}
