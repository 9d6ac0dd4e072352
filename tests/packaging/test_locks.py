"""Every dependency, optional ones and those of the docs too, has a version in a lock."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(name: str) -> set[str]:
    lines = (ROOT / name).read_text().splitlines()
    return {Requirement(line).name for line in lines if not line.startswith("#")}


@pytest.mark.parametrize(
    ("lock", "asked"),
    [
        ("requirements.lock", PROJECT["project"]["dependencies"]),
        ("requirements.lock", PROJECT["dependency-groups"]["dev"]),
        ("requirements-optional.lock", PROJECT["dependency-groups"]["docs"]),
        *(
            ("requirements-optional.lock", extra)
            for extra in PROJECT["project"]["optional-dependencies"].values()
        ),
    ],
)
def test_every_part_is_in_a_lock(lock: str, asked: list[str]) -> None:
    assert {Requirement(line).name.lower() for line in asked} <= locked(lock)


def test_what_two_locks_have_they_have_in_one_version() -> None:
    both = [
        set((ROOT / name).read_text().splitlines()[2:])
        for name in ("requirements.lock", "requirements-optional.lock")
    ]
    names = locked("requirements.lock") & locked("requirements-optional.lock")
    common = both[0] & both[1]
    assert {Requirement(line).name for line in common} >= names - {"colorama"}
