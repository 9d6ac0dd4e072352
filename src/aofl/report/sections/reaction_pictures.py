"""The section that shows the reactions: the first of each kind, before, at and after."""

from __future__ import annotations

from aofl.analysis.scenes import Scene
from aofl.report.data import RunData
from aofl.report.figures.ball_and_stick import draw_scene
from aofl.report.page import Illustration, Section
from aofl.report.sections.chemistry import seen_by


def reaction_pictures(data: RunData) -> Section | None:
    """Section 8: how the reactions looked; None where no frames of any are there."""
    if data.course is None or not data.course.scenes:
        return None
    return Section(
        id="pictures",
        title="Reactions in pictures",
        text=(
            "The first reaction of each kind. Lettered atoms belong to molecules that react, the "
            "others stand beside them, paler farther back. Red bonds break, green ones have "
            "formed; dots join reacting atoms to metal ions they touch. Most metal is below.",
        ),
        figures=tuple(
            Illustration(
                drawing=draw_scene(one, f"scene{k}", data.time_unit),
                label=f"Atoms before, at and after {one.event.reaction}",
                caption=_caption(one, data),
            )
            for k, one in enumerate(data.course.scenes)
        ),
    )


def _caption(one: Scene, data: RunData) -> str:
    event = one.event
    said = [f"{event.reaction} at {event.time_fs:g} {data.time_unit}"]
    to_metal = None
    if data.course is not None and event in data.reactions:
        to_metal = dict(zip(data.reactions, data.course.to_metal, strict=False)).get(event)
    if to_metal is not None:
        said.append(f"{to_metal:.1f} Å from the metal")
    if event.is_seen is not None:
        said.append(f"{seen_by(data)}: {'yes' if event.is_seen else 'no'}")
    return "; ".join(said) + "."
