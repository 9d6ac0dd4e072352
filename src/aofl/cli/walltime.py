"""Wall times as people and queues write them."""

from __future__ import annotations

import re

from aofl.errors import ConfigError

_CLOCK = re.compile(r"(?:(\d{1,4})-)?(\d{1,4}):(\d{1,2})(?::(\d{1,2}))?")


def seconds_of(text: str | None) -> float | None:
    """Return a wall time in seconds; None where none is given.

    Parameters
    ----------
    text
        Seconds (`3600`), hours and minutes (`12:00`, `12:00:00`), or days before them
        (`1-12:00:00`), as Slurm writes them.

    Raises
    ------
    ConfigError
        If it is none of these or not positive.
    """
    if text is None:
        return None
    if match := _CLOCK.fullmatch(text.strip()):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        total = float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    elif re.fullmatch(r"\d{1,9}(\.\d+)?", text.strip()):
        total = float(text)
    else:
        total = 0.0
    if total <= 0:
        raise ConfigError(
            f"`--max-walltime` is {text!r}; expected seconds, H:MM, H:MM:SS or D-H:MM:SS"
        )
    return total
