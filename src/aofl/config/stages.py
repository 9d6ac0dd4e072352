"""The section `stages`: what is learned from small cells before the interface."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field, model_validator

from aofl.config.section import Section


class StageConfig(Section):
    """One kind of small cell."""

    steps: int = Field(ge=1, description="steps in each cell of this kind")
    temperature_K: float | None = Field(
        default=None, gt=0, description="null takes the one of `dynamics`"
    )


class StagesConfig(Section):
    """Which small cells teach the force field, in this order."""

    bulk: StageConfig | None = Field(default=None, description="the metal without surfaces")
    molecules: StageConfig | None = Field(
        default=None, description="each molecule and ion pair alone in a box"
    )
    liquid: StageConfig | None = Field(default=None, description="a box of the electrolyte")

    @model_validator(mode="after")
    def _teach_something(self) -> StagesConfig:
        if not list(self.wanted()):
            raise ValueError("give at least one of `bulk`, `molecules` and `liquid`")
        return self

    def wanted(self) -> Iterator[tuple[str, StageConfig]]:
        """Yield the stages that are asked for, in their order."""
        for name in ("bulk", "molecules", "liquid"):
            stage = getattr(self, name)
            if stage is not None:
                yield name, stage
