"""Sphinx: the page of keys is written from the JSON schema, each time the site is built."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from aofl.config.json_schema import json_schema

PAGE, PLACE = "keys", "<!-- the keys -->"
LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}

Schema = Mapping[str, Any]


def key_reference(schema: Schema) -> str:
    """Return every key of a configuration as Markdown: a heading and a table for each section."""
    sections = ("\n".join(_table(schema, part, title)) for title, part in _sections(schema))
    return "\n".join(dict.fromkeys(sections))  # alternatives share some of their parts


def _sections(whole: Schema) -> Iterator[tuple[str, Schema]]:
    yield "Top level", whole
    yield from _below(whole, whole, "")


def _below(whole: Schema, section: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Return the sections below one, from the top down, each with its heading."""
    for name, key in section.get("properties", {}).items():
        for title, part in _parts(whole, key, f"{path}{name}"):
            yield title, part
            yield from _below(whole, part, f"{path}{name}.")


def _table(whole: Schema, section: Schema, title: str) -> Iterator[str]:
    yield from (f"## {title}", "", _words(section), "")
    yield from ("| key | value | default | meaning |", "|---|---|---|---|")
    required = section.get("required", ())
    for name, key in section.get("properties", {}).items():
        default = "required" if name in required else _default(key)
        words = _words(key) or ("says which of the alternatives it is" if name == "name" else "")
        cells = (f"`{name}`", _value(whole, key), default, words)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


def _parts(whole: Schema, key: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Return the sections that a key may hold, each with its heading; NAME is one of yours.

    Those of a list have [] behind its key.
    """
    named = key.get("additionalProperties")
    if isinstance(named, dict):
        yield from _parts(whole, named, f"{path}.NAME")
    for part in _alternatives(whole, key):
        if isinstance(part.get("items"), dict):
            yield from _parts(whole, part["items"], f"{path}[]")
    found = [part for part in _alternatives(whole, key) if "properties" in part]
    for part in found:
        name = part["properties"].get("name", {}).get("const")
        is_one_of_many = len(found) > 1 and name
        yield (f"`{path}`, `name: {name}`" if is_one_of_many else f"`{path}`"), part


def _alternatives(whole: Schema, key: Schema) -> list[Schema]:
    """Return what a key may be, references followed."""
    if "$ref" in key:
        return [whole["$defs"][key["$ref"].removeprefix("#/$defs/")]]
    choices = key.get("anyOf") or key.get("oneOf")
    if choices is None:
        return [key]
    return [part for choice in choices for part in _alternatives(whole, choice)]


def _value(whole: Schema, key: Schema) -> str:
    """Write what a key takes: alternatives, a type, and its range."""
    kinds = dict.fromkeys(_kind(whole, part) for part in _alternatives(whole, key))
    return " or ".join(kinds)


def _kind(whole: Schema, part: Schema) -> str:
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    if "properties" in part:
        return "a section"
    if part.get("type") == "array":
        return _list(whole, part)
    if part.get("type") == "object":
        held = part.get("additionalProperties", True)
        return "any keys" if held is True else f"of names, each {_value(whole, held)}"
    limits = " and ".join(f"{sign} {part[word]:g}" for word, sign in LIMITS.items() if word in part)
    return f"{part.get('type', 'any')} {limits}".strip()


def _list(whole: Schema, part: Schema) -> str:
    if "prefixItems" in part:
        return f"[{', '.join(_value(whole, item) for item in part['prefixItems'])}]"
    return f"list of {_value(whole, part.get('items', {}))}"


def _default(key: Schema) -> str:
    default = key.get("default")
    is_section = isinstance(default, dict) and default
    return "its own defaults" if is_section or "default" not in key else f"`{json.dumps(default)}`"


def _words(part: Schema) -> str:
    return " ".join(str(part.get("description", "")).split())


def _fill(app: object, page: str, source: list[str]) -> None:
    if page == PAGE:
        source[0] = source[0].replace(PLACE, key_reference(json.loads(json_schema())))


def setup(app: Any) -> dict[str, bool]:
    """Fill the page as Sphinx reads it."""
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True}
