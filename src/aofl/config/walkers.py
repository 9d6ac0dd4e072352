"""Many trajectories of one configuration: how many, and what differs between them."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator, model_validator

from aofl.config.section import Section

MOST = 1000
SHORT_NAMES = {"temperature_K": "dynamics.temperature_K", "structure": "system.structure"}
FIXED = ("out", "walkers", "stages", "labels.share_with")


class WalkersConfig(Section):
    """Trajectories that share their labels, each a run of its own below `walkers/`."""

    count: int = Field(ge=1, le=MOST, description="how many")
    vary: dict[str, list[Any]] = Field(
        default={},
        description="lists of values by dotted key, side by side; a shorter list begins again",
    )

    @field_validator("vary")
    @classmethod
    def _keys_may_differ(cls, vary: dict[str, list[Any]]) -> dict[str, list[Any]]:
        named = [full_name(key) for key in vary]
        for key, full in zip(vary, named, strict=True):
            if any(full == fixed or full.startswith(f"{fixed}.") for fixed in FIXED):
                raise ValueError(f"`{key}` is the same for all walkers; take it out of `vary`")
            if named.count(full) > 1:
                raise ValueError(f"`{full}` is given twice, by its short name as well; give one")
        return vary

    @model_validator(mode="after")
    def _lists_fit(self) -> WalkersConfig:
        for key, values in self.vary.items():
            if not values or self.count % len(values):
                raise ValueError(
                    f"`vary.{key}` has {len(values)} values for {self.count} walkers; give "
                    f"{self.count}, or a number that divides it, so that each is used equally often"
                )
        return self


def full_name(key: str) -> str:
    """Return the dotted key that a key of `vary` stands for."""
    return SHORT_NAMES.get(key, key)
