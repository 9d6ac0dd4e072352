"""Names that tell paths apart: of runs to compare, of files whose labels are joined."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """Return as many last parts of each path as tell it from the others."""
    parts = [path.resolve().parts for path in paths]
    for n in range(1, max(map(len, parts), default=0) + 1):
        names = ["/".join(part[-n:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]  # the same one twice
