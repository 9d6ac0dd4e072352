"""Regions of a thermostat: atoms that are kept at a temperature of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ase.data import atomic_numbers
from pydantic import Field, field_validator, model_validator

from aofl.config.schedules import Temperature, schedule_of
from aofl.config.section import Section
from aofl.schedule import Schedule

RANGE = re.compile(r"(\d+)(?:-(\d+))?")  # 7, or 0-15 with both ends


class RegionConfig(Section):
    """Atoms with a temperature of their own; the others have that of `dynamics`."""

    elements: list[str] = Field(default=[], description="all atoms of these elements, such as [Na]")
    atoms: str | None = Field(
        default=None, description="indices in the start structure, from 0, such as 0-15, 20"
    )
    temperature_K: Temperature = Field(  # noqa: N815 - as in `dynamics`
        description="target temperature, K, or its course: points {ps, K} joined by lines"
    )

    @field_validator("elements")
    @classmethod
    def _are_elements(cls, symbols: list[str]) -> list[str]:
        for symbol in symbols:
            if symbol not in atomic_numbers:
                raise ValueError(f"{symbol!r} is no element; give symbols such as Na")
        return symbols

    @field_validator("atoms")
    @classmethod
    def _are_indices(cls, text: str | None) -> str | None:
        for part in [] if text is None else text.split(","):
            found = RANGE.fullmatch(part.strip())
            if not found or (found[2] and int(found[2]) < int(found[1])):
                raise ValueError(f"{part.strip()!r} is no index and no range such as 0-15")
        return text

    @model_validator(mode="after")
    def _names_atoms(self) -> RegionConfig:
        if bool(self.elements) == (self.atoms is not None):
            raise ValueError("give either `elements` or `atoms`, which say who is in the region")
        return self

    @property
    def target(self) -> Schedule:
        """The target, K, at every time."""
        return schedule_of(self.temperature_K, "K")

    def members(self, symbols: Sequence[str]) -> list[int]:
        """Return the indices of the atoms, of a structure with these symbols, ascending."""
        if self.atoms is None:
            return [k for k, symbol in enumerate(symbols) if symbol in self.elements]
        found = [RANGE.fullmatch(part.strip()) for part in self.atoms.split(",")]
        ends = [(int(m[1]), int(m[2] or m[1])) for m in found if m]
        return sorted({k for first, last in ends for k in range(first, last + 1)})
