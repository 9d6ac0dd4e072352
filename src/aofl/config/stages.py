"""The section `stages`: what is learned before the run, from small cells and from exploring."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field, model_validator

from aofl.config.references import ReferenceConfig, TbliteConfig
from aofl.config.section import Section

CELLS = ("bulk", "molecules", "liquid")


class StageConfig(Section):
    """One kind of small cell."""

    steps: int = Field(ge=1, description="steps in each cell of this kind")
    temperature_K: float | None = Field(
        default=None, gt=0, description="null takes the one of `dynamics`"
    )


class ExploreConfig(Section):
    """A cheap reference moves the whole; of its frames the real one labels those that say most."""

    reference: ReferenceConfig = Field(
        default_factory=TbliteConfig, description="makes the labels of the exploring run"
    )
    steps: int = Field(ge=1, description="steps of the exploring run")
    labels: int = Field(ge=1, description="frames of it that the real reference labels")
    workers: int = Field(
        default=1, ge=1, description="labels at once, each by a process of its own"
    )
    temperature_K: float | None = Field(
        default=None, gt=0, description="null takes the one of `dynamics`"
    )

    @model_validator(mode="after")
    def _has_frames_to_choose_from(self) -> ExploreConfig:
        if self.labels > self.steps:
            raise ValueError(
                f"`labels` is {self.labels} and `steps` {self.steps}: frames are chosen among "
                "those of the steps, so give more steps than labels"
            )
        return self


class StagesConfig(Section):
    """What teaches the force field before the run, in this order."""

    bulk: StageConfig | None = Field(default=None, description="the metal without surfaces")
    molecules: StageConfig | None = Field(
        default=None, description="each molecule and ion pair alone in a box"
    )
    liquid: StageConfig | None = Field(default=None, description="a box of the electrolyte")
    explore: ExploreConfig | None = Field(
        default=None, description="the whole, moved by a cheap reference"
    )

    @model_validator(mode="after")
    def _teach_something(self) -> StagesConfig:
        if not list(self.wanted()) and self.explore is None:
            raise ValueError("give at least one of `bulk`, `molecules`, `liquid` and `explore`")
        return self

    def wanted(self) -> Iterator[tuple[str, StageConfig]]:
        """Yield the small cells that are asked for, in their order."""
        for name in CELLS:
            stage = getattr(self, name)
            if stage is not None:
                yield name, stage
