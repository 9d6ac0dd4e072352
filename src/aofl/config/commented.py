"""A configuration as text for people: each key with what it means, the others at their defaults.

What is given stands as it is; below it, as comments, stand the other keys of the same section with
their defaults. The words are those of the schema, so there is one copy of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from aofl.config.json_schema import editor_line
from aofl.config.plain_yaml import inline_yaml
from aofl.config.schema import RunConfig
from aofl.config.section import Section

SAID_BY_OTHERS = ("interface", "file", "slab")  # a `name` that the other keys already say
COLUMN = 40  # of the comments


def commented(config: RunConfig, head: str = "") -> str:
    """Return a configuration as YAML with a comment on every key; it reads back to the same.

    Parameters
    ----------
    config
        Keys that were not given to it are written as comments.
    head
        What the configuration is for: comments for its top, each line with its `#`.
    """
    given = [line for name in _given(config) for line in _key(config, name, "")]
    rest = [
        "# What is not given, at its defaults; `aofl schema` has every key.",
        *_defaults(config, ""),
    ]
    return "\n".join([editor_line(), *head.splitlines(), "", *given, "", *rest, ""])


def _section(section: Section, indent: str) -> Iterator[str]:
    for name in _given(section):
        yield from _key(section, name, indent)
    yield from _defaults(section, indent)


def _given(section: Section) -> list[str]:
    """Return the keys that were given, `name` first, the others as the schema has them."""
    names = [name for name in type(section).model_fields if name in section.model_fields_set]
    return sorted(names, key=lambda name: name != "name")


def _key(section: Section, name: str, indent: str) -> Iterator[str]:
    value = getattr(section, name)
    words = type(section).model_fields[name].description or _purpose(section)
    if isinstance(value, Section) and value.model_fields_set:
        if not indent:
            yield ""
        yield _line(f"{indent}{name}:", words)
        yield from _section(value, indent + "  ")
    elif name != "name" or value not in SAID_BY_OTHERS:
        written = section.model_dump(mode="json", exclude_unset=True, include={name})[name]
        yield _line(f"{indent}{name}: {inline_yaml(_short(written))}", words)


def _defaults(section: Section, indent: str) -> Iterator[str]:
    for name, field in type(section).model_fields.items():
        default = field.get_default(call_default_factory=True)
        if name in section.model_fields_set or default is PydanticUndefined:
            continue
        if isinstance(default, BaseModel):
            default = default.model_dump(mode="json")
        written = inline_yaml(_short(default))
        yield _line(f"{indent}# {name}: {written}", field.description or _purpose(section))


def _line(text: str, words: str) -> str:
    return f"{text.ljust(COLUMN - 2)}  # {words}"


def _short(value: Any) -> Any:
    """Return a value with numbers such as 350.0 written as 350, and tuples as lists."""
    if isinstance(value, dict):
        return {key: _short(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_short(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _purpose(section: Section) -> str:
    """Return the first line on what a section is, for its `name`."""
    return (type(section).__doc__ or "").partition("\n")[0].rstrip(".")
