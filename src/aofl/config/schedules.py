"""Temperatures, pressures and lengths that follow the time: a number, or points that lines join."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from aofl.config.plain_yaml import shown
from aofl.config.section import Section
from aofl.schedule import Schedule

FS_PER_PS = 1000.0


class TemperaturePoint(Section):
    """A temperature at a time of the run."""

    ps: float = Field(ge=0, description="time since the start of the run, ps")
    K: float = Field(gt=0, description="target temperature then, K")


class PressurePoint(Section):
    """A pressure at a time of the run."""

    ps: float = Field(ge=0, description="time since the start of the run, ps")
    GPa: float = Field(description="target pressure then, GPa")


class LengthPoint(Section):
    """A length at a time of the run."""

    ps: float = Field(ge=0, description="time since the start of the run, ps")
    A: float = Field(gt=0, description="length then, Å")


def _are_points(key: str, example: str, least: float | None) -> BeforeValidator:
    """Return the check of a list of points, whose sentences name the point that is wrong."""

    def checked(value: Any) -> Any:
        if value is None or isinstance(value, dict):
            raise ValueError(
                f"{shown(value)} is neither a number nor a list of points such as {example}"
            )
        if not isinstance(value, list):
            return value
        points = [(_number(p, "ps"), _number(p, key)) for p in value]
        for n, (given, (time, target)) in enumerate(zip(value, points, strict=True), start=1):
            is_known = isinstance(given, dict) and set(given) == {"ps", key}
            if not is_known or time is None or target is None:
                raise ValueError(f"point {n} is {shown(given)}; expected one such as {example}")
            if least is not None and target <= least:
                raise ValueError(f"point {n} asks for {target:g} {key}; expected more than {least}")
        times = [time for time, _ in points if time is not None]
        if times[:1] != [0.0] or times != sorted(times):
            raise ValueError(
                f"the points are at {', '.join(f'{t:g}' for t in times) or 'no'} ps; expected 0 "
                "first and no time before the one above it (two points at one time are a step)"
            )
        return value

    return BeforeValidator(checked)


def _number(point: Any, key: str) -> float | None:
    value = point.get(key) if isinstance(point, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _kind(value: Any) -> str:
    return "points" if isinstance(value, list) else "number"


Temperature = Annotated[
    Annotated[Annotated[float, Field(gt=0)], Tag("number")]
    | Annotated[list[TemperaturePoint], Tag("points")],
    Discriminator(_kind),
    _are_points("K", "{ps: 5, K: 900}", 0.0),
]

Pressure = Annotated[
    Annotated[float, Tag("number")] | Annotated[list[PressurePoint], Tag("points")],
    Discriminator(_kind),
    _are_points("GPa", "{ps: 5, GPa: 0.1}", None),
]

Length = Annotated[
    Annotated[Annotated[float, Field(gt=0)], Tag("number")]
    | Annotated[list[LengthPoint], Tag("points")],
    Discriminator(_kind),
    _are_points("A", "{ps: 5, A: 2.5}", 0.0),
]


def schedule_of(value: float | Sequence[Section], unit: str) -> Schedule:
    """Return what a number or points of the configuration ask for at every time."""
    if isinstance(value, int | float):
        return Schedule.constant(float(value))
    return Schedule(
        times_fs=tuple(FS_PER_PS * time for time in _each(value, "ps")),
        values=tuple(_each(value, unit)),
    )


def _each(points: Sequence[Section], key: str) -> list[float]:
    return [float(getattr(point, key)) for point in points]
