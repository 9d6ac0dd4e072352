"""A dataclass comes back from JSON with the types it declares, or not at all."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aofl.plain import from_plain, to_plain


@dataclass(slots=True)
class Part:
    ratio: float = 1.0


@dataclass(slots=True)
class Whole:
    step: int
    is_on: bool = False
    gap: int | None = None
    names: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)


WHOLE = Whole(3, is_on=True, gap=4, names=["a"], counts={"b": 2}, parts={"H": Part(0.5)})


def test_what_was_written_comes_back() -> None:
    assert from_plain(Whole, json.loads(json.dumps(asdict(WHOLE)))) == WHOLE
    assert from_plain(Whole, {"step": 1}) == Whole(1)


def test_fields_go_out_in_their_order_and_as_they_are() -> None:
    assert list(to_plain(WHOLE).items()) == list(asdict(WHOLE).items())


@given(st.floats(allow_nan=False))
def test_a_float_comes_back_to_the_last_bit(value: float) -> None:
    assert from_plain(Part, {"ratio": value}).ratio.hex() == value.hex()


def test_a_whole_number_is_a_float_where_one_is_wanted() -> None:
    assert type(from_plain(Part, {"ratio": 2}).ratio) is float


@pytest.mark.parametrize(
    "change",
    [
        {"step": "3"}, {"step": True}, {"step": 3.0}, {"step": None}, {"is_on": 1}, {"gap": "4"},
        {"names": "a"}, {"names": [1]}, {"counts": []}, {"counts": {"b": "2"}},
        {"parts": {"H": 1}}, {"parts": {"H": {"ratio": None}}}, {"parts": {"H": {"x": 1.0}}},
        {"unknown": 1},
    ],
)  # fmt: skip
def test_another_type_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        from_plain(Whole, {**asdict(WHOLE), **change})


def test_a_missing_field_without_default_and_no_mapping_are_refused() -> None:
    for state in ({}, [1], None):
        with pytest.raises(TypeError):
            from_plain(Whole, state)  # type: ignore[arg-type]
