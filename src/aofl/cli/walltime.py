"""Wall times as people and queues write them."""

from __future__ import annotations

import re

from aofl.errors import ConfigError

_DAYS = re.compile(r"(\d{1,4})-(\d{1,4})(?::(\d{1,4}))?(?::(\d{1,4}))?")  # D-H, D-H:M, D-H:M:S
_CLOCK = re.compile(r"\d{1,9}(:\d{1,4}){0,2}")  # M, M:S, H:M:S
_UNIT = re.compile(r"(\d{1,9}(?:\.\d+)?)\s*([a-z]+)")
_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
EXPECTED = (
    "minutes, M:SS, H:MM:SS, D-H, D-H:MM or D-H:MM:SS, as Slurm reads them, "
    "or a number with s, min, h or d, such as 90s or 1.5h"
)


def seconds_of(text: str | None) -> float | None:
    """Return a wall time in seconds; None where none is given.

    Parameters
    ----------
    text
        As Slurm reads `--time`: minutes (`90`), minutes and seconds (`30:00`), hours, minutes and
        seconds (`12:00:00`), or days before hours (`1-12`, `1-12:00`, `1-12:00:00`); or a number
        with its unit (`90s`, `30min`, `1.5h`, `2d`).

    Raises
    ------
    ConfigError
        If it is none of these or not positive.
    """
    if text is None:
        return None
    total = _total(text.strip().lower())
    if total is None or total <= 0:
        raise ConfigError(f"`--max-walltime` is {text!r}; expected {EXPECTED}")
    return total


def _total(text: str) -> float | None:
    """Return the seconds of a wall time, None where it is none."""
    if match := _DAYS.fullmatch(text):
        return _seconds(*(int(part or 0) for part in match.groups()))
    if match := _UNIT.fullmatch(text):
        number, unit = match.groups()
        return float(number) * _SECONDS[unit] if unit in _SECONDS else None
    if not _CLOCK.fullmatch(text):
        return None
    parts = [int(part) for part in text.split(":")]
    hours, minutes, seconds = parts if len(parts) == 3 else [0, *parts, 0][:3]
    return _seconds(0, hours, minutes, seconds)


def _seconds(days: int, hours: int, minutes: int, seconds: int) -> float:
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
