"""Dataclasses out of plain JSON data, each value of the type that the class declares.

What a file says is not believed: a text where a number should be would otherwise be found hours
later, by the line that needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def from_plain(cls: type[T], state: Mapping[str, Any]) -> T:
    """Return an instance of a dataclass from a mapping of its fields.

    Fields may be bool, int, float, str, None, lists and dicts of these, and dataclasses like this
    one; those that are missing take their default.

    Raises
    ------
    TypeError
        If a field is unknown, is missing without a default, or holds another type.
    """
    if not is_dataclass(cls) or not isinstance(state, Mapping):
        raise TypeError(f"{cls.__name__} is made of named values, not of {state!r:.40}")
    hints = get_type_hints(cls)
    known = {field.name for field in fields(cls)}
    unknown = sorted(set(state) - known)
    if unknown:
        raise TypeError(f"{cls.__name__} has no {unknown[0]!r}")
    return cls(**{name: _checked(value, hints[name], name) for name, value in state.items()})


def _checked(value: Any, wanted: Any, name: str) -> Any:
    """Return a value as the type that is wanted of it."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is UnionType:
        wanted = NoneType if value is None else next(a for a in arguments if a is not NoneType)
        return _checked(value, wanted, name)
    if is_dataclass(wanted) and isinstance(wanted, type):
        return from_plain(wanted, value)
    if origin is list and isinstance(value, list):
        return [_checked(item, arguments[0], name) for item in value]
    if origin is dict and isinstance(value, dict):
        return {_checked(k, arguments[0], name): _checked(v, arguments[1], name)
                for k, v in value.items()}  # fmt: skip
    if wanted is float and type(value) is int:
        return float(value)
    if origin is None and type(value) is wanted:
        return value
    raise TypeError(f"{name} is {value!r:.40}, which is no {getattr(wanted, '__name__', wanted)}")
