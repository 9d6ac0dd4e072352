"""Numbers read from JSON that may be anything, and shares as they are written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def number(mapping: Mapping[str, Any], key: str) -> float | None:
    """Return a finite number of a JSON object, or None where there is none."""
    value = mapping.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def duration(seconds: float) -> str:
    """Write a time span with the unit that suits it."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def moment(time: float, unit: str) -> str:
    """Write a time of a trajectory, in fs or ps, or the number of a frame where it has no times."""
    if unit != "fs":
        return f"{unit} {time:g}"
    return f"{time:.0f} fs" if time < 1e4 else f"{1e-3 * time:.1f} ps"


def percent(share: float | None) -> str:
    """Write a share as percent, a dash where it is not known."""
    return "\u2013" if share is None else f"{100 * share:.0f} %"
