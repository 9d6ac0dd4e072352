"""What a run will cost, before it is paid for."""

from __future__ import annotations

from typing import Any

from aofl.workflows.own_cost import OwnCost

# Share of steps that were labelled, least and most: of the first thousand steps, and of those
# after. Runs on sodium with water (GFN1-xTB and PBE, 300 to 2000 K) lie inside; those in which
# everything reacts at once, as with peroxide, reach the most.
EARLY_STEPS = 1000
EARLY, LATER = (0.04, 0.2), (0.003, 0.05)


def label_range(steps: int, mode: str) -> tuple[int, int]:
    """Return the least and the most labels to expect of a run."""
    if mode == "aimd":
        return steps + 1, steps + 1
    early, later = min(steps, EARLY_STEPS), max(0, steps - EARLY_STEPS)
    least, most = (round(e * early + x * later) + 1 for e, x in zip(EARLY, LATER, strict=True))
    return least, most


def forecast(
    steps: int,
    labels: tuple[int, int],
    label_seconds: float | None,
    own: OwnCost | None,
    *,
    is_whole: bool = True,
) -> dict[str, Any]:
    """Return labels and hours of a run by what takes them, and those of AIMD, as plain data.

    Parameters
    ----------
    labels
        Least and most.
    label_seconds
        Wall time of one label; None leaves out what depends on it.
    own
        What the force field costs; None counts the labels alone, which says nothing of a speed-up.
    is_whole
        Whether a label is of the whole structure: one of a part says nothing of AIMD.
    """
    found: dict[str, Any] = {"steps": steps, "labels": list(labels), "label_s": label_seconds}
    if label_seconds is None:
        return found
    cost = own or OwnCost()
    parts = {
        "reference": [n * label_seconds / 3600 for n in labels],
        "update": [n * cost.update / 3600 for n in labels],
        "force_field": [steps * cost.step / 3600] * 2,
    }
    hours = [sum(part) for part in zip(*parts.values(), strict=True)]
    aimd = steps * label_seconds / 3600 if is_whole else None
    speedup = None if own is None or aimd is None else [aimd / h for h in hours[::-1]]
    return {**found, "hours": hours, "hours_by_part": parts, "aimd_hours": aimd, "speedup": speedup}
