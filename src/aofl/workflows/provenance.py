"""What a stretch of a run is made with: versions of packages and codes, and the host.

A run goes on bit for bit with what it was begun with alone. So each resume writes down what it is
made with now, and says what is different from the stretch before.
"""

from __future__ import annotations

import platform
import socket
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from aofl.config import Change
from aofl.records.events import Resumed, event_from_json
from aofl.reference import Reference
from aofl.store import RunDirectory
from aofl.store.append_only import iterate_whole_lines

PACKAGES = ("aofl", "ase", "numba", "numpy", "packmol", "scipy", "tblite", "vesin")


def made_with(reference: Reference) -> dict[str, str]:
    """Return versions by name, and the host, of this process and a reference."""
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        **_code(reference.describe()),
        "host": socket.gethostname(),
    }


def made_with_before(directory: RunDirectory) -> dict[str, str]:
    """Return what the last stretch of a run was made with, as far as it was written down."""
    last = _last_resumed(directory)
    if last:
        return last
    record = directory.read_record()
    level, versions = record.get("level_of_theory"), record.get("versions")
    found = {
        **(versions if isinstance(versions, Mapping) else {}),
        **{name: record.get(name) for name in ("python", "host")},
        **_code(level if isinstance(level, Mapping) else {}),
    }
    return {name: value for name, value in found.items() if isinstance(value, str)}


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[Change]:
    """Return what is not as it was, of what both know."""
    return [
        Change(key=name, before=before[name], after=value, refusal=None)
        for name, value in now.items()
        if before.get(name, value) != value
    ]


def _last_resumed(directory: RunDirectory) -> dict[str, str]:
    """Return what the last resume wrote down; empty where there is none, or one of before."""
    last = ""
    for line in iterate_whole_lines(directory.events):
        if '"event": "resumed"' in line:
            last = line
    try:
        event = event_from_json(last)
    except (TypeError, ValueError):  # there is none, or it is damaged: a notice is all it is for
        return {}
    return event.made_with if isinstance(event, Resumed) else {}


def _code(level: Mapping[str, Any]) -> dict[str, str]:
    """Return the version of a reference code by its name, empty where it has none."""
    code, number = level.get("code"), level.get("version")
    return {code: number} if isinstance(code, str) and isinstance(number, str) else {}
