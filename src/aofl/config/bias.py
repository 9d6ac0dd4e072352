"""The section `bias`: forces of the experimenter, which act on the atoms and never on labels."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from aofl.config.schedules import Length, schedule_of
from aofl.config.section import Section
from aofl.schedule import Schedule


class RestraintConfig(Section):
    """A spring between two atoms, which holds or pulls their distance."""

    atoms: list[int] = Field(description="indices of the two atoms in the start structure, from 0")
    length_A: Length = Field(
        description="length of the spring at rest, Å, or its course: points {ps, A} joined by lines"
    )
    stiffness_eV_per_A2: float = Field(gt=0, description="k of k/2 (d - length)^2, eV/Å^2")

    @field_validator("atoms")
    @classmethod
    def _are_two(cls, atoms: list[int]) -> list[int]:
        if len(set(atoms)) != 2 or len(atoms) != 2 or min(atoms) < 0:
            raise ValueError(f"{atoms} are no two atoms; expected two different indices from 0 on")
        return atoms

    @property
    def target(self) -> Schedule:
        """The length at rest, Å, at every time."""
        return schedule_of(self.length_A, "A")


class WallConfig(Section):
    """Two soft planes normal to a and b of the cell; atoms beyond one are pushed back."""

    above_A: float | None = Field(
        default=None, description="height of the lower plane, Å: atoms stay above it"
    )
    below_A: float | None = Field(
        default=None, description="height of the upper plane, Å: atoms stay below it"
    )
    stiffness_eV_per_A2: float = Field(
        default=5.0, gt=0, description="k of k/2 (distance beyond)^2, eV/Å^2"
    )

    @model_validator(mode="after")
    def _has_a_plane(self) -> WallConfig:
        if self.above_A is None and self.below_A is None:
            raise ValueError("give `above_A`, `below_A` or both")
        if None not in (self.above_A, self.below_A) and not self.above_A < self.below_A:  # type: ignore[operator]
            raise ValueError(f"`above_A` is {self.above_A:g} and must be less than `below_A`")
        return self


class BiasConfig(Section):
    """What acts on the atoms beside the forces of the reference."""

    restrain: list[RestraintConfig] = Field(default=[], description="springs between two atoms")
    wall: WallConfig | None = Field(default=None, description="planes that atoms do not leave")
    plumed: str | None = Field(
        default=None, min_length=1, description="input of PLUMED; the run keeps a copy"
    )
