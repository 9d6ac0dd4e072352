"""Structures that got no label, kept with all that helps to find out why."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ase import Atoms

from aofl.store.atomic import cannot, write_atomic
from aofl.store.extxyz import format_atoms
from aofl.store.journal import jsonable

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


def keep_in_quarantine(
    directory: Path, atoms: Atoms, facts: Mapping[str, Any], evidence: Mapping[str, str]
) -> Path:
    """Write a structure, why it has no label, and the files of the code; return where.

    Parameters
    ----------
    directory
        Of the quarantine; each case gets a directory of its own in it.
    facts
        Step, rule and reason, as JSON values.
    evidence
        Texts by file name; a name is stripped of what cannot be in one.

    Raises
    ------
    StoreError
        If the disk refuses.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        number = 1 + sum(1 for _ in directory.iterdir())
        case = directory / f"{number:04d}"
        case.mkdir()
    except OSError as error:
        raise cannot("make a directory in", directory, error) from error
    for name, text in evidence.items():
        write_atomic(case / (_UNSAFE.sub("_", name).lstrip(".") or "file"), text.encode())
    write_atomic(case / "structure.extxyz", format_atoms(atoms).encode())
    write_atomic(case / "reason.json", json.dumps(jsonable(facts), indent=2).encode() + b"\n")
    return case
