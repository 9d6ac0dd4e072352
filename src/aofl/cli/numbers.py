"""Numbers of the command line, as people write them; decimal commas are told by `cli.main`."""

from __future__ import annotations

import math

from aofl.errors import ConfigError


def finite(value: float | None, option: str) -> float | None:
    """Return the number of an option; None where it is not given.

    Raises
    ------
    ConfigError
        If it is not finite.
    """
    if value is not None and not math.isfinite(value):
        raise ConfigError(f"{option} is {value}: give a finite number")
    return value


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
    return tuple(_length(part) for part in text.replace(",", " ").split())


def _length(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(f"--cell is {text!r}: give three, six or nine numbers, or none")
    return value
