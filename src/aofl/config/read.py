"""YAML to `RunConfig` and back; every mistake becomes one sentence.

The sentence names the file, the dotted key, its value and what is expected, and for an unknown
key the nearest valid one.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from aofl.config.plain_yaml import DECIMAL_COMMA, NO_COMMA, read_yaml, shown, write_yaml
from aofl.config.references import ReferenceConfig
from aofl.config.schema import RunConfig
from aofl.config.walkers import full_name
from aofl.errors import ConfigError

PATH_KEYS = (
    "system.structure",
    "system.electrode.structure",
    "system.electrolyte.species.*.file",
    "force_field.model",
    "bias.plumed",
    "labels.cache",
    *(
        f"{section}.{key}"
        for section in ("reference", "stages.explore.reference")
        for key in (
            "input",
            "data_directory",
            "pseudopotential_directory",
            "potential_directory",
            "files",
        )
    ),
)

# What a file that says nothing but `reference` is completed with, to be read like any other.
_REFERENCE_ALONE: dict[str, Any] = {
    "system": {"structure": "none"},
    "dynamics": {"name": "velocity_verlet", "timestep_fs": 1.0, "temperature_K": 1.0, "steps": 1},
}


def read_config(path: Path, overrides: Mapping[str, object] | None = None) -> RunConfig:
    """Return the configuration in a YAML file.

    Parameters
    ----------
    path
        The file. Relative paths in it count from its directory.
    overrides
        Values by dotted key, such as `{"dynamics.steps": 500}`, that replace those of the file.
        Relative paths among them count from the working directory.

    Raises
    ------
    ConfigError
        With one sentence that says what to change.
    """
    return config_from_mapping(_load_with_paths(path), overrides, source=str(path))


def read_reference(path: Path) -> ReferenceConfig:
    """Return the section `reference` of a YAML file; the rest of the file does not matter.

    Raises
    ------
    ConfigError
        As `read_config`, and if there is no such section.
    """
    data = _load_with_paths(path)
    if "reference" not in data:
        raise ConfigError(f"{path} has no section `reference`; expected one, such as in run.yaml")
    alone = {**_REFERENCE_ALONE, "reference": data["reference"]}
    return config_from_mapping(alone, source=str(path)).reference


def reference_named(name: str) -> ReferenceConfig:
    """Return the reference code of a name with its default settings.

    Raises
    ------
    ConfigError
        If there is no such code, or it has settings without a default.
    """
    alone = {**_REFERENCE_ALONE, "reference": {"name": name}}
    return config_from_mapping(alone, source="command line").reference


def config_from_mapping(
    data: Mapping[str, Any],
    overrides: Mapping[str, object] | None = None,
    *,
    source: str = "configuration",
) -> RunConfig:
    """Return the configuration in a nested mapping, as `read_config` does for a file.

    Parameters
    ----------
    data
        Nested mapping with the keys of `RunConfig`; not changed.
    overrides
        Values by dotted key that replace those of `data`.
    source
        What the messages call the origin of the data.
    """
    merged = copy.deepcopy(dict(data))
    for key, value in (overrides or {}).items():
        _put(merged, key, value, source)
    try:
        return RunConfig.model_validate(merged)
    except ValidationError as error:
        # A misspelt key is also a missing one: the spelling is what helps.
        found = error.errors(include_url=False)
        first, *others = sorted(found, key=lambda e: e["type"] != "extra_forbidden")
        more = f" (and {len(others)} more)" if others else ""
        raise ConfigError(f"{source}: {_sentence(first, merged)}{more}") from error


def dump_config(config: RunConfig) -> str:
    """Return the configuration as YAML that reads back to the same, defaults written out."""
    return write_yaml(config.model_dump(mode="json"))


def _load_with_paths(path: Path) -> dict[str, Any]:
    """Return what a file says, with relative paths made to count from its directory."""
    data = read_yaml(path)
    for key in PATH_KEYS:
        _make_absolute(data, key.split("."), path.parent.absolute())
    for varied in _varied_paths(data):
        _make_absolute(data, ["walkers", "vary", varied], path.parent.absolute())
    return data


def _varied_paths(data: Mapping[str, Any]) -> list[str]:
    """Return the keys of `walkers.vary` whose values are paths."""
    walkers = data.get("walkers")
    vary = walkers.get("vary") if isinstance(walkers, dict) else None
    keys = [key for key in vary if isinstance(key, str)] if isinstance(vary, dict) else []
    return [k for k in keys if any(fnmatchcase(full_name(k), path) for path in PATH_KEYS)]


def _make_absolute(data: Any, keys: list[str], folder: Path) -> None:
    """Let the path, or list of paths, at dotted keys count from a folder; `*` is any key."""
    if not isinstance(data, dict):
        return
    first, *rest = keys
    for key in list(data) if first == "*" else [first]:
        if rest:
            _make_absolute(data.get(key), rest, folder)
        elif isinstance(data.get(key), str):
            data[key] = str(folder / _with_home(data[key]))
        elif isinstance(data.get(key), list):
            data[key] = [str(folder / p) if isinstance(p, str) else p for p in data[key]]


def _with_home(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{path}: there is no such user; write the path out") from error


def _put(data: dict[str, Any], dotted: str, value: object, source: str) -> None:
    *parents, last = dotted.split(".")
    node = data
    for depth, key in enumerate(parents, start=1):
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            section = ".".join(parents[:depth])
            raise ConfigError(
                f"{source}: `{section}` is {shown(node)}; expected keys, to set `{dotted}`"
            )
    node[last] = value


def _sentence(error: ErrorDetails, data: Mapping[str, Any]) -> str:
    """Return one error of pydantic in our words."""
    key = _dotted(error["loc"], data)
    context = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            return f"`{key}` is unknown; {_advice(error['loc'])}"
        case "missing":
            return f"`{key}` is missing"
        case "union_tag_not_found":
            return f"`{key}.name` is missing; expected {_one_of(error['loc'])}"
        case "union_tag_invalid":
            return f"`{key}.name` is {shown(context['tag'])}; expected {_one_of(error['loc'])}"
        case "value_error":
            return f"`{key}`: {context['error']}" if key else str(context["error"])
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"`{key}` is {shown(error['input'])}; expected keys below it"
    if isinstance(error["input"], str) and DECIMAL_COMMA.fullmatch(error["input"].strip()):
        return f"`{key}` is {shown(error['input'])}; {NO_COMMA}"
    expected = error["msg"].replace("Input should", "it should")
    return f"`{key}` is {shown(error['input'])}; {expected[0].lower()}{expected[1:]}"


def _dotted(location: tuple[int | str, ...], data: Any) -> str:
    """Return the key as the user wrote it: pydantic also lists the tags of unions."""
    parts: list[str] = []
    for part in location:
        is_tag = (
            part not in data and part != location[-1]
            if isinstance(data, Mapping)
            else data is not None and isinstance(part, str)
        )
        if not is_tag and part != "[key]":
            parts.append(str(part))
            data = data.get(part) if isinstance(data, Mapping) else None
    return ".".join(parts)


def _advice(location: tuple[int | str, ...]) -> str:
    valid = list(_models_at(location[:-1])[0].model_fields)
    nearest = difflib.get_close_matches(str(location[-1]), valid, n=1, cutoff=0.5)
    if nearest:
        return f"the nearest valid key is `{nearest[0]}`"
    return f"valid keys are {', '.join(f'`{key}`' for key in valid)}"


def _one_of(location: tuple[int | str, ...]) -> str:
    return "one of " + ", ".join(repr(_tag(model)) for model in _models_at(location))


def _models_at(location: tuple[int | str, ...]) -> list[type[BaseModel]]:
    """Return the models that may stand at a location: one, or the members of a union."""
    models: list[type[BaseModel]] = [RunConfig]
    for part in location:
        if len(models) > 1:
            models = [model for model in models if _tag(model) == part]
        else:
            annotation = models[0].model_fields[str(part)].annotation
            members = [member for member in get_args(annotation) if member is not NoneType]
            models = members or [annotation]
    return models


def _tag(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["name"].annotation)[0])
