"""What each stage of learning cost, and what it was worth to the run that came after.

Worth is measured on the first labels of the run itself: the error of the force field that each
stage left behind, on structures that none of the stages has seen.
"""

from __future__ import annotations

from aofl.report.data import FIRST_LABELS, RunData, Stage
from aofl.report.page import Section, Table


def stages(data: RunData) -> Section | None:
    """Section: the small cells before the interface."""
    if not data.stages:
        return None
    call = data.summary.get("aimd_step_s")
    n = min(FIRST_LABELS, len(data.labels))
    worth = ""
    if isinstance(call, float) and call > 0:
        total = sum(stage.seconds for stage in data.stages)
        worth = f" Together they took as long as {total / call:.0f} labels of this run."
    return Section(
        id="stages",
        title="Stages",
        text=(
            "Small cells taught the force field before this run." + worth,
            f"The error is that of the force field after each stage on the first {n} labels of "
            "this run, which no stage has seen.",
        ),
        tables=(
            Table(
                caption="Cells in the order of learning",
                columns=("cell", "atoms", "labels", "s per label", "s", "RMSE here, meV/Å"),
                rows=tuple(_row(stage) for stage in data.stages),
            ),
        ),
    )


def _row(stage: Stage) -> tuple[str | int, ...]:
    each = f"{stage.seconds / stage.labels:.2g}" if stage.labels else "\u2013"
    error = "\u2013" if stage.forces_rmse is None else f"{1e3 * stage.forces_rmse:.0f}"
    return (stage.name, stage.n_atoms, stage.labels, each, f"{stage.seconds:.3g}", error)
