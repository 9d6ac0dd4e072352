"""Numbers of the command line, as people write them: one sentence where they are none."""

from __future__ import annotations

import math

from aofl.errors import ConfigError


def number_of(text: str | None, option: str) -> float | None:
    """Return the number of an option; None where it is not given.

    Raises
    ------
    ConfigError
        If it is no finite number.
    """
    return None if text is None else _number(text, option)


def cell_of(text: str | None) -> tuple[float, ...] | None:
    """Return the numbers of `--cell`, none at all for `none`; None where it is not given.

    Raises
    ------
    ConfigError
        If a part is no finite number.
    """
    if text is None:
        return None
    if text.strip().lower() == "none":
        return ()
    return tuple(_number(part, "--cell") for part in text.replace(",", " ").split())


def _number(text: str, option: str) -> float:
    from aofl.config.plain_yaml import NO_COMMA  # with it come pydantic, numpy and ASE

    if "," in text:
        raise ConfigError(f"an argument is {text!r}; {NO_COMMA}")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"{option} is {text!r}: give a finite number")
    return value
