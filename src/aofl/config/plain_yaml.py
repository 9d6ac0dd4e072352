"""YAML without its surprises: text to plain keys and values, and back.

Beyond YAML 1.1 as PyYAML reads it, `1e-3` is a number, `NO` is a name (nitric oxide, not false),
a date is text, and a key given twice is an error.
"""

from __future__ import annotations

import json
import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from aofl.errors import ConfigError

LARGEST_FILE = 1_000_000  # bytes
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?")
NO_COMMA = "write a number with a point and without commas, such as 0.5 or 10000"

_DROPPED = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")
_FLOAT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")
_BOOL = re.compile(r"(true|True|TRUE|false|False|FALSE)$")


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader without its surprises.

    Aliases are refused: a few lines of them can unfold into more memory than there is.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                problem="aliases (`*name`) are not read; write the value out", problem_mark=mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key `{key.value}` is given twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        self._refuse_comma(node)
        return super().construct_mapping(node, deep)

    def _refuse_comma(self, node: yaml.MappingNode) -> None:
        """Refuse `{a: 0,5}`, which YAML reads as `{a: 0, 5: null}`."""
        for (key, value), (rest, nothing) in pairwise(node.value if node.flow_style else ()):
            number = f"{value.value},{rest.value}"
            if nothing.value == "" and DECIMAL_COMMA.fullmatch(number):
                raise yaml.constructor.ConstructorError(
                    problem=f"`{key.value}` is {number}; {NO_COMMA}", problem_mark=value.start_mark
                )


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper with the resolvers of `_Loader`, so that it quotes what it must."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _side in (_Loader, _Dumper):
    _side.yaml_implicit_resolvers = {
        letter: [pair for pair in pairs if pair[0] not in _DROPPED]
        for letter, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    _side.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOL, list("tTfF"))
    _side.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))


def _parsed(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the keys and values of a YAML file.

    Raises
    ------
    ConfigError
        If there is no such file, it is not YAML, or it holds something else than keys.
    """
    if path.is_dir():
        raise ConfigError(f"{path} is a directory; give the path of a YAML file")
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ConfigError(f"{path} has more than {LARGEST_FILE} bytes; give a configuration")
        data = _parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist; give the path of a YAML file") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not text in UTF-8; give a YAML file") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {_yaml_problem(error)}") from error
    except RecursionError as error:
        raise ConfigError(f"{path} is nested too deeply; expected a few levels of keys") from error
    except ValueError as error:  # such as a number of 5000 digits, or the 31st of February
        raise ConfigError(f"{path} has a value that cannot be read: {error}") from error
    if data is None:
        raise ConfigError(f"{path} is empty; it needs at least `system` and `dynamics`")
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds {shown(data)}; expected keys such as `system`")
    return data


def write_yaml(data: dict[str, Any]) -> str:
    """Return keys and values as YAML that reads back to the same, in their order."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False)


def inline_yaml(value: object) -> str:
    """Return one value as YAML on one line."""
    listed = yaml.dump(
        [value], Dumper=_Dumper, sort_keys=False, default_flow_style=True, width=math.inf,
        allow_unicode=True,
    )  # fmt: skip
    text = listed.strip()[1:-1]
    return text if "\n" not in text else json.dumps(value, ensure_ascii=False)  # JSON is YAML


def shown(value: object) -> str:
    """Return a value as a message quotes it, cut off where it is long."""
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())
    problem = getattr(error, "problem", None) or "cannot be parsed"
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"
