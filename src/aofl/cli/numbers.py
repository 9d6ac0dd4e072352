"""Numbers of the command line, as people write them."""

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
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        hint = " with a decimal point" if "," in text else ""
        raise ConfigError(f"{option} is {text!r}: give one number{hint}")
    return value


def cell_of(text: str | None) -> tuple[float, ...] | None:
    """Return the numbers of `--cell`, none at all for `none`; None where it is not given.

    Raises
    ------
    ConfigError
        If a part is no number.
    """
    if text is None:
        return None
    if text.strip().lower() == "none":
        return ()
    parts = text.replace(",", " ").split()
    return tuple(value for part in parts if (value := number_of(part, "--cell")) is not None)
