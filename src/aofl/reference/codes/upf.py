"""Which functional a pseudopotential file (UPF) was made for.

A pseudopotential of another functional gives no error and wrong forces.
"""

from __future__ import annotations

import re
from pathlib import Path

from aofl.errors import ConfigError

HEADER_BYTES = 65536

_VERSION_2 = re.compile(r'functional\s*=\s*"([^"]*)"')
_VERSION_1 = re.compile(r"^\s*(.*?)\s+Exchange-Correlation functional", re.MULTILINE)
# As the files name them: short, or exchange, correlation and their gradients.
_NAMES = {
    "PBE": ("PBE", "SLA PW PBX PBC", "SLA PW PBE PBE"),
    "revPBE": ("REVPBE", "SLA PW REVX PBC"),
    "PBEsol": ("PBESOL", "SLA PW PSX PSC"),
    "LDA": ("PZ", "PW", "LDA", "SLA PZ NOGX NOGC", "SLA PW NOGX NOGC"),
    "BLYP": ("BLYP", "SLA LYP B88 BLYP", "B88 LYP B88 BLYP"),
}


def functional_of(path: Path) -> str | None:
    """Return the functional of a UPF file; None where the file does not say it in known words.

    Raises
    ------
    ConfigError
        If the file cannot be read.
    """
    try:
        with path.open(errors="replace") as file:
            header = file.read(HEADER_BYTES)
    except OSError as error:
        raise ConfigError(f"the pseudopotential {path} cannot be read: {error.strerror}") from error
    found = _VERSION_2.search(header) or _VERSION_1.search(header)
    if found is None:
        return None
    words = found.group(1).replace("-", " ").upper().split()
    for name, spellings in _NAMES.items():
        if any(words[: len(s.split())] == s.split() for s in spellings):
            return name
    return None


def check_functional(path: Path, element: str, functional: str) -> None:
    """Refuse a pseudopotential that was made for another functional.

    PBE ones serve the revisions of PBE, for which few are made.

    Raises
    ------
    ConfigError
        Naming the file, its functional and the one asked for.
    """
    found = functional_of(path)
    if found not in (None, functional, "PBE"):
        raise ConfigError(
            f"the pseudopotential of {element}, {path}, was made for {found} and not for "
            f"{functional}: give a file of the same functional"
        )
