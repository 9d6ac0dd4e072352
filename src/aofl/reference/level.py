"""The level of theory of a label as one line of text: equal for labels that may be mixed.

Code, version, functional, basis and dispersion stand in it for people; a digest stands for all
other settings that change the converged answer (`Reference.describe`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

NAMED = ("code", "version", "method", "functional", "dispersion", "basis")
DIGITS = 10  # hexadecimal; 40 bits tell apart all that anyone will ever mix up


def level_of(description: Mapping[str, Any]) -> str:
    """Return the level of theory of a description.

    Parameters
    ----------
    description
        What `Reference.describe` returns. The order of its keys does not matter.
    """
    text = json.dumps(description, sort_keys=True, allow_nan=False)
    digest = hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
    names: list[str] = []
    for key in NAMED:
        value = description.get(key)
        if isinstance(value, str) and value and value not in " ".join(names):
            names.append(value)
    return " ".join([*names, f"[{digest}]"])
