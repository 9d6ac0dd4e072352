"""What a page carries for its scripts: JSON that cannot close its element, arrays as base64."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

# No byte of the text can end an element or begin a comment; in JSON these mean the same.
ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def to_script_json(value: Any) -> str:
    """Return JSON to stand in a `script` element; it has no number that is not finite."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(ESCAPES)


def to_base64(values: ArrayLike, kind: str) -> str:
    """Return an array as base64 of little-endian numbers of a kind such as "u2" or "f4"."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=f"<{kind}").tobytes()).decode()


@lru_cache
def asset(name: str) -> str:
    """Return the text of a file that comes with the reports."""
    return (resources.files("aofl.report") / "assets" / name).read_text(encoding="utf-8")


def script_hash(text: str) -> str:
    """Return what a Content-Security-Policy calls a script by."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
