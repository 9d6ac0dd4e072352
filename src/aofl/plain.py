"""Dataclasses to plain JSON values and back, each value of the type that the class declares.

What a file says is not believed: a text where a number should be would otherwise be found hours
later, by the line that needs it. Pydantic checks, strictly: a whole number passes for a float,
nothing else passes for anything else. Numbers come back to the last bit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

T = TypeVar("T")


class UnknownKindError(TypeError):
    """What was read is of none of the kinds of a union."""


def to_plain(record: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as a mapping, in their order, under their names in files."""
    cls: Any = type(record)
    plain: dict[str, Any] = _adapter(cls).dump_python(record, by_alias=True)
    return plain


def from_plain(cls: type[T], state: Mapping[str, Any]) -> T:
    """Return an instance of a dataclass from a mapping of its fields.

    Fields may be whatever JSON can hold, and dataclasses of such fields; those that are missing
    take their default.

    Raises
    ------
    TypeError
        If a field is unknown, is missing without a default, or holds another type.
    """
    if not is_dataclass(cls) or not isinstance(state, Mapping):
        raise TypeError(f"{cls.__name__} is made of named values, not of {state!r:.40}")
    try:
        text = json.dumps(state)
    except (ValueError, RecursionError) as error:
        raise TypeError(f"{cls.__name__} is made of JSON values: {error}") from error
    made: T = _read(cls, text, extra="forbid")
    return made


def from_json(kind: Any, text: str) -> Any:
    """Return an instance of a dataclass, or of a union of some, from a JSON object.

    Keys that the class does not have are passed over: another version may have written them.

    Raises
    ------
    UnknownKindError
        If the object is of none of the kinds of a union.
    TypeError
        If the text is no JSON object, or a field is missing without a default or holds another
        type.
    """
    return _read(kind, _decodable(text), extra="ignore")


def _read(kind: Any, text: str, *, extra: Literal["forbid", "ignore"]) -> Any:
    try:
        return _adapter(kind).validate_json(text, strict=True, extra=extra)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "union_tag_invalid":
            raise UnknownKindError(first["msg"]) from error
        raise TypeError(_sentence(first)) from error


def _sentence(error: ErrorDetails) -> str:
    """Return one error of pydantic in our words."""
    name = ".".join(str(part) for part in error["loc"])
    match error["type"]:
        case "missing":
            return f"`{name}` is missing"
        case "union_tag_not_found":
            return f"{error['ctx']['discriminator']} is missing".replace("'", "`")
        case "unexpected_keyword_argument":
            return f"`{name}` is unknown"
    expected = error["msg"].replace("Input should", "it should")
    return f"`{name}` is {error['input']!r:.40}; {expected}" if name else expected


def _decodable(text: str) -> str:
    r"""Return JSON with what is no Unicode in it, such as "\udcff" of a strange path, replaced."""
    if "\\ud" not in text:
        return text
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError):
        return text  # pydantic says what is wrong with it
    return json.dumps(plain, ensure_ascii=False).encode(errors="replace").decode()


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
