"""What of a run is near a reaction: its audits there and elsewhere, and how it was labelled.

A frame is near a reaction if it lies within `WINDOW_FS` of the time that it took. Exchanges count
here, for bonds change in them too. The same holds for every mode, so runs of different rules
compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aofl.bayes.error_statistics import total
from aofl.records import ErrorSums, FloatArray
from aofl.report.data import AUDIT_RULES, RunData

WINDOW_FS = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPart:
    """Audits of one part of a run: frames, errors, components inside the interval and all."""

    name: str
    n_frames: int
    sums: ErrorSums
    inside_90: tuple[int, int]

    @property
    def coverage(self) -> float | None:
        """Share of the force components inside the 90 % interval; None if that is not known."""
        return coverage_of(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDensity:
    """Labels per step near reactions and elsewhere; None where there are no steps."""

    reactive: float | None
    quiet: float | None

    @property
    def ratio(self) -> float | None:
        """How much denser the labels are near reactions."""
        return self.reactive / self.quiet if self.reactive is not None and self.quiet else None


def coverage_of(*parts: AuditPart) -> float | None:
    """Return the share of the force components inside the 90 % interval; None if not known."""
    inside, n = (sum(part.inside_90[k] for part in parts) for k in (0, 1))
    return inside / n if n else None


def is_near_reaction(data: RunData, times_fs: FloatArray) -> npt.NDArray[np.bool_]:
    """Return for each time, fs, whether a reaction of the run is near."""
    near = np.zeros(len(times_fs), dtype=bool)
    for event in data.changes:
        near |= (times_fs >= event.began_fs - WINDOW_FS) & (times_fs <= event.time_fs + WINDOW_FS)
    return near


def audits_by_chemistry(
    data: RunData, rules: Sequence[str] = AUDIT_RULES
) -> tuple[AuditPart, AuditPart]:
    """Return the audits of the quiet and of the reactive parts of a run.

    Parameters
    ----------
    rules
        Which audits count. Runs of different rules share the random ones alone: scheduled audits
        crowd where the force field is young.
    """
    audits = [d for d in data.decisions if d.rule in rules and d.errors]
    near = is_near_reaction(data, np.array([d.time_fs for d in audits]))
    parts = []
    for name, chosen in (("quiet", ~near), ("reactive", near)):
        own = [audit for audit, is_chosen in zip(audits, chosen, strict=True) if is_chosen]
        inside, n = (sum(audit.inside_90[k] for audit in own) for k in (0, 1))
        parts.append(
            AuditPart(
                name=name,
                n_frames=len(own),
                sums=total(sums for audit in own for sums in audit.errors.values()),
                inside_90=(inside, n),
            )
        )
    return parts[0], parts[1]


def label_density(data: RunData) -> LabelDensity:
    """Return how densely a run was labelled near reactions and elsewhere, audits left out."""
    steps = is_near_reaction(data, data.thermo["time_fs"])
    asked = [d for d in data.decisions if d.action == "label" and d.rule not in AUDIT_RULES]
    labels = is_near_reaction(data, np.array([d.time_fs for d in asked]))
    n_near, n_far = int(steps.sum()), int((~steps).sum())
    return LabelDensity(
        reactive=float(labels.sum()) / n_near if n_near else None,
        quiet=float((~labels).sum()) / n_far if n_far else None,
    )
