"""The accuracy of a run so far, from its audits: sums that take no more room as the run grows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aofl.bayes.error_statistics import total
from aofl.records import ErrorSums, LedgerLine
from aofl.records.rule_names import AUDITS, RANDOM_AUDIT


@dataclass(slots=True)
class AuditStatistics:
    """Sums over the audits of a ledger, by element.

    Attributes
    ----------
    target
        The force error that was asked of the worst atom of a step, eV/Å.
    n_judged
        Audits whose worst atom is known, beside its calibrated error.
    n_above_target, n_above_expected
        Those on which the worst atom was off by more than the target, and than its calibrated
        error, which a fifth is to exceed.
    """

    target: float = math.inf
    sums: dict[str, ErrorSums] = field(default_factory=dict)
    n_audits: int = 0
    n_random: int = 0
    n_judged: int = 0
    n_above_target: int = 0
    n_above_expected: int = 0

    @classmethod
    def of(cls, ledger: Iterable[LedgerLine], target: float = math.inf) -> AuditStatistics:
        """Return the statistics of all lines of a ledger, for a target in eV/Å."""
        statistics = cls(target=target)
        for line in ledger:
            statistics.add(line)
        return statistics

    def add(self, line: LedgerLine) -> None:
        """Add one line of the ledger; only audits with a label count."""
        if line.rule not in AUDITS or not line.errors:
            return
        for element, part in line.errors.items():
            self.sums[element] = self.sums.get(element, ErrorSums()) + part
        self.n_audits += 1
        self.n_random += line.rule == RANDOM_AUDIT
        if line.true_error is not None and line.predicted_error is not None:
            self.n_judged += 1
            self.n_above_target += line.true_error > self.target
            self.n_above_expected += line.true_error > line.predicted_error

    def figures(self) -> dict[str, Any]:
        """Return the force RMSE over all atoms and by element, eV/Å, the shares and the counts."""
        judged = max(self.n_judged, 1)
        return {
            "audit_forces_rmse": total(self.sums.values()).rmse,
            "audit_forces_rmse_by_element": {e: part.rmse for e, part in self.sums.items()},
            "n_audit_frames": self.n_audits,
            "random_audits": self.n_random,
            "audits_above_target": self.n_above_target / judged if self.n_judged else None,
            "audits_above_expected": self.n_above_expected / judged if self.n_judged else None,
        }
