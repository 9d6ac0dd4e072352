"""What each stage of learning cost, and what it was worth to the run that came after.

Worth is measured on the first labels of the run itself: the error of the force field that each
stage left behind, on structures that none of the stages has seen.
"""

from __future__ import annotations

from aofl.records.events import Explored
from aofl.report.data import FIRST_LABELS, RunData, Stage, own_labels
from aofl.report.page import Section, Table


def stages(data: RunData) -> Section | None:
    """Section: what came before the run."""
    if not data.stages:
        return None
    call = data.summary.get("aimd_step_s")
    n = min(FIRST_LABELS, len(own_labels(data.labels)))
    worth = ""
    if isinstance(call, float) and call > 0:
        total = sum(stage.seconds for stage in data.stages)
        worth = f" Together their labels took as long as {total / call:.0f} labels of this run."
    explored = [event for event in data.events if isinstance(event, Explored)]
    return Section(
        id="stages",
        title="Stages",
        text=(
            "Stages taught the force field before this run." + worth,
            f"The error is that of the force field after each stage on the first {n} labels of "
            "this run, which no stage has seen.",
            *(_told(event) for event in explored[:1]),
        ),
        tables=(
            Table(
                caption="Cells in the order of learning",
                columns=("cell", "atoms", "labels", "s per label", "s", "RMSE here, meV/Å"),
                rows=tuple(_row(stage) for stage in data.stages),
            ),
        ),
    )


def _told(event: Explored) -> str:
    """Say what exploring gave and cost."""
    failed = f", and could not label {event.failed}" if event.failed else ""
    return (
        f"Exploring by {event.by} made {event.explored_steps} steps in {event.explored_s:.3g} s, "
        f"with {event.cheap_labels} labels of its own, which this run does not see. Of "
        f"{event.frames} frames {event.different} were no near-duplicates; the reference of this "
        f"run labelled the {event.labels} that say most{failed}. These labels took "
        f"{event.label_s:.3g} s, one after the other, and the run began with them."
    )


def _row(stage: Stage) -> tuple[str | int, ...]:
    each = f"{stage.seconds / stage.labels:.2g}" if stage.labels else "\u2013"
    error = "\u2013" if stage.forces_rmse is None else f"{1e3 * stage.forces_rmse:.0f}"
    return (stage.name, stage.n_atoms, stage.labels, each, f"{stage.seconds:.3g}", error)
